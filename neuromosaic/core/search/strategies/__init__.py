"""Strategies: each proposes the next trial from what it was told of the earlier ones."""
