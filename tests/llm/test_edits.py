"""Little changes come as edits; what cannot be applied exactly once is asked for whole."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.errors import ReplyError
from neuromosaic.core.proposals import FamilyProposal, Request, SuiteProposal
from neuromosaic.core.role_inputs import FamilyInputs, Finding, SuiteInputs
from neuromosaic.llm.edits import EditError, applied, are_edits
from neuromosaic.llm.scripted import ScriptedClient
from neuromosaic.llm.structured import ReplyFault, Said, read
from neuromosaic.prompts.render import messages
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import example_hardware, example_task

FOUND = Finding(gate="behave", code="no-gradient", message="no gradient reaches net.1")


def edit(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


def block(content: str) -> str:
    return f"```python model.py\n{content}```\n"


@pytest.fixture
def repair(texts: dict[str, str]) -> Request[FamilyProposal]:
    inputs = FamilyInputs(
        **example_task(), hardware=example_hardware(), slot=0, slots=3, previous=texts["model.py"], findings=(FOUND,)
    )
    return Request[FamilyProposal](role="NetworkArchitect", purpose="repair", inputs=inputs, reply=FamilyProposal)


def reply(edits: str, texts: dict[str, str]) -> str:
    return f"Less dropout.\n\n{edits}\n```json space.json\n{texts['space.json']}\n```\n"


def test_edits_change_the_previous_file(repair: Request[FamilyProposal], texts: dict[str, str]) -> None:
    said = reply(block(edit("nn.ReLU(), nn.Dropout(dropout))", "x") + ""), texts)
    with pytest.raises(ReplyFault, match=r"model\.py: what edit 1 searches for, from 'nn\.ReLU.*send the whole file"):
        read(repair, Said(said), dict(repair.originals))
    line = "        self.head = nn.Linear(width, 10)"
    said = reply(block(edit(line + "  ", line + "  # ten digits")), texts)
    proposal = read(repair, Said(said), dict(repair.originals))
    assert proposal.source == texts["model.py"].replace(line, line + "  # ten digits")
    assert proposal.rationale == "Less dropout."


def test_several_blocks_of_edits_are_one(repair: Request[FamilyProposal], texts: dict[str, str]) -> None:
    one = block(edit("import torch", "import torch  # one"))
    other = block(edit("from torch import nn", "from torch import nn  # two"))
    proposal = read(repair, Said(reply(one + "and\n" + other, texts)), dict(repair.originals))
    assert proposal.source.startswith("import torch  # one\nfrom torch import nn  # two\n")


def test_an_edit_that_misses_is_answered_by_the_whole_file(
    repair: Request[FamilyProposal], texts: dict[str, str]
) -> None:
    client = ScriptedClient(
        {
            "NetworkArchitect/repair": reply(block(edit("no such line", "x")), texts),
            "NetworkArchitect/repair/mend": texts["family"],
        }
    )
    assert client.ask(repair).source == texts["model.py"]


def test_the_repair_turn_may_edit_the_first_reply(
    family_request: Request[FamilyProposal], texts: dict[str, str]
) -> None:
    broken = texts["family"].replace("class Model(", "class Model((")
    mended = reply(block(edit("class Model((nn.Module):", "class Model(nn.Module):")), texts)
    client = ScriptedClient({"NetworkArchitect/propose": broken, "NetworkArchitect/propose/mend": mended})
    assert client.ask(family_request).source == texts["model.py"]


def test_edits_of_nothing_are_told(family_request: Request[FamilyProposal], texts: dict[str, str]) -> None:
    client = ScriptedClient({"NetworkArchitect/propose": reply(block(edit("a", "b")), texts)})
    with pytest.raises(ReplyError, match=r"model\.py: there is nothing yet to be edited: send the whole file"):
        client.ask(family_request)


def test_a_suite_is_mended_by_edits(texts: dict[str, str]) -> None:
    inputs = SuiteInputs(**example_task(), previous=texts["test_model.py"], findings=(FOUND,))
    request = Request[SuiteProposal](role="TestArchitect", purpose="suite", inputs=inputs, reply=SuiteProposal)
    said = f"```python test_model.py\n{edit('import torch', 'import math')}```"
    assert read(request, Said(said), dict(request.originals)).source.startswith("import math\n")


@pytest.mark.parametrize("purpose", ["repair", "suite"])
def test_edits_are_offered_where_there_is_something_to_edit(
    purpose: str, repair: Request[FamilyProposal], suite_request: Request[SuiteProposal]
) -> None:
    fresh: Request[Any] = suite_request
    mended = SuiteInputs(**example_task(), previous="x = 1\n", findings=(FOUND,))
    asked = repair if purpose == "repair" else suite_request.model_copy(update={"inputs": mended})
    assert "<<<<<<< SEARCH" in messages(load_roles()[asked.role], asked)[-1]["content"]
    assert "<<<<<<< SEARCH" not in messages(load_roles()[fresh.role], fresh)[-1]["content"]


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        (edit("a", "b"), "from 'a', is there 2 times"),
        (edit("z", "b"), "from 'z', is not in the file"),
        (edit("", "b"), "edit 1 searches for nothing"),
        ("<<<<<<< SEARCH\nc\n=======\nd", "edit 1 is cut off"),
        (edit("c", "d") + edit("c", "e"), "what edit 2 searches for, from 'c', is not in the file"),
    ],
)
def test_what_cannot_be_applied_is_told(edits: str, told: str) -> None:
    assert are_edits(edits)
    with pytest.raises(EditError, match=told):
        applied(edits, "a\nb\na\nc\n")


LINES = st.lists(st.text("xy =<", max_size=4), max_size=5)


@given(before=LINES, after=LINES, instead=LINES)
def test_exactly_the_lines_searched_for_are_replaced(before: list[str], after: list[str], instead: list[str]) -> None:
    original = [*before, "the one line", *after]
    changed = applied(edit("the one line", "\n".join(instead)), "\n".join(original)).split("\n")
    assert changed == [*before, *(instead or [""]), *after]
