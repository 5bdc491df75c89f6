"""Strategies: each proposes the next trial from what it was told of the earlier ones."""

from neuromosaic.core.search.strategies.families import Evolution, RandomSearch

__all__ = ["Evolution", "RandomSearch"]
