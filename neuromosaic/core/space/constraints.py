"""What a point must meet: text over its parameters, or any function of the point."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.expressions import evaluate, magnitude, names_in, parse_expression
from neuromosaic.core.space.parameters import FloatParameter, IntParameter, Point, Scalar, Space, choices

LARGEST = 2.0**53  # up to here float64 and int64 arithmetic are exact and agree with Python's


class TextConstraint:
    """`depth * width < 10_000`. It does not apply to a point in which one of its parameters is not active."""

    def __init__(self, text: str, space: Space, path: str) -> None:
        self.text, self.path = text, path
        self.tree = parse_expression(text, space, path)
        self.names = names_in(self.tree)
        if not self.names:
            raise SpaceError(f"{path}: {text!r} names no parameter")
        sizes = {name: _largest(space[name]) for name in self.names}
        self.is_plain = magnitude(self.tree, sizes) < LARGEST  # columns can hold all its numbers

    def holds(self, point: Mapping[str, Scalar]) -> bool:
        """Whether the point meets it. Raises SpaceError where the expression raises."""
        if not self.names <= point.keys():
            return True
        try:
            return bool(evaluate(self.tree, point))
        except (ArithmeticError, TypeError, ValueError) as error:
            raise _raised(self, point, error) from error


class FunctionConstraint:
    """A user's own function of the point, which holds the active parameters only.

    It does not apply where it asks for a parameter that is not active.
    """

    def __init__(self, function: Callable[[Point], Any], space: Space, path: str) -> None:
        self.function, self.path, self._space = function, path, space
        self.text = getattr(function, "__qualname__", type(function).__name__)

    def holds(self, point: Mapping[str, Scalar]) -> bool:
        """Whether the point meets it. Raises SpaceError where the function raises, or gives no truth value."""
        try:
            found = self.function(dict(point))
            if found is not None:
                return bool(found)
        except KeyError as error:
            if error.args and error.args[0] in self._space and error.args[0] not in point:
                return True
            raise _raised(self, point, error) from error
        except Exception as error:
            raise _raised(self, point, error) from error
        raise SpaceError(f"{self.path}: {self.text} returned None; a constraint returns True or False")


Constraint = TextConstraint | FunctionConstraint


def read_constraints(given: Iterable[str | Callable[[Point], Any]], space: Space) -> list[Constraint]:
    """Text and functions as constraints. Raises SpaceError with `constraints[number]`."""
    if isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        raise SpaceError(f"constraints: give a list of text and functions, not {given!r}")
    return [_read(one, space, f"constraints[{number}]") for number, one in enumerate(given)]


def _read(one: str | Callable[[Point], Any], space: Space, path: str) -> Constraint:
    if isinstance(one, str):
        return TextConstraint(one, space, path)
    if callable(one):
        return FunctionConstraint(one, space, path)
    raise SpaceError(f"{path}: {one!r} is neither text nor a function")


def _raised(constraint: Constraint, point: Mapping[str, Scalar], error: Exception) -> SpaceError:
    shown = {name: value for name, value in point.items() if name in getattr(constraint, "names", point)}
    return SpaceError(f"{constraint.path}: {constraint.text} raised {type(error).__name__}: {error}, at {shown}")


def _largest(parameter: Any) -> float:
    if isinstance(parameter, (IntParameter, FloatParameter)):
        return max(abs(parameter.min), abs(parameter.max))
    return max((abs(value) for value in choices(parameter) if not isinstance(value, str)), default=0.0)
