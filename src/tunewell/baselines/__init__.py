"""Simple methods that a Transformer must beat, fitted and scored on the same examples.

The door to scikit-learn. Each has `fit(examples)` and `predict(examples)`; a task names the ones that suit
it and scores them like any model.
"""
