"""`module:function`: the user's own Python, run on the host as the user."""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from neuromosaic.core.errors import DataError, NeuromosaicError
from neuromosaic.core.evaluation.data.raw import Raw, RawText
from neuromosaic.core.evaluation.data.sources.arrays import of_mapping
from neuromosaic.core.evaluation.data.sources.selection import Selection
from neuromosaic.core.evaluation.data.spelling import did_you_mean


def call_user_code(reference: str, selection: Selection) -> Raw | RawText:
    """What `function()` returns: a dict of arrays named as in an `.npz`, a pair (x, y), or a text.

    The module is looked for in the working directory too. Raises DataError where it cannot be imported, has no
    such function, or returns something else.
    """
    with _working_directory_importable():
        function = _function(reference)
        result = _outcome(function, reference)
    if isinstance(result, str):
        return RawText(reference, result)
    if isinstance(result, tuple) and len(result) == 2:
        result = dict(zip(("x", "y"), result, strict=True))
    if not isinstance(result, Mapping):
        raise DataError(f"{reference} returned {type(result).__name__}: return (x, y), a dict of arrays, or a text")
    return of_mapping(
        {str(name): _array(value, name, reference) for name, value in result.items()}, reference, selection
    )


@contextmanager
def _working_directory_importable() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        with suppress(ValueError):  # the user's code may have taken it out itself
            sys.path.remove(here)


def _function(reference: str) -> Callable[[], Any]:
    module_name, _, function_name = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a user's module may raise anything
        raise DataError(f"{module_name} cannot be imported: {type(error).__name__}: {error}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        guess = did_you_mean(function_name, (name for name in vars(module) if not name.startswith("_")))
        raise DataError(f"{module_name} has no function {function_name!r}{guess}")
    return function  # type: ignore[no-any-return]


def _outcome(function: Callable[[], Any], reference: str) -> Any:
    try:
        return function()
    except NeuromosaicError:
        raise
    except Exception as error:  # a user's function may raise anything
        raise DataError(f"{reference} failed: {type(error).__name__}: {error}") from error


def _array(value: Any, name: object, reference: str) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(value)
    except (ValueError, TypeError):
        raise DataError(f"{name!r} that {reference} returned is no array: its rows have different lengths") from None
