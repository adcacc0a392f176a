"""Questions that take several runs to answer. Each study is a file; `folds` is cross-validation."""
