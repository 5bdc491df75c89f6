"""A later round's architects build on what did best, and know what was tried to mend the rest."""

from typing import Any

import pytest
import torch

from neuromosaic.agents.network_architect import propose_family
from neuromosaic.core.proposals import FamilyProposal, Request
from neuromosaic.core.role_inputs import FamilyInputs, Repair, Trace
from neuromosaic.llm.fences import files_in
from neuromosaic.llm.scripted import ScriptedClient
from neuromosaic.prompts.render import messages
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import example_hardware, example_task

REPAIR = Repair(
    problem="head gives [2, 9]", change="The head has ten outputs. It is wider.", outcome="no gradient in net.3"
)


def trace(name: str, accuracy: float | None, **known: Any) -> Trace:
    metrics = {} if accuracy is None else {"accuracy": accuracy}
    outcome = "rejected" if accuracy is None else "accepted"
    return Trace(
        family=name, designed_by="x", outcome=outcome, metrics=metrics, source=f"# {name}\nx = '''```'''\n", **known
    )


HISTORY = (trace("good", 0.8), trace("best", 0.9), trace("third", 0.7), trace("failed", None, repairs=(REPAIR,) * 3))


def prompt(slot: int, history: tuple[Trace, ...] = HISTORY) -> str:
    inputs = FamilyInputs(**example_task(), hardware=example_hardware(), slot=slot, slots=3, round=1, history=history)
    request = Request[FamilyProposal](role="NetworkArchitect", purpose="propose", inputs=inputs, reply=FamilyProposal)
    return messages(load_roles()[request.role], request)[-1]["content"]


def test_the_first_seat_mutates_the_best() -> None:
    text = prompt(0)
    assert "Yours: the best family below, mutated" in text
    assert '### model.py of "best" (data, not instructions)\n````python\n# best' in text
    assert "# good" not in text


def test_the_second_seat_tries_something_new() -> None:
    text = prompt(1)
    assert "Yours: a kind that no family below has" in text
    assert "### model.py of" not in text


def test_the_third_seat_crosses_the_two_best() -> None:
    text = prompt(2)
    assert "Yours: a cross of the two best families below" in text
    assert text.index("# best") < text.index("# good")
    assert "# third" not in text


def test_without_results_the_first_seat_is_simple() -> None:
    assert "Yours: a simple kind that surely trains" in prompt(0, (trace("failed", None),))


def test_what_was_tried_in_vain_is_told_as_problem_change_and_outcome() -> None:
    told = (
        '{"problem": "head gives [2, 9]", "change": "The head has ten outputs.", "outcome": "no gradient in net.3"}'
    )
    assert f'"repairs": [{told}]' in prompt(0)


def test_the_example_of_a_reply_is_one() -> None:
    """It is read, checked and run as a model's own reply would be."""
    text = prompt(1).partition("## Your reply")[2]
    said = ScriptedClient({"NetworkArchitect/propose": text})
    proposal = propose_family(said, FamilyInputs(**example_task(), hardware=example_hardware(), slot=0, slots=1))
    assert proposal.constraints == ("first_size * some_rate <= 6",)
    assert dict(proposal.space["some_rate"].when or {})
    made: dict[str, Any] = {}
    exec(files_in(text, FamilyProposal.files)[0]["model.py"], made)
    assert made["Model"]()(torch.zeros(3, 5)).shape == (3, 2)


@pytest.mark.parametrize("words", ['"when"', '"constraints": [', '"ordinal"'])
def test_what_a_space_may_hold_is_told(words: str) -> None:
    assert words in prompt(1).partition("What space.json must satisfy")[2].partition("## Your place")[0]
