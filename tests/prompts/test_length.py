"""Requests stay short however long a run has been: history is condensed, not appended."""

from typing import Any

import pytest
from pydantic import BaseModel

from neuromosaic.core.brief import Value
from neuromosaic.core.proposals import (
    Advice,
    Adviser,
    Envelope,
    FamilyProposal,
    Judgement,
    MetricsPlan,
    RecipeProposal,
    Request,
    Seat,
    SuiteProposal,
)
from neuromosaic.core.role_inputs import (
    AdviceInputs,
    ComputeInputs,
    FamilyInputs,
    Finding,
    JudgementInputs,
    MetricsInputs,
    RecipeInputs,
    Remark,
    Repair,
    SuiteInputs,
    Trace,
)
from neuromosaic.llm.offline.suites import propose_suite
from neuromosaic.prompts.render import messages
from neuromosaic.prompts.roles import Role, load_roles
from neuromosaic.testing import example_hardware, example_task

MOST_TOKENS = 6000
CHARACTERS_A_TOKEN = 3
"""As calls are booked: English and code have more, so that this is an upper bound."""

FINDINGS = tuple(
    Finding(gate="behave", code=code, message="no gradient reaches the weights " * 20, layer="net.3", line=9)
    for code in ("no-gradient", "leak", "not-finite") * 2
)
ADVICE = tuple(Remark(by=f"Expert{number % 3}", text="Channel 3 drifts. " * 22) for number in range(15))
"""Three advisers who say as much as they may."""


def history(rounds: int) -> tuple[Trace, ...]:
    return tuple(
        Trace(
            family=f"residual network {number}",
            designed_by="openai/x",
            outcome="rejected" if number % 3 else "accepted",
            rationale="Residual blocks keep the gradient alive in deep networks. " * 8,
            best={"width": 16 + number, "depth": 3, "dropout": 0.1},
            metrics={"accuracy": 0.5 + number / 100, "parameters": 14000.0},
            findings=FINDINGS,
            trials=9,
            repairs=(
                Repair(problem="too many parameters " * 30, change="Halves the width. " * 9, outcome="accepted"),
            )
            * 3,
            source="        self.layer = nn.Sequential(nn.Linear(width, width), nn.ReLU())\n" * 300,
        )
        for number in range(3 * rounds)
    )


def asked(purpose: str, slot: int = 0) -> Request[Any]:
    """After ten rounds, with advice; what is mended is as long as it may well be."""
    task: dict[str, Any] = {**example_task(), "advice": ADVICE}
    late: dict[str, Any] = {**task, "history": history(10), "round": 9}
    place: dict[str, Any] = {**late, "hardware": example_hardware(), "slot": slot, "slots": 3, "suite": suite()}
    failed = FINDINGS[0].model_copy(update={"message": "test_output_is_finite failed: AssertionError"})
    mended = {"previous": "x = 1\n" * 300, "findings": (*FINDINGS, failed)}
    survivors = [finding.model_copy(update={"message": finding.message[:120]}) for finding in FINDINGS]
    faced = {"previous": suite(), "findings": survivors, "killed": 3, "mutants": 12, "share": 0.6}
    machine = {**task, "hardware": example_hardware()}
    inputs: dict[str, tuple[Seat | Adviser, type[BaseModel], Value]] = {
        "propose": ("NetworkArchitect", FamilyProposal, FamilyInputs(**place)),
        "repair": ("NetworkArchitect", FamilyProposal, FamilyInputs(**place, **mended)),
        "judge": ("Metrics", Judgement, JudgementInputs(**late, rounds=20)),
        "plan": ("Metrics", MetricsPlan, MetricsInputs(**task, available=("accuracy", "macro_f1"))),
        "envelope": ("Compute", Envelope, ComputeInputs(**machine)),
        "suite": ("TestArchitect", SuiteProposal, SuiteInputs(**task)),
        "mended suite": ("TestArchitect", SuiteProposal, SuiteInputs(**example_task(), **faced)),
        "recipes": (
            "Trainer", RecipeProposal, RecipeInputs(**machine, families=("ResNet",) * 3, loss="cross_entropy"),
        ),
    }  # fmt: skip
    role, reply, given = inputs[purpose]
    return Request[Any](role=role, purpose=purpose.rpartition(" ")[2], inputs=given, reply=reply)


def suite() -> str:
    return propose_suite(SuiteInputs(**example_task())).source


def size(request: Request[Any]) -> float:
    """In tokens, at most."""
    talk = messages(load_roles()[request.role], request)
    return sum(len(message["content"]) for message in talk) / CHARACTERS_A_TOKEN


OTHERS = ("repair", "judge", "plan", "envelope", "suite", "mended suite", "recipes")


@pytest.mark.parametrize(
    ("purpose", "slot"), [("propose", 0), ("propose", 1), ("propose", 2), *((name, 0) for name in OTHERS)]
)
def test_a_request_after_ten_rounds_has_at_most_6000_tokens(purpose: str, slot: int) -> None:
    assert size(asked(purpose, slot)) <= MOST_TOKENS


def test_an_adviser_s_request_after_ten_rounds_has_at_most_6000_tokens() -> None:
    inputs = AdviceInputs(
        **example_task(), advised="NetworkArchitect", hardware=example_hardware(), round=9, history=history(10)
    )
    role = Role(name=Adviser("Expert"), description="knows", prompt="You know the sensors. " * 50)
    talk = messages(role, Request[Advice](role=role.name, purpose="advise", inputs=inputs, reply=Advice))
    assert sum(len(message["content"]) for message in talk) / CHARACTERS_A_TOKEN <= MOST_TOKENS


def test_every_adviser_is_heard() -> None:
    prompt = messages(load_roles()["Trainer"], asked("recipes"))[-1]["content"]
    assert all(f'"Expert{number}"' in prompt for number in range(3))
    assert prompt.count("Channel 3 drifts") < 22 * 4


def test_the_best_and_the_latest_failures_are_told() -> None:
    prompt = messages(load_roles()["NetworkArchitect"], asked("propose"))[-1]["content"]
    assert '"residual network 27"' in prompt  # the best
    assert '"residual network 29"' in prompt  # the last that failed
    assert '"residual network 1"' not in prompt
    assert "and 22 more, neither among the best nor recent" in prompt
