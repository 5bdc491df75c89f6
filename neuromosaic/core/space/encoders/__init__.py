"""Architectures as vectors in [0, 1]^d and back: what surrogate models and continuous optimisers work on."""

from neuromosaic.core.space.encoders.base import BaseEncoder
from neuromosaic.core.space.encoders.cells import AdjacencyEncoder, PathEncoder
from neuromosaic.core.space.encoders.points import PointEncoder

__all__ = ["AdjacencyEncoder", "BaseEncoder", "PathEncoder", "PointEncoder"]
