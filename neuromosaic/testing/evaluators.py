"""The conformance suite for evaluators."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from neuromosaic.core.search.evaluator import as_metrics, function_of, keywords_of

TIMES = ("seconds",)
"""Metrics that may differ from one time to the next."""


def check_evaluator(make: Callable[[], Any], architecture: Any, timed: tuple[str, ...] = TIMES) -> None:
    """Tries an evaluator on one architecture; `make` gives a new one each time.

    Figures are finite numbers by name; a new evaluator gives the same ones (`timed` ones apart), also after it
    travelled to another process; the architecture stays as it was. Where it takes `report`: steps rise, and a true
    answer ends it. Where it takes `fidelity`: no more steps are reported than were given. Where it takes
    `checkpoint`: what was paused and went on ends where it would have ended at once. Raises AssertionError naming
    the fault.
    """
    before = repr(architecture)
    evaluate = function_of(make())
    keywords = keywords_of(evaluate)
    first = _figures(evaluate(architecture), timed)
    assert repr(architecture) == before, "the architecture was changed"
    assert _figures(function_of(make())(architecture), timed) == first, "a new evaluator gave other figures"
    _travels(make(), architecture, first, timed)
    if "report" in keywords:
        _reports(make, architecture)
    if keywords >= {"fidelity", "report"}:
        _keeps_to_its_fidelity(make, architecture)
    if keywords >= {"fidelity", "checkpoint"}:
        _goes_on(make, architecture, timed)


def _figures(returned: Any, timed: tuple[str, ...]) -> Mapping[str, float]:
    import math

    found = as_metrics(returned, "value")
    faulty = [name for name, value in found.items() if not math.isfinite(value)]
    assert not faulty, f"{faulty[0]} is not finite"
    return {name: value for name, value in found.items() if name not in timed}


def _travels(evaluator: Any, architecture: Any, expected: Mapping[str, float], timed: tuple[str, ...]) -> None:
    import cloudpickle

    there = cloudpickle.loads(cloudpickle.dumps(evaluator))
    assert _figures(function_of(there)(architecture), timed) == expected, "it gave other figures after it travelled"
    if hasattr(there, "close"):
        there.close()


def _steps(evaluate: Callable[..., Any], architecture: Any, stop_after: int | None = None, **more: Any) -> list[int]:
    steps: list[int] = []

    def report(step: int, value: Any) -> bool:
        as_metrics(value, "value")
        steps.append(step)
        return stop_after is not None and len(steps) >= stop_after

    evaluate(architecture, report=report, **more)
    return steps


def _reports(make: Callable[[], Any], architecture: Any) -> None:
    steps = _steps(function_of(make()), architecture)
    assert steps == sorted(set(steps)), f"reported steps do not rise: {steps}"
    if len(steps) > 1:
        stopped = _steps(function_of(make()), architecture, stop_after=1)
        assert len(stopped) == 1, f"it was told to stop after one step and reported {len(stopped)}"


def _keeps_to_its_fidelity(make: Callable[[], Any], architecture: Any) -> None:
    steps = _steps(function_of(make()), architecture, fidelity=1)
    assert len(steps) <= 1, f"at fidelity 1 it reported {len(steps)} steps"


def _goes_on(make: Callable[[], Any], architecture: Any, timed: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        once, twice = Path(folder) / "once", Path(folder) / "twice"
        once.mkdir()
        twice.mkdir()
        expected = _figures(function_of(make())(architecture, fidelity=2, checkpoint=once), timed)
        function_of(make())(architecture, fidelity=1, checkpoint=twice)
        found = _figures(function_of(make())(architecture, fidelity=2, checkpoint=twice), timed)
    assert found == expected, "paused at 1 and gone on to 2, it ended elsewhere than at once"
