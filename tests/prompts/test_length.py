"""Requests stay short however long a run has been: history is condensed, not appended."""

from typing import Any

import pytest

from neuromosaic.core.proposals import FamilyProposal, Judgement, Request
from neuromosaic.core.role_inputs import FamilyInputs, Finding, JudgementInputs, Repair, Trace
from neuromosaic.prompts.render import messages
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import example_hardware, example_task

MOST_TOKENS = 6000
CHARACTERS_A_TOKEN = 3
"""As calls are booked: English and code have more, so that this is an upper bound."""

FINDING = Finding(
    gate="behave", code="no-gradient", message="no gradient reaches the weights " * 5, layer="net.3", line=9
)


def history(rounds: int) -> tuple[Trace, ...]:
    return tuple(
        Trace(
            family=f"residual network {number}",
            designed_by="openai/x",
            outcome="rejected" if number % 3 else "accepted",
            rationale="Residual blocks keep the gradient alive in deep networks. " * 8,
            best={"width": 16 + number, "depth": 3, "dropout": 0.1},
            metrics={"accuracy": 0.5 + number / 100, "parameters": 14000.0},
            findings=(FINDING,) * 6,
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
    common: dict[str, Any] = {**example_task(), "history": history(10)}
    if purpose == "judge":
        return Request[Judgement](
            role="Metrics", purpose="judge", inputs=JudgementInputs(**common, round=9, rounds=20), reply=Judgement
        )
    mended = {"previous": "x = 1\n" * 300, "findings": (FINDING,) * 6} if purpose == "repair" else {}
    inputs = FamilyInputs(**common, hardware=example_hardware(), slot=slot, slots=3, round=9, **mended)
    return Request[FamilyProposal](role="NetworkArchitect", purpose=purpose, inputs=inputs, reply=FamilyProposal)


@pytest.mark.parametrize(
    ("purpose", "slot"), [("propose", 0), ("propose", 1), ("propose", 2), ("repair", 0), ("judge", 0)]
)
def test_a_request_after_ten_rounds_has_at_most_6000_tokens(purpose: str, slot: int) -> None:
    request = asked(purpose, slot)
    talk = messages(load_roles()[request.role], request)
    assert sum(len(message["content"]) for message in talk) / CHARACTERS_A_TOKEN <= MOST_TOKENS


def test_the_best_and_the_latest_failures_are_told() -> None:
    prompt = messages(load_roles()["NetworkArchitect"], asked("propose"))[-1]["content"]
    assert '"residual network 27"' in prompt  # the best
    assert '"residual network 29"' in prompt  # the last that failed
    assert '"residual network 1"' not in prompt
    assert "and 22 more, neither among the best nor recent" in prompt
