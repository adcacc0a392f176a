"""Metrics on plain arrays, and how sure one can be of them.

Every metric that can be is a function of sums over examples: a table of parts per example (`tables`) and a
function from the summed parts to the value. So one bootstrap (`intervals`) serves every task, present and
to come. Metrics of ranks (AUROC, Spearman), which no sum can give, are carried beside the tables.

Numbers that neither can give, such as how many different words were written, stand as totals without an interval.

Not for: models, logits or label names (tasks turn predictions into ids and numbers), nor for drawing
(`tunewell.report`). Import from the modules: `classification`, `translations`, `likelihoods`, `intervals`, ...
Read `tables` first.
"""
