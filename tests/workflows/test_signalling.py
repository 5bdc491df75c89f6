"""What cheap signals were worth is told by the run's own trials, or not at all."""

import random
from typing import Any

import pytest

from neuromosaic.core.evaluation.signals import FEWEST
from neuromosaic.delivery.limits import _signals
from neuromosaic.delivery.narration import narrate
from neuromosaic.delivery.view import signals as rows
from neuromosaic.workflows import signalling
from neuromosaic.workflows.candidates import Candidate
from neuromosaic.workflows.finalists import known_finalists
from tests.delivery.conftest import regression_like
from tests.small_runs import Finished, at_work


def candidate(number: int) -> Candidate:
    return Candidate(
        id=f"c{number}", name=f"net-{number}", family="r0s0", values={}, lane="python", graph=None, parameters=number,
        flops=1.0, peak_memory_mb=1.0,
    )  # fmt: skip


def record(value: float, cause: str = "finished", epochs: int = 5) -> dict[str, Any]:
    curve = [{"accuracy": value * (epoch + 1) / epochs, "loss": 1.0} for epoch in range(epochs)]
    return {"cause": cause, "metrics": {"accuracy": value}, "curve": curve}


def test_a_run_of_too_few_trials_tells_nothing_of_signals(finished: Finished) -> None:
    assert finished.results.signals == []
    assert _signals(regression_like()) == []


def test_signals_that_agree_are_told_and_others_dropped(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(0)
    values = [draw.uniform(0.5, 1.0) for _ in range(30)]
    chance = {f"c{number}": {"luck": draw.random(), "size": value**3} for number, value in enumerate(values)}
    trials = [(candidate(number), record(value)) for number, value in enumerate(values)]
    chance["c30"] = {"luck": 0.5, "size": 0.001}
    trials += [(candidate(30), record(0.1, "stopped"))]
    with at_work(finished.store, finished.results.run) as bench:
        monkeypatch.setattr(signalling, "_proxies", lambda _, known: [chance[one.id] for one in known])
        told = {one.name: one for one in signalling._measured(bench, trials)}
        assert signalling._measured(bench, trials[: FEWEST - 1]) == []
    assert told["size"].used
    assert told["size"].correlation == 1.0
    assert not told["luck"].used
    assert {told[name].trials for name in ("size", "luck", signalling.TOGETHER)} == {31}
    assert told["first epoch"].trials == 30  # the last one was stopped
    assert told["first epoch"].used
    assert told[signalling.TOGETHER].used
    assert [*told][-1] == "luck"
    results = regression_like().results.model_copy(update={"signals": [*told.values()]})
    assert rows(results)[-1][-1] == "dropped: may be chance"
    line = narrate("signals", {"signals": [one.model_dump() for one in told.values()]})
    assert line is not None
    assert "size 1.00" in line
    assert "1 dropped" in line


def test_short_curves_say_nothing_of_early_epochs(finished: Finished) -> None:
    trials = [(candidate(number), record(number / 10, epochs=2)) for number in range(FEWEST)]
    with at_work(finished.store, finished.results.run) as bench:
        told = {one.name: one for one in signalling._measured(bench, trials)}
    assert told["first epoch"].correlation is None
    assert not told["first epoch"].used


def test_the_judge_gives_the_proxies_of_a_run_s_own_networks(finished: Finished) -> None:
    with at_work(finished.store, finished.results.run) as bench:
        known = [finalist.candidate for finalist in known_finalists(bench)]
        found = signalling._proxies(bench, [*known, candidate(0)])
    assert {"parameters", "flops", "synflow"} <= found[0].keys()
    assert found[0]["parameters"] == known[0].parameters
    assert found[-1] == {}
