"""How fast Tunewell is against the Hugging Face Trainer, measured so that the answer can be trusted.

Run `make bench`, or `python -m benchmarks.train`, `.predict`, `.startup` and `.sweep`. What is compared with what, and
how, stands in docs/benchmarks.md. Not part of the package: nothing in `src` imports it.

The tables to add a line to: `data.DATA`, `models.MODELS`, `tasks.TASKS`, `setups.CONTESTANTS`.
"""
