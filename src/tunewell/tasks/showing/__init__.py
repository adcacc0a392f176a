"""Report sections that tasks show, made of examples, predictions and plain numbers. No task is known here.

`labels`, `confidence`, `numbers` and `outputs` serve several tasks; `texts`, `tagged`, `answers`, `written` and
`conversations` each show one kind of example.
Each section says in `note` how it is read and in `shows` what it shows here. Not for: drawing (`report`).
"""
