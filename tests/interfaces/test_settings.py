"""Models and limits come from the command line, else the environment, else neuromosaic.toml; calls are logged."""

import json
from pathlib import Path

import pytest

from neuromosaic.core.errors import SearchError, UsageError
from neuromosaic.core.proposals import Adviser
from neuromosaic.core.store.store import Store
from neuromosaic.interfaces import models
from neuromosaic.interfaces.design import Wanted, brief_of, options_of
from neuromosaic.interfaces.logs import logs
from neuromosaic.interfaces.settings import MODELS, settings
from neuromosaic.llm.fallback import FallbackClient
from neuromosaic.workflows import runs
from neuromosaic.workflows.bench import Workbench, purposes_of
from neuromosaic.workflows.options import Options
from tests.small_runs import iris

TOML = """
[models]
default = ["openai/big", "offline"]
api_base = "http://127.0.0.1:9/v1"
[models.roles]
Trainer = ["offline"]
[models.purposes]
repair = ["openai/cheap"]
[limits]
cost_usd = 0.5
calls = 9
tokens = 1000
seconds = 60.0
at_once = 2
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(MODELS, raising=False)
    return tmp_path


def test_the_file_sets_what_nothing_else_says(here: Path) -> None:
    (here / "neuromosaic.toml").write_text(TOML)
    options = options_of(Wanted(), here)
    assert options.models == ("openai/big", "offline")
    assert options.role_models == {"Trainer": ("offline",), "repair": ("openai/cheap",)}
    assert (options.calls, options.tokens, options.model_seconds, options.at_once) == (9, 1000, 60.0, 2)
    assert brief_of(Wanted(data="iris")).budget.cost_usd == 0.5
    assert brief_of(Wanted(data="iris", max_cost=0.1)).budget.cost_usd == 0.1


def test_the_search_strategy_is_that_of_the_command_line_or_the_file_and_is_known(here: Path) -> None:
    assert options_of(Wanted(), here).strategy == "auto"
    (here / "neuromosaic.toml").write_text('[search]\nstrategy = "llm"\n')
    assert options_of(Wanted(), here).strategy == "llm"
    assert options_of(Wanted(strategy="bayesian"), here).strategy == "bayesian"
    with pytest.raises(SearchError, match="did you mean 'evolutionary'"):
        options_of(Wanted(strategy="evolutionay"), here)


def test_the_environment_comes_before_the_file_and_the_command_line_before_both(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "neuromosaic.toml").write_text(TOML)
    monkeypatch.setenv(MODELS, "openai/env, NetworkArchitect.repair=openai/small")
    options = options_of(Wanted(), here)
    assert options.models == ("openai/env",)
    assert options.role_models["NetworkArchitect.repair"] == ("openai/small",)
    assert options_of(Wanted(model=["offline"]), here).models == ("offline",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[models", "cannot read"),
        ("[limits]\ncalls = -1", "limits.calls"),
        ("[model]\n", "model"),
    ],
)
def test_a_wrong_file_is_one_sentence(here: Path, text: str, told: str) -> None:
    (here / "neuromosaic.toml").write_text(text)
    with pytest.raises(UsageError, match=told):
        settings()


def test_a_wrong_seat_in_the_file_is_named(here: Path) -> None:
    (here / "neuromosaic.toml").write_text('[models.roles]\nBarber = ["x/y"]')
    with pytest.raises(UsageError, match=r"neuromosaic\.toml: 'Barber' is no role; roles are TestArchitect"):
        options_of(Wanted(), here)


def test_a_role_of_one_s_own_is_given_a_model_wherever_a_seat_is(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "agents").mkdir()
    (here / "agents" / "expert.md").write_text("---\nname: Expert\ndescription: knows\nmodel: x/file\n---\nKnow.\n")
    (here / "neuromosaic.toml").write_text('[models.roles]\nExpert = ["x/toml"]\n[models.purposes]\nadvise = ["x/y"]')
    assert options_of(Wanted(), here).role_models == {"Expert": ("x/toml",), "advise": ("x/y",)}
    monkeypatch.setenv(MODELS, "Expert=x/env Expert.advise=x/env")
    options = options_of(Wanted(), here)
    assert (options.role_models["Expert"], options.role_models["Expert.advise"]) == (("x/env",), ("x/env",))
    wanted = Wanted(model=["Expert=scripted:nowhere", "offline"])
    assert options_of(wanted, here).role_models["Expert"] == ("scripted:nowhere",)
    with pytest.raises(UsageError, match=r"'Expertt' is no role; roles are .*, Expert, and purposes"):
        options_of(Wanted(model=["Expertt=x/y"]), here)


def test_a_model_that_is_named_for_a_role_comes_before_that_of_its_file(here: Path) -> None:
    (here / "agents").mkdir()
    (here / "agents" / "expert.md").write_text("---\nname: Expert\ndescription: knows\nmodel: x/file\n---\nKnow.\n")
    store, agents = Store(here / "store"), str(here / "agents")
    bench = Workbench(store, runs.create(store, iris(), Options(models=("x/y",), agents=agents)))
    assert bench.client(Adviser("Expert")).name_of(Adviser("Expert")) == "x/file, then x/y"
    named = Options(models=("x/y",), role_models={"Expert": ("x/y",)}, agents=agents)
    other = Workbench(store, runs.create(store, iris(), named))
    assert other.client("Trainer").name == "x/y"
    assert other.client(Adviser("Expert")).name_of(Adviser("Expert")) == "x/y"
    bench.close()
    other.close()


def test_a_wrong_seat_on_the_command_line_is_named(here: Path) -> None:
    with pytest.raises(UsageError, match=r"'Trainer\.shave' is no role"):
        options_of(Wanted(model=["Trainer.shave=offline"]), here)


def test_no_model_to_check_says_how_to_name_one() -> None:
    with pytest.raises(UsageError, match="no model is named"):
        models.check([], None, 1.0, as_json=False)
    with pytest.raises(UsageError, match="no model to try"):
        models.check(["offline"], None, 1.0, as_json=False)


def test_a_role_s_own_purpose_comes_before_anyone_s() -> None:
    named = {"repair": ("a/b",), "Trainer": ("c/d",), "NetworkArchitect.repair": ("e/f",)}
    assert purposes_of("NetworkArchitect", named) == {"repair": ("e/f",)}
    assert purposes_of("Trainer", named) == {"repair": ("a/b",)}


def test_all_clients_of_a_run_spend_from_one_purse(here: Path) -> None:
    store = Store(here / "store")
    options = Options(models=("openai/a",), role_models={"Trainer": ("openai/b",)}, calls=1, at_once=1)
    bench = Workbench(store, runs.create(store, iris(), options))

    def purse(client: FallbackClient) -> object:
        return client.clients_of("Trainer")[0]._spending  # type: ignore[attr-defined]

    assert purse(bench.client("Trainer")) is purse(bench.client("Metrics"))
    bench.close()


# ---------------------------------------------------------------- logs

CALL = {
    "role": "Trainer", "purpose": "recipes", "model": "openai/x", "prompt_hash": "abcdef0123456789",
    "prompt_tokens": 100, "completion_tokens": 20, "cost_usd": None, "seconds": 1.5, "cached": False,
    "repaired": True, "temperature": 0.2, "max_tokens": 900,
}  # fmt: skip


def test_every_call_is_listed_without_secrets(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(here / "store")
    run = runs.create(store, iris(), Options())
    logs(here / "store", run, as_json=False)
    assert "asked no model" in capsys.readouterr().out
    store.add_event(run, "model.called", **CALL)
    store.add_event(run, "model.called", **{**CALL, "cost_usd": 0.25, "cached": True, "model": "y/z"})
    reason = "Bearer sk-verysecret123 was refused"
    store.add_event(run, "model.fallback", role="Trainer", purpose="recipes", failed="a", reason=reason, next="b")
    logs(here / "store", run, as_json=False)
    said = capsys.readouterr().out
    call = "abcdef012345  openai/x  100+20 tokens  cost unknown  1.50 s  temperature=0.2  max_tokens=900  repaired"
    assert call in said
    assert "2 calls, 1 from the store, 240 tokens, $0.2500 and what openai/x cost, whose price is not known" in said
    assert "verysecret" not in said
    logs(here / "store", run, as_json=True)
    assert [entry["kind"] for entry in json.loads(capsys.readouterr().out)] == ["model.called"] * 2 + [
        "model.fallback"
    ]
