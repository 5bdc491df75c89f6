"""What every architecture can do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from torch import nn


class BaseArchitecture(ABC):
    """A network as data: equal data, equal networks."""

    @abstractmethod
    def to_model(self) -> "nn.Module":
        """A new module with initial weights."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """JSON data that tells everything about the architecture."""

    @classmethod
    @abstractmethod
    def from_dict(cls, config: Mapping[str, Any]) -> Self:
        """The architecture that `to_dict` told about; also of a point of its search space."""
