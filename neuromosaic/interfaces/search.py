"""`neuromosaic search`: a space, an evaluator, and a search that can be interrupted and resumed."""

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from neuromosaic.agents import llm_search  # noqa: F401 - makes the strategy "llm" known
from neuromosaic.core.errors import UsageError
from neuromosaic.core.search.exporting import trial_document
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.search.trials import Trial
from neuromosaic.core.space.files import read_space
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import suggest
from neuromosaic.interfaces.settings import names_given, settings

SHOWN = 10
FIGURES = 4
COSTS = ("parameters", "params", "flops")


class Wanted(NamedTuple):
    """The command's arguments."""

    space: str
    evaluator: str
    data: str | None
    task: str | None
    search_recipe: bool
    evaluator_option: list[str] | None
    trials: int | None
    minutes: float | None
    strategy: str
    model: list[str] | None
    api_base: str | None
    pruner: str | None
    executor: str
    workers: int
    maximize: list[str] | None
    minimize: list[str] | None
    constraint: list[str] | None
    option: list[str] | None
    timeout: float | None
    seed: int
    name: str
    resume: bool
    strict: bool
    address: str | None
    export: Path | None


def search(store: Path, wanted: Wanted, *, as_json: bool) -> int:
    """Runs the search; 0, or 130 where Ctrl-C ended it: what was done is kept, shown and exported."""
    progress = Progress(wanted.trials)
    found = made(store, wanted, progress)
    try:
        found.resume() if wanted.resume else found.run()
        code = 0
    except KeyboardInterrupt:
        print("neuromosaic: interrupted; the same command with --resume goes on", file=sys.stderr)
        code = 130
    progress.end()
    if wanted.export is not None:
        found.export(wanted.export)
    print(json.dumps(document(found), indent=1) if as_json else table(found))
    return code


def made(store: Path, wanted: Wanted, progress: "Progress") -> ArchitectureSearch:
    """The search that the arguments ask for. Raises UsageError for those that cannot be used."""
    objectives = dict.fromkeys(wanted.maximize or (), "max") | dict.fromkeys(wanted.minimize or (), "min")
    return ArchitectureSearch(
        space=space_of(wanted.space), evaluator=evaluator_of(wanted.evaluator), data=wanted.data, task=wanted.task,
        evaluator_options=evaluator_options(wanted), strategy=wanted.strategy,
        pruner=wanted.pruner, executor=wanted.executor, objectives=objectives or None,
        constraints=wanted.constraint or (), max_trials=wanted.trials,
        max_time=None if wanted.minutes is None else 60 * wanted.minutes, seed=wanted.seed, store=store,
        name=wanted.name, max_workers=wanted.workers, trial_timeout=wanted.timeout, strict=wanted.strict,
        address=wanted.address, callbacks=[progress], **options_of(wanted.option or ()), **asking(store, wanted),
    )  # fmt: skip


def space_of(reference: str) -> SearchSpace:
    """A file, or an object (or a function that makes it) by module:name. Raises UsageError."""
    if Path(reference).suffix in (".toml", ".yaml", ".yml", ".json", ".txt"):
        return read_space(reference)
    found = loaded(reference, "the space")
    if callable(found):
        found = found()
    if not isinstance(found, SearchSpace):
        raise UsageError(f"{reference} is no SearchSpace but {type(found).__name__}")
    return found


def evaluator_of(reference: str) -> Any:
    """Yours by module:name; a name alone is one of ours."""
    return loaded(reference, "--evaluator") if ":" in reference else reference


def loaded(reference: str, what: str) -> Any:
    """An object by module:name, also of a module in the working directory. Raises UsageError."""
    module, _, name = reference.partition(":")
    if not name:
        raise UsageError(f"{what}: give module:name, not {reference!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise UsageError(f"{what}: cannot import {module}: {error}") from None
    except AttributeError:
        known = [one for one in vars(sys.modules[module]) if not one.startswith("_")]
        raise UsageError(f"{what}: {module} has no {name}{suggest(name, known)}") from None


def evaluator_options(wanted: Wanted) -> dict[str, Any] | None:
    """What the evaluator that trains is told beside the data; None where nothing is."""
    options = options_of(wanted.evaluator_option or (), "--evaluator-option")
    return {**options, **({"search_recipe": True} if wanted.search_recipe else {})} or None


def options_of(given: Sequence[str], what: str = "--option") -> dict[str, Any]:
    """NAME=VALUE, values in JSON where they can be read so. Raises UsageError."""
    options: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"{what}: give NAME=VALUE, not {text!r}")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def asking(store: Path, wanted: Wanted) -> dict[str, Any]:
    """Which model the strategy "llm" asks: the command line's, the environment's, or that of `neuromosaic.toml`.

    Raises UsageError where one is named for a strategy that asks none.
    """
    if wanted.strategy != "llm":
        if wanted.model:
            raise UsageError(f"--model: {wanted.strategy!r} asks no model; --strategy llm does")
        return {}
    said = settings().models
    models = names_given(wanted.model) or list(said.roles.get("NetworkArchitect", said.default)) or ["offline"]
    return {"model": models, "api_base": wanted.api_base or said.api_base, "replies": str(store)}


class Progress:
    """One line on stderr where that is a terminal; elsewhere a line for each new best."""

    def __init__(self, trials: int | None) -> None:
        self._of = f"/{trials}" if trials else ""
        self._best: Trial | None = None
        self._done = 0
        self._figures: dict[str, float] = {}
        self._is_terminal = sys.stderr.isatty()

    def __call__(self, search: ArchitectureSearch, trial: Trial) -> None:
        self._done += trial.has_ended or trial.state == "paused"
        is_new = trial.state == "complete" and self._is_better(search, trial)
        if is_new:
            self._best, self._figures = trial, foremost(search, trial)
        if self._is_terminal or is_new:
            self._say()

    def _is_better(self, search: ArchitectureSearch, trial: Trial) -> bool:
        known = [trial.metrics] if self._best is None else [trial.metrics, self._best.metrics]
        scores = search.objectives.scores(known)
        return self._best is None or bool(scores[0] > scores[1])

    def _say(self) -> None:
        best = "" if self._best is None else f"  best {self._best.number}: {said(self._figures)}"
        line = f"{self._done}{self._of} trials{best}"
        print(
            f"\r\x1b[K{line}" if self._is_terminal else line, end="" if self._is_terminal else "\n", file=sys.stderr
        )

    def end(self) -> None:
        if self._is_terminal:
            print(file=sys.stderr)


def said(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in metrics.items())


def document(search: ArchitectureSearch) -> dict[str, Any]:
    """The outcome as JSON data: a summary, and the trials, the best first."""
    return {"summary": search.summary(), "trials": [trial_document(trial) for trial in search.results]}


def table(search: ArchitectureSearch) -> str:
    """The outcome as text: the best trials, and what became of the others."""
    rows = [["trial", "state", "figures", "point"]]
    for trial in search.results[:SHOWN]:
        point = ", ".join(f"{name}={value}" for name, value in trial.point.items())
        outcome = trial.message if trial.state == "failed" else said(foremost(search, trial))
        rows.append([str(trial.number), trial.state, outcome, point])
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row[:3], widths, strict=True)), row[3]]) for row in rows]
    summary = search.summary()
    counts = [f"{summary[state]} {state}" for state in ("complete", "pruned", "paused", "failed") if state in summary]
    front = f"; on the Pareto front: {', '.join(str(one['number']) for one in summary['best'])}"
    more = front if len(search.objectives.aims) > 1 else ""
    total = f"{summary['trials']} trials: {', '.join(counts)}, {summary['cached']} from the cache{more}"
    return "\n".join([*lines, total, f"figures by {summary['scored_by']}"])


def foremost(search: ArchitectureSearch, trial: Trial) -> dict[str, float]:
    """The figures that count and a few more: a line is read, all of them are in --json."""
    counting = [aim.name for aim in search.objectives.aims] + [limit.name for limit in search.objectives.limits]
    names = dict.fromkeys([*counting, *COSTS, *trial.metrics])
    return {name: trial.metrics[name] for name in [name for name in names if name in trial.metrics][:FIGURES]}
