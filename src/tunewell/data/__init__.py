"""From files to batches: sources, the data doctor's checks, splits, features and batches.

The door to pyarrow and `datasets`. Not for: what a column means (the task) or a model (`tunewell.models`).
Start with `sources.read`.
"""
