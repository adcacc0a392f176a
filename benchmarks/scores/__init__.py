"""Trained to the end on the same data and budget: the scores of Tunewell and of the Hugging Face Trainer.

Start with `__main__`. `data` reads the files without any code of ours, so that it checks our readers too; `hf_train`,
`hf_tokens`, `hf_answers` and `hf_translations` are the Trainer's side, `ours` is Tunewell's; `scoring` gives both
their scores. Speed is told, not measured with care: that is what `benchmarks.train` is for.
"""
