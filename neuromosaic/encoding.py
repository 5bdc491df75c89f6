"""Architectures as vectors in [0, 1]^d and back."""

from neuromosaic.core.space.encoders import AdjacencyEncoder, BaseEncoder, PathEncoder, PointEncoder

__all__ = ["AdjacencyEncoder", "BaseEncoder", "PathEncoder", "PointEncoder"]
