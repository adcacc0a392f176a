"""Gradient descent: `loop` is the loop, `optim` makes optimizers and schedules, `checkpoint` saves and restores."""
