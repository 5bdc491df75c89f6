"""A changed run is a new one: it takes over what was decided before the change, and shares every stored training."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from neuromosaic.core.brief import Brief, Budget
from neuromosaic.core.errors import NotFoundError, UsageError
from neuromosaic.core.proposals import Envelope, RoleName
from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.source import with_defaults
from neuromosaic.delivery.text import entries
from neuromosaic.prompts.roles import load_roles
from neuromosaic.workflows.candidates import Candidate, Family
from neuromosaic.workflows.options import Options

DECIDED: tuple[tuple[RoleName | None, tuple[str, ...]], ...] = (
    (None, ("hardware",)),
    ("Compute", ("envelope",)),
    ("Metrics", ("metrics",)),
    ("TestArchitect", ("suite",)),
    ("NetworkArchitect", ("proposal", "history", "mended loss")),
    ("Trainer", ("recipes",)),
)
"""What each role has decided, in the workflow's order. What was measured from it is measured again: that is cheap,
since trainings are in the store by their key, and the new run's evidence is then its own."""

AMPLE = 4
"""Times as many trials as a time budget is likely to hold, so that time is what ends the search."""


class Fork(NamedTuple):
    """How the new run differs. `kept`: steps of the old one that stand; `steps`: those given anew."""

    change: str
    brief: Brief
    options: Options
    kept: tuple[str, ...] = ()
    steps: Mapping[str, Any] = {}


def fork(store: Store, run: str, wanted: Fork) -> str:
    """A new run, not yet begun; its id. The old one stays as it is."""
    brief = wanted.brief.model_dump(mode="json")
    options = wanted.options.model_copy(update={"folder": None, "approved": True})
    new = store.create_run(brief, options.model_dump(mode="json"))
    store.set_status(new, "draft")
    store.add_event(new, "run.created", sentence=wanted.brief.sentence)
    store.add_event(new, "run.forked", of=run, change=wanted.change)
    store.once(new, "understood", lambda: brief)
    for step, value in wanted.steps.items():
        store.once(new, step, lambda: value)  # noqa: B023 - called at once
    store.copy_steps(run, new, wanted.kept)
    return new


def parent(store: Store, run: str) -> str | None:
    """The run that this one was forked from."""
    forked = [event.data["of"] for event in store.events(run) if event.kind == "run.forked"]
    return forked[0] if forked else None


def with_brief(store: Store, run: str, brief: Brief, change: str) -> Fork:
    """Other limits, data or objectives: all but the machine's measurement is decided anew."""
    return Fork(change, brief, options_of(store, run), kept=_decided_before("Compute"))


def with_model(store: Store, run: str, role: RoleName | None, models: tuple[str, ...], change: str) -> Fork:
    """Other clients for one role, or (None) for all that have none of their own."""
    options = options_of(store, run)
    role = "ModelArchitect" if role == "NetworkArchitect" and options.extend else role  # who sits there instead
    seated = {"models": models} if role is None else {"role_models": {**options.role_models, role: models}}
    first = _first_touched(role, options)
    return Fork(change, brief_of(store, run), options.model_copy(update=seated), _decided_before(first))


def _first_touched(role: RoleName | None, options: Options) -> RoleName:
    """Who decides anew: the role itself, or the first of the seats that an adviser advises."""
    seats: list[RoleName] = [seat for seat, _ in DECIDED if seat]
    if role is None:
        return seats[0]
    advised = load_roles(Path(options.agents) if options.agents else None)[role].advises
    return next((seat for seat in seats if seat in advised), "NetworkArchitect") if advised else role


def with_more(store: Store, run: str, seconds: float | None, trials: int | None, change: str) -> Fork:
    """Goes on with the same families and recipe for `seconds` of working time, or for `trials` more."""
    planned = store.step(run, "envelope")
    spent = _seconds_of_trials(store, run)
    likely = math.ceil(AMPLE * (seconds or 0.0) * len(spent) / max(sum(spent), 1e-3))
    total = len(spent) + (trials or max(likely, 1))
    budget = Budget(trials=trials and total, seconds=seconds, cost_usd=brief_of(store, run).budget.cost_usd)
    brief = brief_of(store, run).model_copy(update={"budget": budget})
    if planned is None:
        return Fork(change, brief, options_of(store, run), _decided_before("Compute"))
    plan = Envelope.model_validate(planned)
    longer = plan.model_copy(update={"trials": total, "rounds": plan.rounds + 1})
    kept = tuple(step for _, steps in DECIDED for step in steps)
    return Fork(change, brief, options_of(store, run), kept, {"envelope": longer.model_dump(mode="json")})


def _seconds_of_trials(store: Store, run: str) -> list[float]:
    """Of the search's own trials, the finalists' full trainings left out."""
    told = (event.data for event in store.events(run) if event.kind == "trial.finished")
    return [trial["seconds"] for trial in told if trial["contestant"] == "search" and not trial["final"]]


def from_candidate(store: Store, run: str, which: str, change: str) -> Fork:
    """Starts at one candidate: its family alone, with its values as the defaults; others may join in later rounds."""
    found = Candidate.model_validate(store.step(run, f"candidate/{certified(store, run, which).id}"))
    family = Family.model_validate(store.step(run, f"family/{found.family}"))
    source = with_defaults(family.proposal.source, found.values)
    proposal = family.proposal.model_copy(update={"source": source})
    plan = Envelope.model_validate(store.step(run, "envelope")).model_copy(update={"families": 1})
    steps = {
        "envelope": plan.model_dump(mode="json"),
        "proposal/r0s0/0": {"proposal": proposal.model_dump(mode="json"), "designed_by": family.designed_by},
    }
    return Fork(change, brief_of(store, run), options_of(store, run), _decided_before("NetworkArchitect"), steps)


def certified(store: Store, run: str, which: str) -> CandidateResult:
    """By its place in the table of results, counted from 1, or by the beginning of its name or id."""
    candidates = [entry.candidate for entry in entries(results_of(store, run))]
    if which.isdigit() and 1 <= int(which) <= len(candidates):
        return candidates[int(which) - 1]
    fitting = [c for c in candidates if c.name.startswith(which.lower()) or c.id.startswith(which.lower())]
    if len(fitting) == 1 and which:
        return fitting[0]
    known = ", ".join(f"{place} {candidate.name}" for place, candidate in enumerate(candidates, 1))
    raise NotFoundError(f"{which!r} is no candidate of run {run}: there are {known}")


def results_of(store: Store, run: str) -> Results:
    """Raises UsageError where the run has none yet."""
    step = store.step(run, "results")
    if step is None:
        raise UsageError(f"run {run} has no certified network yet: let it end first")
    return Results.model_validate(step)


def brief_of(store: Store, run: str) -> Brief:
    return Brief.model_validate(store.run(run).brief)


def options_of(store: Store, run: str) -> Options:
    return Options.model_validate(store.run(run).options)


def scaled(value: float, factor: float) -> int:
    """Rounded down: "half as big" is no more than half."""
    return math.floor(value * factor)


def _decided_before(role: RoleName) -> tuple[str, ...]:
    seats = [seat for seat, _ in DECIDED]
    role = "NetworkArchitect" if role == "ModelArchitect" else role
    return tuple(step for _, steps in DECIDED[: seats.index(role)] for step in steps)
