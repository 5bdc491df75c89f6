"""The losses of the built-in NetworkArchitect: proposed for a reason alone, sound, and what their papers say."""

from typing import Any

import pytest
import torch

from neuromosaic.core.brief import Brief, Contract, TensorSpec
from neuromosaic.core.protocols import Judge, Program, Sandbox
from neuromosaic.core.role_inputs import DataSummary, FamilyInputs
from neuromosaic.core.validation.own_loss import climb_loss
from neuromosaic.llm.offline.losses import propose_loss
from neuromosaic.llm.offline.proposing import propose_family
from neuromosaic.testing import example_hardware
from neuromosaic.workflows.options import Options
from neuromosaic.workflows.workers import kept

CLASSES = ("1", "2", "3")


def asked(
    said: str = "", task: Any = "classification", counts: tuple[int, ...] = (50, 50, 50), **change: Any
) -> FamilyInputs:
    outputs = len(counts) if task == "classification" else 1
    contract = Contract(task=task, input=TensorSpec(shape=(4,)), output=TensorSpec(shape=(outputs,)), kind="tabular")
    names = CLASSES[: len(counts)] if task == "classification" else ()
    known = {"classes": names, "class_counts": counts if names else ()}
    data = DataSummary(name="table", kind="tabular", train=150, validation=40, test=40, **known | change)
    return FamilyInputs(
        brief=Brief(sentence=said), contract=contract, data=data, hardware=example_hardware(), slot=0, slots=1,
        loss="cross_entropy",
    )  # fmt: skip


@pytest.fixture(scope="module")
def workers() -> tuple[Sandbox, Judge]:
    """Those that the runs of one test process share."""
    shared = kept()
    assert shared is not None
    return shared.sandbox(Options().boundary, ()), shared.judge(1, "cpu")


@pytest.mark.parametrize(
    ("inputs", "why", "said"),
    [
        (asked(counts=(500, 80, 20)), "25 times the examples", "arXiv:1901.05555"),
        (asked("ordinal classes of severity"), "have an order", "ordinal regression"),
        (asked("the labels are sometimes wrong"), "Some labels are wrong", "arXiv:1805.07836"),
        (asked("predict demand; underestimates cost three times as much as overestimates", "regression"),
         "below the truth costs 3 times", "below: float = 0.75"),
        (asked("predict load, overestimating is twice as bad", "regression"), "above the truth costs 2 times",
         "below: float = 0.333333"),
    ],
)  # fmt: skip
def test_a_reason_brings_a_loss_that_passes_the_ladder(
    inputs: FamilyInputs, why: str, said: str, workers: tuple[Sandbox, Judge]
) -> None:
    proposal = propose_family(inputs)
    assert proposal.loss is not None
    assert said in proposal.loss
    assert why in proposal.rationale
    program = Program(proposal.loss, {}, 0, "Loss")
    climb = climb_loss(program, inputs.contract, *workers, strict=True)
    assert climb.findings == ()
    assert climb.graph


@pytest.mark.parametrize(
    "inputs",
    [
        asked(),
        asked("classify"),
        asked("ordinal", classes=("low", "medium", "high")),
        asked("ordinal", counts=(9, 9)),
        asked("underestimates cost more", "regression"),
        asked("underestimates cost 1 times as much", "regression"),
        asked("noisy labels", "regression"),
        asked("noisy labels", "multi_label"),
    ],
)
def test_without_a_reason_there_is_none(inputs: FamilyInputs) -> None:
    assert propose_loss(inputs) is None
    assert propose_family(inputs).loss is None


def test_none_is_proposed_where_none_is_asked_for() -> None:
    inputs = asked(counts=(500, 80, 20))
    assert propose_family(inputs.model_copy(update={"loss": None})).loss is None


def built(inputs: FamilyInputs, **values: float) -> torch.nn.Module:
    proposed = propose_loss(inputs)
    assert proposed is not None
    names: dict[str, Any] = {}
    exec(proposed[0], names)
    loss: torch.nn.Module = names["Loss"](**values)
    return loss


def test_the_loss_for_rare_classes_is_weighted_cross_entropy_without_focus() -> None:
    scores, targets = torch.randn(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    loss = built(asked(counts=(500, 80, 20)), gamma=0.0)
    each = torch.nn.functional.cross_entropy(scores, targets, weight=loss.weights, reduction="none")
    torch.testing.assert_close(loss(scores, targets), each.mean())
    assert loss.weights.sum() == pytest.approx(3)
    assert loss.weights[2] > loss.weights[1] > loss.weights[0]


def test_the_loss_for_unequal_errors_is_lowest_at_the_quantile() -> None:
    """Koenker and Bassett, 1978: of 99 values the share of 3 in 4 lies below."""
    loss = built(asked("underestimates cost three times as much", "regression"))
    targets = torch.arange(1.0, 100.0)
    costs = [float(loss(torch.full_like(targets, guess), targets)) for guess in targets.tolist()]
    assert int(torch.tensor(costs).argmin()) + 1 == 75


def test_the_loss_for_wrong_labels_minds_a_hopeless_example_less() -> None:
    loss = built(asked("noisy labels"))
    hopeless = torch.tensor([[0.0, 20.0, 0.0]])
    target = torch.tensor([0])
    assert loss(hopeless, target) < 1.5 < torch.nn.functional.cross_entropy(hopeless, target)


def test_the_loss_for_ordered_classes_minds_a_near_miss_less() -> None:
    loss = built(asked("ordinal"))
    near, far = torch.tensor([[0.0, 9.0, 0.0]]), torch.tensor([[0.0, 0.0, 9.0]])
    assert loss(near, torch.tensor([0])) < loss(far, torch.tensor([0]))
