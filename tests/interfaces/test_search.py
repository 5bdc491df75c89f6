"""`neuromosaic search`: data on stdout, progress on stderr, and Ctrl-C keeps what is done."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.interfaces import cli

MODULE = """
import time
from neuromosaic.search import SearchSpace
space = SearchSpace({"x": {"type": "float", "min": -2, "max": 2}, 
                     "kind": {"type": "categorical", "values": ["a", "b"]},
                     "y": {"type": "int", "min": 1, "max": 64, "log": True}})
nothing = 3
def score(point):
    return {"accuracy": 1 - point["x"] ** 2, "latency": float(point["y"])}
def reporting(point, report):
    for step in range(1, 6):
        if report(step, 1 - point["x"] ** 2 - 1 / step): break
    return 1 - point["x"] ** 2 - 1 / step
def slow(point):
    time.sleep(0.2)
    return point["x"]
"""
TOML = """
constraints = ["x < 2"]
parameters.x = {type = "float", min = -2, max = 2}
parameters.y = {type = "int", min = 1, max = 64}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "space.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return tmp_path


def call(*arguments: object) -> int:
    return cli.run(["search", *(str(argument) for argument in arguments)])


GIVEN = ("mine:space", "--evaluator", "mine:score", "--strategy", "random", "--trials", 12)


def test_a_search_prints_its_best_trials_and_what_became_of_the_others(capsys: Any) -> None:
    assert call(*GIVEN, "--maximize", "accuracy", "--minimize", "latency", "--constraint", "latency <= 40") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["trial", "state", "figures", "point"]
    assert out.splitlines()[-1] == "figures by mine.score: not measured by Neuromosaic"
    assert "12 trials: 12 complete, 0 from the cache; on the Pareto front:" in out
    assert err.splitlines()[-1].startswith("1")
    assert "best" in err


def test_json_holds_all_trials_and_a_second_run_answers_from_the_store(capsys: Any) -> None:
    first = call(*GIVEN, "--json"), json.loads(capsys.readouterr().out)
    again = call(*GIVEN, "--json"), json.loads(capsys.readouterr().out)
    assert first[0] == again[0] == 0
    assert [t["metrics"] for t in first[1]["trials"]] == [t["metrics"] for t in again[1]["trials"]]
    assert again[1]["summary"]["cached"] == 12


def test_a_space_from_a_file_and_options_of_strategy_and_pruner(capsys: Any) -> None:
    given = ("space.toml", "--evaluator", "mine:reporting", "--strategy", "random", "--pruner", "threshold")
    assert call(*given, "--trials", 10, "--option", "lower=0.0", "--option", "n_warmup_steps=2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["summary"]["pruned"] > 0


def test_trials_are_exported_for_pandas(place: Path) -> None:
    assert call(*GIVEN, "--export", "trials.csv") == 0
    rows = list(csv.DictReader((place / "trials.csv").read_text().splitlines()))
    assert [int(row["number"]) for row in rows] == list(range(12))
    assert float(rows[0]["metrics_accuracy"]) == pytest.approx(1 - float(rows[0]["params_x"]) ** 2)
    assert call(*GIVEN, "--export", "trials.json") == 0
    assert json.loads((place / "trials.json").read_text())[3]["state"] == "complete"


@pytest.mark.filterwarnings("ignore")
def test_trials_are_exported_for_optunas_dashboard(place: Path) -> None:
    optuna = pytest.importorskip("optuna", reason="Optuna is not installed")
    given = ("mine:space", "--evaluator", "mine:reporting", "--strategy", "random", "--pruner", "median")
    assert call(*given, "--trials", 25, "--export", "trials.db") == 0
    study = optuna.load_study(study_name="trials", storage=f"sqlite:///{place / 'trials.db'}")
    assert len(study.trials) == 25
    assert study.best_value == max(t.value for t in study.trials if t.state.name == "COMPLETE")
    assert {trial.state.name for trial in study.trials} == {"COMPLETE", "PRUNED"}
    assert set(study.trials[0].intermediate_values) <= {1, 2, 3, 4, 5}
    assert isinstance(study.best_params["y"], int)


def test_without_optuna_a_database_names_the_other_ways(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert call(*GIVEN, "--export", "trials.db") == 2
    assert "a .db needs Optuna" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mine:nothing", "--evaluator", "mine:score"), "mine:nothing is no SearchSpace but int"),
        (("mine:spaces", "--evaluator", "mine:score"), "mine has no spaces (did you mean 'space'?)"),
        (("mine", "--evaluator", "mine:score"), "the space: give module:name"),
        (("nowhere:space", "--evaluator", "mine:score"), "cannot import nowhere"),
        (("mine:space", "--evaluator", "mine:score", "--option", "x"), "--option: give NAME=VALUE"),
        (("mine:space", "--evaluator", "mine:score", "--strategy", "randm"), "did you mean 'random'"),
        (("mine:space", "--evaluator", "mine:score", "--resume"), "no search 'search' in"),
        (("mine:space", "--evaluator", "mine:score", "--trials", "2", "--export", "x.xls"), "must end in .csv"),
        (("mine:space", "--evaluator", "mine:score", "--trials", "2", "--export", "no/x.csv"), "cannot write"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(arguments: tuple[str, ...], said: str, capsys: Any) -> None:
    assert call(*arguments) in (1, 2)
    error = capsys.readouterr().err
    assert said in error.splitlines()[-1]


def listening() -> None:
    """To Ctrl-C, which what is started in the background of a shell does not hear."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_keeps_what_is_done_and_resume_goes_on(place: Path) -> None:
    command = [
        sys.executable, "-m", "neuromosaic", "search", "mine:space", "--evaluator", "mine:slow", "--strategy",
        "random", "--trials", "30", "--json",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=place, env=environment,
        preexec_fn=listening,
    )  # fmt: skip
    assert running.stderr is not None
    running.stderr.readline()
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    done = [trial for trial in json.loads(out)["trials"] if trial["state"] == "complete"]
    assert 1 <= len(done) < 30
    assert "--resume goes on" in err
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, cwd=place, env=environment)
    trials = json.loads(again.stdout)["trials"]
    assert len(trials) == 30
    assert all(trial in trials for trial in done)


def test_a_model_proposes_points_by_the_command_line(place: Path, capsys: Any) -> None:
    (place / "script").mkdir()
    proposed = {"points": [{"x": 0.0, "kind": "a", "y": y} for y in range(1, 9)]}
    (place / "script" / "NetworkArchitect.points.md").write_text(json.dumps(proposed))
    common = ("mine:space", "--evaluator", "mine:score", "--maximize", "accuracy", "--trials", 7, "--json")
    assert call(*common, "--strategy", "llm", "--model", "scripted:script") == 0
    told = json.loads(capsys.readouterr().out)
    assert [trial["point"]["y"] for trial in told["trials"] if trial["number"] >= 4] == [1, 2, 3]
    assert told["summary"]["best"][0]["metrics"]["accuracy"] == 1.0
    assert call(*common, "--strategy", "llm") == 0, "without a name the built-in designer is asked"
    assert call(*common, "--strategy", "auto", "--model", "offline") == 2
    assert "'auto' asks no model" in capsys.readouterr().err
