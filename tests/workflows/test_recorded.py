"""Designs by a language model, as it once answered each role: its replies come over HTTP, its code is certified."""

from pathlib import Path

import pytest

from benchmarks import roles
from benchmarks.roles import BRIEFS, RECORDED_TRIALS, design
from neuromosaic.agents.metrics import plan_metrics
from neuromosaic.core.errors import ModelRefusedError
from neuromosaic.core.proposals import FamilyProposal, Request, SuiteProposal
from neuromosaic.core.role_inputs import FamilyInputs, MetricsInputs, SuiteInputs
from neuromosaic.core.store.store import Store
from neuromosaic.llm.chat import ChatClient
from neuromosaic.llm.completion import Connection
from neuromosaic.llm.openai_client import openai_completion
from neuromosaic.llm.structured import ReplyFault, Said, read
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import example_hardware, example_task
from tests.chat_server import chat_server
from tests.recorded_model import FOLDER, record, replay

SHORT = "iris"
RECORDED = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
PARAMETERS = [pytest.param(name, marks=() if name == SHORT else pytest.mark.soak) for name in RECORDED]


@pytest.mark.timeout(600)  # on a busy machine; alone it takes some ten seconds
@pytest.mark.parametrize("brief", PARAMETERS)
def test_what_the_model_answered_still_leads_to_its_certified_network(
    brief: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(roles.__file__).parent)  # where the data of some briefs are made
    model = replay(brief, monkeypatch)
    with chat_server() as server:
        server.answers = [model.answer]
        told = design(BRIEFS[brief], tmp_path, RECORDED_TRIALS, {"models": ("openai/m",), "api_base": server.base})
    assert model.faults == []
    assert told["status"] == "met", told
    assert told["fallbacks"] == 0
    own = {"you"} if BRIEFS[brief].extend else set()  # the network to extend may still be the best
    assert told["designed_by"] in {"openai/m", *own}
    assert told["first_try"] + told["after_repair"] > len(own)
    assert not model.left, "recorded, but no longer asked for"
    mends = brief == MENDED
    assert (told["repair_turns"], told["after_repair"]) == (mends, mends)


def test_five_kinds_of_brief_are_recorded() -> None:
    assert len(RECORDED) >= 5


MENDED = "waves"
"""Where the model's first suite is no Python, and its first network takes time for channels."""


def test_the_model_mended_its_suite_by_what_the_repair_turn_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    told = replay(MENDED, monkeypatch).exchanges
    request = Request[SuiteProposal](
        role="TestArchitect", purpose="suite", inputs=SuiteInputs(**example_task()), reply=SuiteProposal
    )
    first, second = (told[f"TestArchitect.suite{turn}"].reply for turn in ("", ".mend"))
    with pytest.raises(ReplyFault, match=r"is not Python, line 138 \(`norm = .*`\): '\(' was never closed"):
        read(request, Said(first))
    assert "def test_it_starts_at_a_sound_scale" in read(request, Said(second)).source


def test_the_model_mended_its_network_by_two_edited_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    told = replay(MENDED, monkeypatch).exchanges
    inputs = FamilyInputs(**example_task(), hardware=example_hardware(), slot=0, slots=1)
    asked = Request[FamilyProposal](role="NetworkArchitect", purpose="propose", inputs=inputs, reply=FamilyProposal)
    first = read(asked, Said(told["NetworkArchitect.propose.r0s0"].reply))
    repair = asked.model_copy(update={"inputs": inputs.model_copy(update={"previous": first.source})})
    exchange = told["NetworkArchitect.repair.r0s0"]
    second = read(repair, Said(exchange.reply), dict(repair.originals))
    assert "forward-raised" in exchange.needs
    changed = set(second.source.splitlines()) - set(first.source.splitlines())
    assert len(changed) == 2
    assert any("x.transpose(1, 2)" in line for line in changed)


PLAN = '{"loss": "cross_entropy", "primary": "accuracy"}'
ASKED = MetricsInputs(**example_task(), available=("accuracy", "macro_f1"))


def written(folder: Path, needs: str) -> None:
    (folder / "brief").mkdir()
    (folder / "brief" / "Metrics.plan.md").write_text(f"---\nneeds: [{needs}]\n---\n{PLAN}\n")


@pytest.mark.parametrize(
    ("needs", "again", "fault"),
    [
        ("accuracy", False, ""),
        ("the moon", False, r"Metrics.plan was answered by \['the moon'\], which its prompt no longer tells"),
        ("accuracy", True, "Metrics.plan.2 is asked, but not recorded"),
    ],
)
def test_an_exchange_counts_while_its_prompt_tells_what_it_goes_by(
    needs: str, again: bool, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, needs)
    model = replay("brief", monkeypatch, tmp_path)
    with chat_server() as server:
        server.answers = [model.answer]
        client = ChatClient("openai/m", openai_completion("openai/m", Connection(server.base)), load_roles())
        if not fault or again:
            assert plan_metrics(client, ASKED).primary == "accuracy"
        if fault:
            with pytest.raises(ModelRefusedError, match=fault):
                plan_metrics(client, ASKED.model_copy(update={"available": ("accuracy",)}))
    assert bool(model.faults) == bool(fault)


def test_what_a_model_answers_is_written_down_as_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store")
    with chat_server() as server, pytest.MonkeyPatch.context() as patch:
        write = record(patch)
        server.answers = [PLAN]
        complete = openai_completion("openai/m", Connection(server.base))
        plan_metrics(ChatClient("openai/m", complete, load_roles(), store=store), ASKED)
        write(store, tmp_path / "brief")
    (exchange,) = replay("brief", monkeypatch, tmp_path).exchanges.items()
    assert exchange == ("Metrics.plan", (("[batch, 1, 8, 8]", "[batch, 10]", "20000"), f"{PLAN}\n"))
