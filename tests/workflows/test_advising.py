"""A role of the user's own is asked before the seat that it advises, is heard there, and ends no run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import ModelRefusedError
from neuromosaic.core.role_inputs import RecipeInputs
from neuromosaic.core.store.store import Store
from neuromosaic.testing import example_hardware
from neuromosaic.workflows import runs
from neuromosaic.workflows.advising import advised
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.options import Options
from neuromosaic.workflows.planning import common
from tests.chat_server import chat_server
from tests.faulty_model import impatience, play, thrift
from tests.frugal_model import ADVICE, Frugal
from tests.served_designer import serve_designer
from tests.small_runs import iris

EXPERT = "---\nname: FlowerExpert\ndescription: knows flowers\n---\nYou know flowers.\n"


@pytest.fixture
def agents(tmp_path: Path) -> str:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "expert.md").write_text(EXPERT)
    return str(tmp_path / "agents")


def test_the_architects_hear_it_in_each_round(tmp_path: Path, agents: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server() as server, impatience(), thrift():
        server.answers = [serve_designer(monkeypatch, Frugal())]
        assert play(tmp_path, server, ("openai/t",), agents=agents).came_to == "met"
    prompts = [body["messages"][1]["content"] for body in server.bodies]
    asked = [prompt for prompt in prompts if prompt.startswith("Advise the NetworkArchitect")]
    heard = [prompt for prompt in prompts if ADVICE in prompt]
    assert ["What was tried so far" in prompt for prompt in asked] == [False, True]
    assert len(heard) == 2
    assert all(prompt.startswith("Propose a family") for prompt in heard)
    store = Store(tmp_path / "store")
    (run,) = store.runs()
    told = [event.data for event in store.events(run.id) if event.kind == "advice"]
    assert told == [{"by": "FlowerExpert", "to": "NetworkArchitect", "remarks": [ADVICE]}] * 2
    assert store.step(run.id, "results")["models"]["FlowerExpert"] == "openai/t"


@pytest.fixture
def bench(tmp_path: Path, agents: str, request: pytest.FixtureRequest) -> Iterator[Workbench]:
    """A run that has come as far as its plan, with the models that a test names."""
    text = EXPERT.replace("---\nYou", "advises: Trainer\n---\nYou")
    (Path(agents) / "expert.md").write_text(text)
    (tmp_path / "replies.json").write_text(json.dumps({"FlowerExpert/advise": request.param[1]}))
    models = tuple(name.replace("HERE", str(tmp_path)) for name in request.param[0])
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options(models=models, agents=agents))
    store.once(run, "brief", lambda: iris().model_dump(mode="json"))
    store.once(run, "hardware", lambda: example_hardware().model_dump(mode="json"))
    bench = Workbench(store, run)
    yield bench
    bench.close()


def heard(bench: Workbench, turn: int = 0) -> list[str]:
    known: dict[str, Any] = {
        **common(bench),
        "hardware": bench.hardware,
        "families": ("MLP",),
        "loss": "cross_entropy",
    }
    return [remark.text for remark in advised(bench, "Trainer", RecipeInputs.model_validate(known), turn).advice]


def notes(bench: Workbench) -> list[str]:
    return [event.data["text"] for event in bench.store.events(bench.run) if event.kind == "note"]


REPLY = '{"remarks": ["Few epochs will do."]}'
SCRIPTED = ("scripted:HERE/replies.json",)


@pytest.mark.parametrize("bench", [(SCRIPTED, [REPLY, "nonsense"])], indirect=True)
def test_it_is_asked_once(bench: Workbench) -> None:
    assert heard(bench) == heard(bench) == ["Few epochs will do."]
    again = Workbench(bench.store, bench.run)
    assert heard(again) == ["Few epochs will do."]
    again.close()


@pytest.mark.parametrize("bench", [(SCRIPTED, "Well, let me think.")], indirect=True)
def test_a_run_goes_on_without_it(bench: Workbench) -> None:
    assert heard(bench) == []
    (note,) = notes(bench)
    assert note.startswith("No advice from FlowerExpert: ")


@pytest.mark.parametrize("bench", [(("offline",), REPLY)], indirect=True)
def test_the_built_in_designer_needs_none(bench: Workbench) -> None:
    assert heard(bench) == heard(bench) == []
    assert notes(bench) == ["FlowerExpert was not asked: the built-in designer at Trainer takes no advice."]


@pytest.mark.parametrize("bench", [(("openai/far-away",), REPLY)], indirect=True)
def test_what_a_person_must_mend_is_told_at_once(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuromosaic.llm.ALLOW_MODEL_REQUESTS", False)
    with pytest.raises(ModelRefusedError, match="far-away"):
        heard(bench)
