"""The conformance suite for pruners."""

import math
from collections.abc import Callable
from typing import Any

from neuromosaic.core.search.trials import Ladder

TRIALS, STEPS = 30, 27


def check_pruner(make: Callable[[], Any]) -> None:
    """Tries a pruner on made-up curves of the metric "value", which is to be large; `make` gives a new one each time.

    The same reports get the same answers; an answer is a truth value; NaN and unequal steps do no harm; a metric it
    does not know does no harm; a trial far ahead of all others is not stopped; one that pauses trials promotes the
    best, each once to each level, and up to the top. Raises AssertionError naming the fault.
    """
    assert _answers(make()) == _answers(make()), "the same reports got different answers"
    _odd_reports(make())
    _spares_the_best(make())
    if isinstance(make(), Ladder):
        _climbs(make())


def _value(trial: int, step: int) -> float:
    return (trial * 7 % TRIALS) / TRIALS - 1.0 / (step + 1)


def _answers(pruner: Any) -> list[bool]:
    answers: list[bool] = []
    history: dict[str, list[dict[str, float]]] = {}
    for trial in range(TRIALS):
        curve: list[dict[str, float]] = []
        stop = False
        for step in range(1, STEPS + 1):
            metrics = {"value": _value(trial, step)}
            stop = pruner.should_stop(str(trial), step, metrics, history)
            assert stop in (True, False), f"should_stop answered {stop!r}"
            answers.append(bool(stop))
            curve.append({"step": step, **metrics})
            if stop:
                break
        history[str(trial)] = curve
        _finish(pruner, trial, not stop)
    return answers


def _finish(pruner: Any, trial: int, completed: bool) -> None:
    if hasattr(pruner, "finished"):
        pruner.finished(str(trial), completed)


def _odd_reports(pruner: Any) -> None:
    pruner.should_stop("0", 5, {"value": math.nan}, {})
    pruner.should_stop("1", 3, {"value": 1.0, "other": 2.0}, {})
    pruner.should_stop("1", 900, {"value": 1.0}, {})
    for trial in range(2):
        _finish(pruner, trial, True)


def _spares_the_best(pruner: Any) -> None:
    _answers(pruner)
    for step in range(1, STEPS + 1):
        stop = pruner.should_stop(str(TRIALS), step, {"value": 10.0 + step}, {})
        assert not stop, f"the best trial by far was stopped at step {step}"


def _climbs(pruner: Any) -> None:
    reached: dict[str, list[int]] = {}

    def run(trial: str, fidelity: int) -> None:
        reached.setdefault(trial, []).append(fidelity)
        pruner.reached(trial, fidelity, {"value": _value(int(trial), fidelity)})

    for number in range(200):
        run(str(number), pruner.first(str(number)))
        while (found := pruner.promotion()) is not None:
            assert pruner.promotion() == found, "asking for a promotion changed it"
            assert found[1] not in reached[found[0]], f"trial {found[0]} was promoted to {found[1]} twice"
            pruner.promoted(*found)
            run(*found)
    tops = [trial for trial, levels in reached.items() if levels[-1] == pruner.top(trial)]
    assert tops, "no trial of 200 came to the top"
    assert all(levels == sorted(levels) for levels in reached.values()), "a trial went down"
    assert len(tops) < 200, "every trial came to the top"
