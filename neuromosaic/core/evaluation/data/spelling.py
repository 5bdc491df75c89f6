"""How error messages list what there is and guess what was meant."""

from collections.abc import Iterable

from neuromosaic.core.spelling import did_you_mean

__all__ = ["did_you_mean", "listed", "sized"]


def listed(names: Iterable[object], most: int = 12) -> str:
    """`'a', 'b', 'c' and 7 more`."""
    shown = [repr(name) for name in names]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest


def sized(shape: Iterable[int]) -> str:
    """`1x28x28`."""
    return "x".join(map(str, shape))
