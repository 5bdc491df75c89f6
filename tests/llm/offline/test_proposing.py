"""Families are chosen for the data and the limits, and later rounds learn from the history."""

from typing import Any

import pytest

from neuromosaic.agents.network_architect import propose_family as ask_architect
from neuromosaic.core.brief import Brief, Budget, Constraints, Contract
from neuromosaic.core.proposals import FamilyProposal
from neuromosaic.core.role_inputs import FamilyInputs, Finding, Trace
from neuromosaic.core.space.parameters import Point
from neuromosaic.llm.offline.catalogue import family_of
from neuromosaic.llm.offline.choosing import hard_limit, ranking, sensible_size
from neuromosaic.llm.offline.costing import Cost, flops, parameters
from neuromosaic.llm.offline.designer import OfflineDesigner
from neuromosaic.llm.offline.proposing import defaults_of, propose_family
from tests.llm.offline.contracts import (
    ACCELERATOR,
    COLOUR,
    CONTRACTS,
    DIGITS,
    HOUSES,
    LETTERS,
    MNIST,
    MOTION,
    contract,
    family_inputs,
    summary,
)  # fmt: skip

SMALL = Brief(constraints=Constraints(parameters=20_000))


def proposals(inputs: FamilyInputs) -> list[FamilyProposal]:
    return [propose_family(inputs.model_copy(update={"slot": slot})) for slot in range(inputs.slots)]


def size(proposal: FamilyProposal, contract: Contract) -> int:
    family = family_of(proposal.source)
    assert family is not None
    return parameters(family, contract, defaults_of(proposal.source))


def trace(family: str, accuracy: float, best: Point | None = None, **more: Any) -> Trace:
    given = {"designed_by": "offline", "outcome": "accepted", "metrics": {"accuracy": accuracy}, **more}
    return Trace(family=family, best=best or {}, **given)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_round_proposes_different_families_that_the_architect_accepts(name: str) -> None:
    inputs = family_inputs(CONTRACTS[name], SMALL)
    made = [ask_architect(OfflineDesigner(), inputs.model_copy(update={"slot": slot})) for slot in range(3)]
    assert len({proposal.source for proposal in made}) == 3
    assert len({proposal.name for proposal in made}) == 3
    assert all(proposal.rationale for proposal in made)
    assert all(size(proposal, CONTRACTS[name]) <= 20_000 for proposal in made)


def test_the_same_request_gets_the_same_proposal() -> None:
    assert proposals(family_inputs(DIGITS, SMALL)) == proposals(family_inputs(DIGITS, SMALL))


def test_more_slots_than_families_get_deeper_variants() -> None:
    names = [proposal.name for proposal in proposals(family_inputs(HOUSES, SMALL, slots=5))]
    assert names[3:] == [f"{names[0]}, variant 1", f"{names[1]}, variant 1"]


@pytest.mark.parametrize(
    ("given", "first"),
    [
        (DIGITS, "small CNN"), (HOUSES, "residual MLP"), (MOTION, "TCN"), (LETTERS, "GRU"),
        (contract("classification", "image", (3, 96, 96), (5,)), "ResNet"),
        (contract("classification", "image", (1, 2, 9), (5,)), "residual MLP"),
    ],
)  # fmt: skip
def test_the_first_choice_suits_the_data(given: Contract, first: str) -> None:
    assert ranking(family_inputs(given))[0].name == first


def test_many_rows_are_worth_periodic_features() -> None:
    assert ranking(family_inputs(HOUSES, data=summary(HOUSES, 15_000)))[0].name == "periodic MLP"


def test_tight_flops_ask_for_depthwise_convolutions() -> None:
    bound = Brief(constraints=Constraints(flops=2e6))
    inputs = family_inputs(MNIST, bound)
    assert ranking(inputs)[0].name == "MobileNet"
    made = propose_family(inputs)
    family = family_of(made.source)
    assert family is not None
    assert flops(family, MNIST, defaults_of(made.source)) <= 2e6


def test_families_that_cannot_keep_the_limits_come_last() -> None:
    slow = Brief(constraints=Constraints(latency_ms=0.3))
    order = [family.name for family in ranking(family_inputs(MOTION, slow))]
    assert order.index("GRU") > order.index("MLP")


def test_an_impossible_limit_gets_the_smallest_network_there_is() -> None:
    nothing = Brief(constraints=Constraints(parameters=0))
    made = proposals(family_inputs(DIGITS, nothing))
    sizes = [size(proposal, DIGITS) for proposal in made]
    assert sizes == sorted(sizes)
    assert sizes[0] < 1_000
    assert "more than the 0 allowed" in made[0].rationale


def test_limits_come_from_the_brief() -> None:
    brief = Brief(constraints=Constraints(parameters=9_000, flops=1e6, latency_ms=1.0, memory_mb=1.0))
    assert hard_limit(family_inputs(DIGITS, brief)) == Cost(parameters=9_000, flops=1e6, calls=40)
    assert hard_limit(family_inputs(DIGITS, Brief(constraints=Constraints(memory_mb=0.008)))).parameters == 1_000
    assert hard_limit(family_inputs(DIGITS)) == Cost()


def test_without_limits_data_machine_and_budget_set_the_size() -> None:
    few, many = (sensible_size(family_inputs(MNIST, data=summary(MNIST, train))) for train in (1_000, 50_000))
    assert few.parameters < many.parameters
    hurried = sensible_size(family_inputs(MNIST, Brief(budget=Budget(seconds=60)), data=summary(MNIST, 50_000)))
    assert hurried.flops < many.flops
    fast = sensible_size(family_inputs(MNIST, data=summary(MNIST, 50_000), hardware=ACCELERATOR))
    assert fast.flops > 10 * many.flops


# ---------------------------------------------------------------- later rounds


def test_the_next_round_refines_the_best_and_tries_something_new() -> None:
    best = {"width": 12, "depth": 2, "activation": "silu"}
    history = (
        trace("ResNet", 0.95, {"width": 8, "depth": 1}),
        trace("small CNN", 0.98, best),
        trace("MobileNet", 0.9),
    )
    made = proposals(family_inputs(DIGITS, SMALL, round=1, history=history))
    assert [proposal.name for proposal in made] == ["small CNN, round 2", "ConvNeXt", "ResNet, round 2"]
    values = defaults_of(made[0].source)
    assert {name: values[name] for name in best} == best
    assert "squeeze_excite" in made[0].space
    assert "accuracy 0.98" in made[0].rationale


def test_a_third_round_refines_the_refined() -> None:
    history = (trace("small CNN", 0.97, {"width": 8}), trace("small CNN, round 2", 0.98, {"width": 14, "kernel": 5}))
    made = propose_family(family_inputs(DIGITS, SMALL, round=2, history=history))
    assert made.name == "small CNN, round 3"
    assert defaults_of(made.source)["kernel"] == 5


def test_with_few_families_later_slots_look_wider_and_at_variants() -> None:
    history = (
        trace("residual MLP", 0.8, {"width": 16}),
        trace("MLP", 0.7, {"width": 16}),
        trace("periodic MLP", 0.6),
    )
    made = proposals(family_inputs(HOUSES, SMALL, round=1, slots=8, history=history))
    assert len({proposal.name for proposal in made}) == 8
    assert made[2].name == "residual MLP, round 2, wider"


def test_where_nothing_was_accepted_it_turns_to_what_is_untried() -> None:
    history = tuple(trace(name, 0.0, outcome="rejected") for name in ("small CNN", "ResNet"))
    assert propose_family(family_inputs(DIGITS, SMALL, round=1, history=history)).name == "MobileNet"


def test_the_families_of_others_are_left_to_them() -> None:
    history = (trace("their net", 0.99, {"n": 3}, designed_by="openai/gpt"), trace("small CNN", 0.9, {"width": 8}))
    assert propose_family(family_inputs(DIGITS, SMALL, round=1, history=history)).name == "small CNN, round 2"


# ---------------------------------------------------------------- repair


@pytest.mark.parametrize(
    "finding",
    [
        Finding(gate="shape", code="too-many-parameters", message="52,114 parameters, limit 20,000"),
        Finding(gate="shape", code="too-much-memory", message="9 MB of memory, limit 1 MB"),
        Finding(gate="behave", code="timeout", message="no answer within 60 s"),
        Finding(gate="test", code="test-failed", message="test_parameters_are_within_the_limit failed"),
    ],
)
def test_what_was_too_much_comes_back_smaller(finding: Finding) -> None:
    inputs = family_inputs(DIGITS, SMALL)
    before = propose_family(inputs)
    after = propose_family(inputs.model_copy(update={"previous": before.source, "findings": (finding,)}))
    assert after.name == before.name
    assert size(after, DIGITS) < 0.7 * size(before, DIGITS)


def test_the_smallest_network_gives_way_to_another_family() -> None:
    inputs = family_inputs(DIGITS, Brief(constraints=Constraints(parameters=0)))
    before = propose_family(inputs)
    finding = Finding(gate="shape", code="too-many-parameters", message="too many")
    after = propose_family(inputs.model_copy(update={"previous": before.source, "findings": (finding,)}))
    assert family_of(after.source) is not family_of(before.source)


def test_any_other_fault_gets_a_family_that_no_slot_has() -> None:
    inputs = family_inputs(COLOUR, SMALL)
    taken = {proposal.name for proposal in proposals(inputs)}
    finding = Finding(gate="behave", code="no-gradient", message="stem.0.weight gets no gradient")
    mended = [
        propose_family(inputs.model_copy(update={"slot": slot, "previous": source, "findings": (finding,)}))
        for slot, source in enumerate(proposal.source for proposal in proposals(inputs))
    ]
    assert len({proposal.name for proposal in mended}) == 3
    assert taken.isdisjoint(proposal.name for proposal in mended)


def test_where_all_families_are_taken_it_takes_the_next() -> None:
    inputs = family_inputs(HOUSES, SMALL)
    before = propose_family(inputs)
    finding = Finding(gate="behave", code="not-finite", message="outputs are not finite")
    after = propose_family(inputs.model_copy(update={"previous": before.source, "findings": (finding,)}))
    assert family_of(after.source) is not family_of(before.source)


def test_the_source_of_others_is_replaced_by_ours() -> None:
    finding = Finding(gate="parse", code="no-model", message="no Model")
    made = propose_family(family_inputs(DIGITS, SMALL, previous="import torch\n", findings=(finding,)))
    assert family_of(made.source) is not None
