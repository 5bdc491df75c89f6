"""Trying an evaluator once, for a moment, where it can do no harm."""

import inspect
import json
import math
import multiprocessing
import typing
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from typing import Any, Literal

from neuromosaic.core.registration.types import Registration
from neuromosaic.core.space.parameters import Point

SECONDS = 2.0
GRACE = 1.0  # for a child that has answered to end by itself
WHERE = "evaluator_class.evaluate"

Found = tuple[str, str, Literal["error", "warning"]]


def evaluator_faults(registration: Registration, point: Point) -> Iterator[Found]:
    """Faults of the evaluator by its signature, and by what it returns for one point within two seconds.

    It is tried in a forked process, so that nothing of it stays; one that takes longer (training does) or a system
    that cannot fork is judged by its first evaluation in a search instead.
    """
    declared = _declared_fault(registration.evaluator_class)
    if declared:
        yield (WHERE, declared, "error")
        return
    if "fork" in multiprocessing.get_all_start_methods():
        yield from _tried(registration, point)


def _declared_fault(kind: Any) -> str | None:
    try:
        signature = inspect.signature(kind.evaluate)
        hints = typing.get_type_hints(kind.evaluate)
    except (TypeError, ValueError, NameError):
        return None
    try:
        signature.bind(None, None)
    except TypeError as error:
        return f"cannot be called with one architecture: {error}"
    returned = hints.get("return")
    origin = typing.get_origin(returned) or returned
    if isinstance(origin, type) and not issubclass(origin, Mapping) and "return" in hints:
        return f"is declared to return {returned}, not a mapping of names to figures"
    return None


def _tried(registration: Registration, point: Point) -> Iterator[Found]:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_try, args=(registration, point, there), daemon=True)
    child.start()
    there.close()
    try:
        if here.poll(SECONDS):
            found = json.loads(here.recv_bytes())
            if found:
                yield (WHERE, found["message"], found["severity"])
            child.join(GRACE)
    except EOFError:
        yield (WHERE, "ended the process that called it", "warning")
    finally:
        child.kill()
        child.join()
        here.close()


def _try(registration: Registration, point: Point, answer: Connection) -> None:
    """In the child: evaluates, and sends what is wrong with the answer, if anything."""
    try:
        returned = registration.evaluator().evaluate(registration.architecture(point))
    except Exception as error:  # noqa: BLE001  a user's own code may raise anything: it becomes a fault
        found = {"message": f"raised {type(error).__name__}: {error}, for {point}", "severity": "warning"}
    else:
        fault = figures_fault(returned)
        found = {"message": fault, "severity": "error"} if fault else {}
    answer.send_bytes(json.dumps(found).encode())


def figures_fault(returned: Any) -> str | None:
    """What is wrong with an evaluator's answer; None for a mapping of names to finite numbers."""
    if not isinstance(returned, Mapping):
        return f"returned {type(returned).__name__}, not a mapping of names to figures"
    if not returned:
        return "returned no figure at all"
    for name, value in returned.items():
        if not isinstance(name, str):
            return f"returned {name!r} as a figure's name"
        number = _number(value)
        if number is None:
            return f"returned {value!r} ({type(value).__name__}) for {name!r}, not a number"
        if not math.isfinite(number):
            return f"returned {number} for {name!r}"
    return None


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return None
