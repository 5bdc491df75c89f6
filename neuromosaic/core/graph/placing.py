"""Where the tensors of a given network are in one that was built on it."""

from collections.abc import Mapping
from typing import Protocol, TypeVar


class Shaped(Protocol):
    """What is known of a tensor: its shape and its dtype, in one notation for all that are compared."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> object: ...


Known = TypeVar("Known", bound=Shaped)


def placed(given: Mapping[str, Known], own: Mapping[str, Shaped]) -> dict[str, Known]:
    """The given tensors by their names in `own`: the same name or that name below a part, shape and dtype the same.

    Of several such places the one with the shortest name; what has none is left out.
    """
    places = {name: _place(name, tensor, own) for name, tensor in given.items()}
    return {place: given[name] for name, place in places.items() if place is not None}


def _place(name: str, tensor: Shaped, own: Mapping[str, Shaped]) -> str | None:
    fitting = [
        known
        for known, other in own.items()
        if (known == name or known.endswith(f".{name}"))
        and (tuple(other.shape), other.dtype) == (tuple(tensor.shape), tensor.dtype)
    ]
    return min(fitting, key=len, default=None)
