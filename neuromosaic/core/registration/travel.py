"""Whether a user's own code can be sent to workers."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from neuromosaic.core.registration.types import Registration


def travel_faults(registration: Registration) -> Iterator[tuple[str, str]]:
    """What cannot travel to workers, where the options ask for that: it is then evaluated in this process."""
    if not registration.options.parallel_evaluation:
        return
    parts = {
        "architecture_class": registration.architecture_class,
        "evaluator_class": registration.evaluator_class,
        "encoder_class": registration.encoder_class,
    }
    for where, part in parts.items():
        fault = _fault(part)
        if fault:
            yield where, f"cannot travel to workers and is used in this process alone: {fault}"


def _fault(part: Any) -> str:
    try:
        packed(part)
    except Exception as error:  # noqa: BLE001  what pickling raises depends on the object
        return f"{type(error).__name__}: {error}"
    return ""


def packed(part: Any) -> bytes:
    """A user's own class or function as bytes: by value, with cloudpickle, where that is installed."""
    try:
        pickling = import_module("cloudpickle")
    except ImportError:
        pickling = import_module("pickle")
    return bytes(pickling.dumps(part))
