"""Designs by a language model, as it once answered each role: its replies come over HTTP, its code is certified."""

from pathlib import Path

import pytest

from benchmarks import roles
from benchmarks.roles import BRIEFS, RECORDED_TRIALS, design
from neuromosaic.agents.metrics import plan_metrics
from neuromosaic.core.errors import ModelRefusedError
from neuromosaic.core.role_inputs import MetricsInputs
from neuromosaic.core.store.store import Store
from neuromosaic.llm.chat import ChatClient
from neuromosaic.llm.completion import Connection
from neuromosaic.llm.openai_client import openai_completion
from neuromosaic.prompts.roles import load_roles
from neuromosaic.testing import example_task
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


def test_four_kinds_of_brief_are_recorded() -> None:
    assert len(RECORDED) >= 4


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
