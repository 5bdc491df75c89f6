"""Networks as data, and spaces of them."""

from neuromosaic.core.architecture.base import BaseArchitecture
from neuromosaic.core.space.space import SearchSpace

__all__ = ["BaseArchitecture", "SearchSpace"]
