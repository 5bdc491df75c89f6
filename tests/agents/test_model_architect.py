"""What is given is read, never run; it stays as it is under a name that leaves `Model` free."""

import re
from typing import Any

import pytest

from neuromosaic.agents.model_architect import as_family, extend_family, read_given
from neuromosaic.core.errors import ReplyError, UsageError
from neuromosaic.core.protocols import Program, Sandbox
from neuromosaic.core.role_inputs import ExtensionInputs, Finding
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.validation.unchanged import check_unchanged
from neuromosaic.llm.offline.designer import OfflineDesigner
from neuromosaic.llm.scripted import ScriptedClient
from neuromosaic.prompts.render import messages
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import example_hardware, example_task
from neuromosaic.workflows.candidates import family_default
from tests.llm.offline.contracts import DIGITS, HOUSES, LETTERS, MOTION, REVIEWS

NET = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, hidden: int = 8) -> None:
        super().__init__()
        self.one = {first}
        self.two = nn.Linear(hidden, {outputs})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(torch.relu(self.one({x})))
"""
FLAT = "x.flatten(1)"
GIVEN = {
    "image": (DIGITS, NET.format(first="nn.Linear(64, hidden)", outputs=10, x=FLAT)),
    "table": (HOUSES, NET.format(first="nn.Linear(8, hidden)", outputs=1, x="x")),
    "series": (MOTION, NET.format(first="nn.Linear(144, hidden)", outputs=5, x=FLAT)),
    "letters": (LETTERS, NET.format(first="nn.Embedding(40, hidden)", outputs=40, x="x")),
    "reviews": (REVIEWS, NET.format(first="nn.EmbeddingBag(40, hidden)", outputs=2, x="x")),
}


def inputs(kind: str = "table", **change: Any) -> ExtensionInputs:
    contract, given = GIVEN[kind]
    known = {**example_task(), "contract": contract, "hardware": example_hardware(), "slot": 1, "slots": 3}
    return ExtensionInputs(**{**known, "given": given, "entry": "Net", **change})


@pytest.fixture(scope="module")
def sandbox() -> Any:
    box = ProcessSandbox(workers=1)
    yield box
    box.close()


@pytest.mark.parametrize("slot", [0, 1])
@pytest.mark.parametrize("kind", GIVEN)
def test_what_the_built_in_designer_adds_begins_at_nothing(kind: str, slot: int, sandbox: Sandbox) -> None:
    asked = inputs(kind, slot=slot)
    proposal = extend_family(OfflineDesigner(), asked)
    program = Program(proposal.source, family_default(proposal), seed=0)
    verdict = check_unchanged(program, asked.given, "Net", asked.contract.input, sandbox)
    assert verdict.passed, verdict.findings


def test_a_repair_is_narrower() -> None:
    first = extend_family(OfflineDesigner(), inputs())
    finding = Finding(gate="shape", code="too-many-parameters", message="too many")
    second = extend_family(OfflineDesigner(), inputs(previous=first.source, findings=(finding,)))
    assert second.source != first.source
    assert len(second.source) <= len(first.source)


def test_the_given_network_stands_as_a_family_of_its_own(sandbox: Sandbox) -> None:
    contract, source = GIVEN["table"]
    given, entry = read_given(source.replace("Net", "Model"), "Model", "net.py")
    family = as_family(given, entry)
    assert entry == "GivenModel"
    assert not family.space
    program = Program(family.source, {}, seed=0)
    assert check_unchanged(program, given, entry, contract.input, sandbox).passed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("self.two(", "2 * self.two("), "no longer computes what the given network does"),
        (("self.one", "self.first"), "has lost weights.*one.weight"),
        (("hidden: int = 8", "hidden: int = 9"), "has lost weights"),
    ],
)
def test_a_network_that_does_something_else_is_told(change: tuple[str, str], told: str, sandbox: Sandbox) -> None:
    contract, source = GIVEN["table"]
    changed = Program(source.replace("class Net", "class Model").replace(*change), {}, seed=0)
    verdict = check_unchanged(changed, source, "Net", contract.input, sandbox)
    assert not verdict.passed
    assert {finding.code for finding in verdict.findings} == {"given-changed"}
    assert any(re.search(told, finding.message) for finding in verdict.findings), verdict.findings


@pytest.mark.parametrize(
    ("source", "entry", "told"),
    [
        ("class Net(:", "Net", "net.py is not Python"),
        ("class Other: ...", "Net", "net.py has no class Net at its top level: it has Other"),
        ("x = 1", "Net", "it has none"),
        (
            "class Net:\n    def __init__(self, width, *, depth, on=1): ...",
            "Net",
            r"Net\(\) needs width, depth: give these arguments defaults there",
        ),
    ],
)
def test_what_cannot_be_extended_is_told(source: str, entry: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_given(source, entry, "net.py")


@pytest.mark.parametrize("purpose", ["extend", "repair"])
def test_the_prompt_shows_the_given_network_and_what_must_stay(purpose: str) -> None:
    finding = Finding(gate="unchanged", code="given-changed", message="has lost weights")
    change: dict[str, Any] = {"previous": GIVEN["table"][1], "findings": (finding,)} if purpose == "repair" else {}
    client = ScriptedClient({})
    with pytest.raises(ReplyError):
        extend_family(client, inputs(**change))
    (request,) = client.requests
    assert (request.role, request.purpose) == ("ModelArchitect", purpose)
    text = messages(load_roles()["ModelArchitect"], request)[-1]["content"]
    assert "self.one = nn.Linear(8, hidden)" in text
    assert "## What must stay" in text
    assert len(text) / 3 < 6000
