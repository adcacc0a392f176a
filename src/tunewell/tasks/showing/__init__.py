"""Report sections that tasks show, made of examples, predictions and plain numbers. No task is known here.

`labels`, `confidence` and `numbers` serve several tasks; `texts`, `tagged` and `answers` each show one kind of example.
Each section says in `note` how it is read and in `shows` what it shows here. Not for: drawing (`report`).
"""
