"""`neuromosaic design`, `resume`, `approve`, `answer`: starting a run and seeing it through."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, get_args

from neuromosaic.agents import llm_search  # noqa: F401 - makes the strategy "llm" known
from neuromosaic.core.brief import Brief
from neuromosaic.core.brief_file import parse_brief, read_brief_file
from neuromosaic.core.errors import BriefError, Interrupted, UsageError, WaitingForApproval
from neuromosaic.core.evaluation.recipe import WantedPrecision
from neuromosaic.core.results import Results
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.store.store import Store
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.interfaces.extending import extension
from neuromosaic.interfaces.settings import FILE, check_seats, names_given, settings
from neuromosaic.workflows import runs
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.options import Options
from neuromosaic.workflows.pull_request import STEP

EXIT = {"met": 0, "not met": 1, "stopped": 130}


class Wanted(NamedTuple):
    """What the command line said."""

    brief: str | None = None
    data: str | None = None
    target: str | None = None
    group: str | None = None
    time: str | None = None
    model: list[str] | None = None
    api_base: str | None = None
    trials: int | None = None
    minutes: float | None = None
    max_cost: float | None = None
    device: str | None = None
    seed: int | None = None
    out: Path | None = None
    pr: str | None = None
    yes: bool = False
    boundary: Accepted = "auto"
    extend: str | None = None
    weights: Path | None = None
    strategy: str | None = None
    compress: bool = False
    precision: str | None = None
    loss: str | None = None


def design(root: Path, wanted: Wanted, *, as_json: bool) -> int:
    """Creates the run and works on it; the exit code says what it came to."""
    brief, options = brief_of(wanted), options_of(wanted, root)
    store = Store(root)
    if wanted.extend:
        options = options.model_copy(update={"extend": extension(wanted.extend, wanted.weights, store, brief)})
    elif wanted.weights:
        raise UsageError("--weights are those of a network to extend: name it by --extend path.py:Class")
    return _work(store, runs.create(store, brief, options), None, as_json=as_json)


def resume(
    root: Path, run: str, answer: dict[str, Any] | None, *, as_json: bool, boundary: Accepted | None = None
) -> int:
    """Goes on with a run; `boundary` counts instead of the one that it remembers."""
    store = Store(root)
    record = store.run(run)
    if boundary is not None:
        runs.accept_boundary(store, record.id, boundary)
    if answer is not None and record.status != "waiting":
        raise UsageError(f"run {record.id} waits for nothing (it is {record.status}): `neuromosaic show {record.id}`")
    return _work(store, record.id, answer, as_json=as_json)


def approve(root: Path, run: str, *, edit: bool, as_json: bool) -> int:
    """Approves the brief as the run understood it, or as mended in the person's editor."""
    store = Store(root)
    record = store.run(run)
    asked = runs.question(store, record.id)
    answer: dict[str, Any] = {"approve": True}
    if edit and asked is not None:
        answer["brief"] = _edited(asked["brief"]).model_dump(mode="json")
    return resume(root, record.id, answer, as_json=as_json)


def dry_run(root: Path, wanted: Wanted, *, as_json: bool) -> None:
    """Says what a run would do; trains nothing and asks no model."""
    from neuromosaic.interfaces.forecast import forecast, print_forecast

    said = forecast(brief_of(wanted), options_of(wanted, root))
    print(json.dumps(said, indent=2)) if as_json else print_forecast(said)


def brief_of(wanted: Wanted) -> Brief:
    """The brief of a sentence or file, and of the options, which come first where both say something."""
    if not wanted.brief and not wanted.data:
        raise UsageError('say what is needed: neuromosaic design "classify ..." --data REF, or a brief.yaml')
    text = wanted.brief or ""
    brief = read_brief_file(Path(text)) if _is_file(text) else Brief(sentence=text)
    budget: dict[str, float | None] = {
        "trials": wanted.trials,
        "cost_usd": wanted.max_cost,
    }
    budget["seconds"] = None if wanted.minutes is None else 60 * wanted.minutes
    said = {
        "data": wanted.data, "target": wanted.target, "group": wanted.group, "time": wanted.time,
        "device": wanted.device, "seed": wanted.seed, "loss": wanted.loss,
    }  # fmt: skip
    document = brief.model_dump(mode="json", exclude_unset=True)
    document |= {name: value for name, value in said.items() if value is not None}
    chosen = {name: value for name, value in budget.items() if value is not None}
    if chosen:
        document["budget"] = document.get("budget", {}) | chosen
    if (most := settings().limits.cost_usd) is not None:
        document["budget"] = {"cost_usd": most} | document.get("budget", {})
    return parse_brief(document, "the command line" if not _is_file(text) else text)


def _is_file(text: str) -> bool:
    return text.endswith((".yaml", ".yml", ".json")) and len(text.split()) == 1


def options_of(wanted: Wanted, root: Path) -> Options:
    """The command line comes before the environment, and that before `neuromosaic.toml`."""
    said = settings()
    names = names_given(wanted.model)
    seats = [(seat, name.partition("=")[2]) for name in names if (seat := _seat_of(name))]
    agents = root / "agents"
    check_seats((*said.models.roles, *said.models.purposes), str(FILE), agents)
    check_seats([seat for seat, _ in seats], "--model", agents)
    given = {seat: tuple(model for other, model in seats if other == seat) for seat, _ in seats}
    return Options(
        models=tuple(name for name in names if not _seat_of(name)) or said.models.default or ("offline",),
        role_models={**said.models.roles, **said.models.purposes, **given},
        api_base=wanted.api_base or said.models.api_base, approved=wanted.yes,
        folder=str(wanted.out) if wanted.out else None, agents=str(agents), boundary=wanted.boundary,
        repository=_repository(wanted.pr) if wanted.pr else None,
        calls=said.limits.calls, tokens=said.limits.tokens, model_seconds=said.limits.seconds,
        at_once=said.limits.at_once, strategy=_known(wanted.strategy or said.search.strategy),
        compress=wanted.compress, precision=_precision(wanted.precision),
    )  # fmt: skip


def _repository(named: str) -> str:
    """An address as it is; a folder so that the run finds it again from anywhere."""
    from neuromosaic.delivery.pull_requests.cloning import is_address

    return named if is_address(named) else str(Path(named).resolve())


def _known(strategy: str) -> str:
    """Raises SearchError for a strategy that there is not."""
    make_strategy(strategy, 0, Objectives())
    return strategy


def _precision(named: str | None) -> WantedPrecision | None:
    """Raises UsageError for one that there is not."""
    for known in get_args(WantedPrecision):
        if named == known:
            return known  # type: ignore[no-any-return]
    if named is None:
        return None
    raise UsageError(f"--precision: there is no {named!r}; use {', '.join(get_args(WantedPrecision))}")


def _seat_of(name: str) -> str | None:
    seat, separator, _ = name.partition("=")
    return seat if separator else None


def _work(store: Store, run: str, answer: dict[str, Any] | None, *, as_json: bool) -> int:
    from neuromosaic.interfaces.progress import watching

    with watching(store, run) as observe:
        bench = Workbench(store, run, observe)
        try:
            with _stoppable(bench):
                results = runs.carry_on(bench, answer)
        except WaitingForApproval as waiting:
            return _ask_or_wait(store, run, waiting, as_json=as_json)
        finally:
            bench.close()
    _report(results, as_json=as_json)
    return _pull_request(store, run, as_json=as_json) or EXIT[results.status]


def _ask_or_wait(store: Store, run: str, waiting: WaitingForApproval, *, as_json: bool) -> int:
    """At a terminal the person is asked at once; else the run waits."""
    from neuromosaic.interfaces.inspect import print_question

    asked = runs.question(store, run)
    if as_json or asked is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise waiting
    print_question(asked)
    print("Approve? [Y]es, [e]dit, [n]ot now, or type what is missing: ", end="", file=sys.stderr, flush=True)
    said = sys.stdin.readline().strip()
    if said.lower() in {"n", "no", "not now"}:
        raise waiting
    if said.lower() in {"e", "edit"}:
        return approve(store.root, run, edit=True, as_json=as_json)
    reply = {"approve": True} if said.lower() in {"", "y", "yes"} else {"answer": said}
    return _work(store, run, reply, as_json=as_json)


def _pull_request(store: Store, run: str, *, as_json: bool) -> int:
    """Says what came of the pull request, if one was wanted: 1 where it was refused."""
    outcome = store.step(run, STEP) or {}
    if "refused" in outcome:
        retry = f"`neuromosaic pr {run} --repo PATH` tries again"
        print(f"neuromosaic: no pull request: {outcome['refused']}; {retry}", file=sys.stderr)
        return 1
    if outcome and not as_json:
        from neuromosaic.delivery.pull_requests.publishing import Published
        from neuromosaic.interfaces.pr import report

        report(Published(**outcome), as_json=False)
    return 0


def _report(results: Results, *, as_json: bool) -> None:
    if as_json:
        print(results.model_dump_json(indent=2))
        return
    from neuromosaic.interfaces.inspect import print_results

    print_results(results)


@contextmanager
def _stoppable(bench: Workbench) -> Iterator[None]:
    """Ctrl-C once ends the run with the best so far; twice breaks off, to be resumed."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if bench.stopping:
            raise Interrupted(f"broken off; `neuromosaic resume {bench.run}` goes on from here")
        bench.stop()
        bench.watch("stop.requested")

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _edited(brief: dict[str, Any]) -> Brief:
    """The brief as a person leaves it in $VISUAL or $EDITOR."""
    import shlex

    import yaml

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "brief.yaml"
        path.write_text(yaml.safe_dump(brief, sort_keys=False, allow_unicode=True), encoding="utf-8")
        try:
            code = subprocess.call([*shlex.split(editor), str(path)])
        except OSError as error:
            raise UsageError(f"cannot start the editor {editor!r} ({error.strerror}): set EDITOR") from None
        if code:
            raise BriefError(f"the editor {editor!r} ended with code {code}: nothing was approved")
        return read_brief_file(path)
