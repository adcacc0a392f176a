"""Words that every floor uses: errors, rows and examples, labels, scores, report sections.

Not for: anything that needs a third-party package. This floor imports nothing but the standard library,
so that a configuration error or `--help` never waits for a heavy import.
"""
