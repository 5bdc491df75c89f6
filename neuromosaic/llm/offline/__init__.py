"""The built-in designer: what a model client can answer from knowledge of families, budgets and recipes alone."""
