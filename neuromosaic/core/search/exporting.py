"""Trials as files that other tools open: CSV and JSON for pandas, an Optuna storage for optuna-dashboard."""

import csv
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from neuromosaic.core.errors import SearchError, StoreError
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.trials import Trial
from neuromosaic.core.space.parameters import FloatParameter, IntParameter, choices
from neuromosaic.core.space.space import SearchSpace


def export_trials(path: Path, trials: Sequence[Trial], space: SearchSpace, objectives: Objectives) -> None:
    """Writes trials to a .csv, .json or .db file, by number.

    One row or object per trial; in CSV the values of the point are columns `params_NAME`, the metrics
    `metrics_NAME`. A .db is a new Optuna study of the file's name, with intermediate values. Raises SearchError for
    another ending, or where Optuna is not installed, StoreError where the file cannot be written.
    """
    writers: dict[str, Callable[[Path, Sequence[Trial], SearchSpace, Objectives], None]] = {
        ".csv": _csv, ".json": _json, ".db": _optuna,
    }  # fmt: skip
    if path.suffix not in writers:
        raise SearchError(f"export: {path} must end in .csv, .json or .db")
    try:
        writers[path.suffix](path, trials, space, objectives)
    except OSError as error:
        raise StoreError(f"export: cannot write {path}: {error.strerror}") from None


def export_folder(
    folder: Path, trials: Sequence[Trial], space: SearchSpace, objectives: Objectives, summary: Mapping[str, Any]
) -> None:
    """Writes trials.csv, trials.json and summary.json, in place of those of an earlier search. Raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "summary.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"output_dir: cannot write into {folder}: {error.strerror}") from None
    for name in ("trials.csv", "trials.json"):
        export_trials(folder / name, trials, space, objectives)


def trial_document(trial: Trial) -> dict[str, Any]:
    """A trial as JSON data."""
    return {
        "number": trial.number, "state": trial.state, "point": trial.point, "metrics": trial.metrics,
        "fidelity": trial.fidelity, "cause": trial.cause, "message": trial.message, "attempts": trial.attempts,
        "cached": trial.cached, "seconds": trial.seconds, "curve": trial.curve,
    }  # fmt: skip


def _json(path: Path, trials: Sequence[Trial], space: SearchSpace, objectives: Objectives) -> None:
    path.write_text(json.dumps([trial_document(trial) for trial in trials], indent=1), encoding="utf-8")


def _csv(path: Path, trials: Sequence[Trial], space: SearchSpace, objectives: Objectives) -> None:
    rows = [_row(trial) for trial in trials]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or ["number"])
        writer.writeheader()
        writer.writerows(rows)


def _row(trial: Trial) -> dict[str, Any]:
    document = trial_document(trial)
    plain = {name: value for name, value in document.items() if name not in ("point", "metrics", "curve")}
    point = {f"params_{name}": value for name, value in trial.point.items()}
    return {**plain, **point, **{f"metrics_{name}": value for name, value in trial.metrics.items()}}


def _optuna(path: Path, trials: Sequence[Trial], space: SearchSpace, objectives: Objectives) -> None:
    try:
        optuna: Any = import_module("optuna")
    except ImportError:
        raise SearchError("export: a .db needs Optuna: pip install optuna, or export to .csv or .json") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path.unlink(missing_ok=True)
    aims = objectives.aims
    study = optuna.create_study(
        storage=f"sqlite:///{path}", study_name=path.stem,
        directions=[f"{aim.direction}imize" for aim in aims] or ["maximize"],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is experimental in Optuna
        study.set_metric_names([aim.name for aim in aims] or ["value"])
    study.add_trials([_frozen(optuna, trial, space, objectives) for trial in trials])


def _frozen(optuna: Any, trial: Trial, space: SearchSpace, objectives: Objectives) -> Any:
    names = [aim.name for aim in objectives.aims]
    states = optuna.trial.TrialState
    known = {"complete": states.COMPLETE, "failed": states.FAIL, "pruned": states.PRUNED, "paused": states.PRUNED}
    reached = [{"step": trial.fidelity, **trial.metrics}] if trial.fidelity is not None else []
    curve = {int(entry["step"]): entry[names[0]] for entry in trial.curve or reached if names and names[0] in entry}
    return optuna.trial.create_trial(
        state=known.get(trial.state, states.FAIL), params=trial.point,
        distributions={name: _distribution(optuna, space.parameters[name]) for name in trial.point},
        values=[trial.metrics[name] for name in names] if trial.state == "complete" else None,
        intermediate_values=curve if len(names) == 1 else {},
        user_attrs={"number": trial.number, "metrics": trial.metrics, "cause": trial.cause, "message": trial.message},
    )  # fmt: skip


def _distribution(optuna: Any, parameter: Any) -> Any:
    distributions = optuna.distributions
    if isinstance(parameter, FloatParameter):
        return distributions.FloatDistribution(parameter.min, parameter.max, log=parameter.log)
    if isinstance(parameter, IntParameter):
        step = 1 if parameter.log else parameter.step
        most = parameter.max - (parameter.max - parameter.min) % step
        return distributions.IntDistribution(parameter.min, most, log=parameter.log, step=step)
    return distributions.CategoricalDistribution(list(choices(parameter)))
