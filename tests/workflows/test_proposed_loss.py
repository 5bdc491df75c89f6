"""A loss that NetworkArchitect proposes: tried beside the usual one, and used only where it is better."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.brief import Budget
from neuromosaic.core.errors import ReplyError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.proposals import LossProposal
from neuromosaic.core.results import LossPair, LossResult
from neuromosaic.core.role_inputs import LossInputs
from neuromosaic.core.store.store import Store
from neuromosaic.llm.offline import proposing
from neuromosaic.workflows import proposed_loss
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.proposed_loss import (
    Offer,
    asked_for,
    choose_loss,
    first_line,
    in_words,
    judged,
    loss_tried,
    trained_with,
)
from tests.small_runs import Finished, at_work, design, iris

HEAD = "import torch\nfrom torch import nn\n\n\nclass Loss(nn.Module):\n    def forward(self, output, target):\n"
MARGIN = HEAD + (
    "        right = output.gather(1, target[:, None])\n"
    "        return (1.0 + output - right).clamp(min=0.0).square().mean()\n"
)
BACKWARDS = HEAD + "        return -nn.functional.cross_entropy(output, target).clamp(max=5.0)\n"
DEAF = HEAD + "        return output.square().mean()\n"


def proposes(monkeypatch: pytest.MonkeyPatch, source: str, mended: str | None = None) -> None:
    """NetworkArchitect has proposed this loss, and sends that one, if any, when it is to be mended."""

    def mend(client: object, inputs: LossInputs) -> LossProposal:
        assert inputs.previous == source
        assert inputs.findings
        if mended is None:
            raise ReplyError("no usable reply")
        return LossProposal(source=mended)

    monkeypatch.setattr(proposing, "propose_loss", lambda inputs: (source, "Because."))
    monkeypatch.setattr(proposed_loss, "_offers", lambda bench: [Offer("r0s0", "me", source)])
    monkeypatch.setattr(proposed_loss, "mend_loss", mend)


@pytest.fixture
def bench(tmp_path: Path, finished: Finished, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A run in a store of its own, before a loss was looked for; the trainings with the usual one are there."""
    monkeypatch.setattr(proposed_loss, "STEP", "a loss looked for anew")
    shutil.copytree(finished.root / "store", tmp_path / "store")
    with at_work(Store(tmp_path / "store"), finished.results.run) as bench:
        yield bench


def settled(bench: Workbench) -> Recipe:
    return choose_loss(bench, bench.recipe, ["r0s0"], None)


def told(bench: Workbench, kind: str) -> list[Any]:
    return [event.data for event in bench.store.events(bench.run) if event.kind == kind]


def test_a_loss_is_tried_beside_the_usual_one_and_the_metric_decides(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposes(monkeypatch, BACKWARDS)
    assert settled(bench) == bench.recipe
    result = loss_tried(bench)
    assert result is not None
    assert result.gain is not None
    assert result.gain < 0
    assert told(bench, "loss.tried")[-1]["kept"] == "usual"
    assert "cross_entropy stays" in told(bench, "note")[-1]["text"]
    assert trained_with(bench) == ""
    known = {trial["trial"] for trial in told(bench, "trial.finished") if trial["contestant"] == "search"}
    assert {trial["trial"] for trial in told(bench, "trial.finished") if trial["contestant"] == "usual_loss"} <= known


@pytest.mark.parametrize(("mended", "tries"), [(None, 1), (DEAF, 2)])
def test_a_loss_that_cannot_be_mended_is_dropped_with_a_sentence(
    mended: str | None, tries: int, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposes(monkeypatch, DEAF, mended)
    assert settled(bench) == bench.recipe
    assert loss_tried(bench) is None
    assert "was refused and is not used: it is the same for all targets" in told(bench, "note")[-1]["text"]
    gates = [gate for gate in told(bench, "gate.verdict") if gate["gate"] == "loss"]
    assert [gate["findings"][0]["code"] for gate in gates] == ["no-targets"] * tries


def test_a_refused_loss_is_mended_once_and_trains_all_where_it_is_better(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposes(monkeypatch, DEAF, MARGIN)
    monkeypatch.setattr(proposed_loss, "judged", lambda gains, pairs: (0.125, True))
    recipe = settled(bench)
    assert recipe.loss_graph
    assert (recipe.label_smoothing, recipe.class_weights) == (0.0, None)
    assert [gate["passed"] for gate in told(bench, "gate.verdict") if gate["gate"] == "loss"] == [False, True]
    assert "came out 0.125 better" in told(bench, "note")[-1]["text"]
    assert settled(bench) == recipe  # again, from the store


def test_without_time_no_loss_is_tried(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    proposes(monkeypatch, MARGIN)
    hurried = bench.brief.model_copy(update={"budget": Budget(seconds=1)})
    bench.__dict__["brief"] = hurried
    assert choose_loss(bench, bench.recipe, ["r0s0"], 60.0) == bench.recipe
    assert "There was no time to try the loss" in told(bench, "note")[-1]["text"]


@pytest.mark.parametrize(
    ("turn", "slot", "attempt", "loss", "asked"),
    [(0, 0, 0, None, True), (0, 1, 0, None, False), (1, 0, 0, None, False), (0, 0, 1, None, False),
     (0, 0, 0, "usual", False), (0, 0, 0, "losses.py:Focal", False)],
)  # fmt: skip
def test_one_seat_is_asked_for_a_loss_unless_the_engineer_has_said_which(
    turn: int, slot: int, attempt: int, loss: str | None, asked: bool,
    finished: Finished,
) -> None:  # fmt: skip
    with at_work(finished.store, finished.results.run) as bench:
        bench.__dict__["brief"] = bench.brief.model_copy(update={"loss": loss})
        assert asked_for(bench, turn, slot, attempt) == ("cross_entropy" if asked else None)


@pytest.mark.soak
def test_a_whole_run_says_what_a_loss_was_worth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposes(monkeypatch, BACKWARDS)
    results = design(tmp_path, iris())
    assert results.loss is not None
    assert results.recipe["loss_graph"] is None
    assert not (tmp_path / "out" / "loss.py").exists()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "What the proposed loss was worth" in page
    assert results.loss.pairs[0].name in page


@pytest.mark.soak
def test_a_whole_run_delivers_the_loss_that_it_trained_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposes(monkeypatch, MARGIN)
    monkeypatch.setattr(proposed_loss, "judged", lambda gains, pairs: (0.125, True))
    results = design(tmp_path, iris())
    assert results.recipe["loss_graph"]
    assert results.winner is not None
    assert results.winner.metrics["test_accuracy"] > 0.8
    assert (tmp_path / "out" / "loss.py").read_text(encoding="utf-8") == MARGIN
    assert "the loss of `loss.py`" in (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    kept = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["loss"]
    assert LossResult.model_validate(kept) == results.loss


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('"""A loss: for rare ones.\n\nMore."""\n' + MARGIN, "A loss: for rare ones."),
        (MARGIN.replace("Module):\n", 'Module):\n    """By margins."""\n\n'), "By margins."),
        (MARGIN, ""),
        ("class Loss(:", ""),
    ],
)
def test_what_a_loss_says_of_itself_is_told_on(source: str, said: str) -> None:
    assert first_line(source) == said


def pair(usual: float | None, proposed: float | None) -> LossPair:
    return LossPair(name="net", usual=usual, proposed=proposed)


@pytest.mark.parametrize(
    ("gains", "pairs", "expected"),
    [
        ([0.2, -0.1], [pair(0.5, 0.7), pair(0.6, 0.5)], (0.05, False)),  # no more than chance may give
        ([0.2, 0.1], [pair(0.5, 0.7), pair(0.6, 0.7)], (0.15, True)),
        ([0.0], [pair(0.5, 0.5)], (0.0, False)),
        ([0.2, float("-inf")], [pair(0.5, 0.7), pair(0.5, None)], (0.2, False)),
        ([float("inf")], [pair(None, 0.7)], (None, True)),
        ([float("nan")], [pair(None, None)], (None, False)),
    ],
)  # fmt: skip
def test_the_proposed_loss_must_be_better_and_must_not_fail_where_the_usual_does_not(
    gains: list[float], pairs: list[LossPair], expected: tuple[float | None, bool]
) -> None:
    gain, won = judged(gains, pairs)
    assert (pytest.approx(gain) if gain is not None else None, won) == expected


@pytest.mark.parametrize(
    ("gain", "won", "said"),
    [
        (
            0.02,
            True,
            "is used instead of huber: with it validation macro f1 came out 0.02 better on average, over 1 network",
        ),
        (-0.5, False, "is not used, huber stays: with it validation macro f1 came out 0.5 worse"),
        (0.0, False, "came out the same on average"),
        (
            0.01,
            False,
            "came out 0.01 better on average, over 1 network trained with each, no more than chance may give",
        ),
        (None, False, "huber stays (its trainings came to nothing, over 1 network trained with each)"),
        (None, True, "is used instead of huber (only one of both came to anything"),
    ],
)
def test_what_it_was_worth_is_said_in_a_sentence(gain: float | None, won: bool, said: str) -> None:
    result = LossResult(by="me", usual="huber", metric="macro_f1", pairs=[pair(1, 1)], gain=gain, won=won)
    assert said in in_words(result)
