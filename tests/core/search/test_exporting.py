"""Trials as files that other tools open."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import SearchError, StoreError
from neuromosaic.search import ArchitectureSearch, SearchSpace

SPACE = SearchSpace({"x": {"type": "float", "min": -5, "max": 5}})


def search(**given: Any) -> ArchitectureSearch:
    usual = {"space": SPACE, "evaluator": lambda point: -abs(point["x"]), "strategy": "random", "max_trials": 12}
    return ArchitectureSearch(**{**usual, **given})


def test_trials_are_exported_with_what_they_had_come_to_where_they_paused(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    found = search(evaluator=lambda point, fidelity: point["x"] * fidelity, pruner="asha", max_resource=3)
    found.run()
    found.export(tmp_path / "trials.db")
    study = optuna.load_study(study_name="trials", storage=f"sqlite:///{tmp_path / 'trials.db'}")
    for one, trial in zip(study.trials, found.trials, strict=True):
        assert one.intermediate_values == {trial.fidelity: trial.metrics["value"]}
        assert one.values == ([trial.metrics["value"]] if trial.state == "complete" else None)
    with pytest.raises(SearchError, match=r"must end in \.csv, \.json or \.db"):
        found.export("trials.xls")


def test_what_a_search_found_stands_in_its_folder_when_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    found = search(max_trials=3, output_dir=folder)
    assert not folder.exists()
    found.run()
    rows = list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))
    assert [float(row["params_x"]) for row in rows] == [trial.point["x"] for trial in found.trials]
    assert [one["metrics"] for one in json.loads((folder / "trials.json").read_text())] == [
        trial.metrics for trial in found.trials
    ]
    assert json.loads((folder / "summary.json").read_text())["complete"] == 3


def test_the_folder_of_a_resumed_search_holds_all_its_trials(tmp_path: Path) -> None:
    given = {"store": tmp_path / "store", "output_dir": str(tmp_path / "out")}
    search(max_trials=2, **given).run()
    search(max_trials=5, **given).resume()
    assert len(json.loads((tmp_path / "out" / "trials.json").read_text())) == 5


def test_a_folder_that_cannot_be_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    found = search(max_trials=2, output_dir=tmp_path / "file" / "out")
    with pytest.raises(StoreError, match="output_dir: cannot write into"):
        found.run()
    assert len(found.trials) == 2
    assert (tmp_path / "file").read_text() == "mine"
