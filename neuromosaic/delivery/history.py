"""What a run's events say to a reader of the report: when, who decided what, which gate said what, which trials."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from neuromosaic.core.store.store import Event
from neuromosaic.delivery.effort import Phase, Usage, phases, usage
from neuromosaic.delivery.narration import in_precision, narrate, number

Data = Mapping[str, Any]


class Moment(NamedTuple):
    """One line of the timeline. `time` in seconds since the epoch; `detail`: belongs under the line above it."""

    time: float
    kind: str
    text: str
    detail: bool


class Decision(NamedTuple):
    """`by`: a role, or "core"; `client`: who sat in that seat ("offline", a model's name); `time` since the epoch."""

    by: str
    client: str
    what: str
    why: str = ""
    time: float | None = None


class GateVerdict(NamedTuple):
    """One gate's word on one family; `findings` in words, `evidence` an id."""

    family: str
    gate: str
    passed: bool
    milliseconds: float
    findings: tuple[str, ...] = ()
    evidence: str = ""


class Trial(NamedTuple):
    """One training of the search or of the baseline; `value` of the primary metric on the validation data."""

    name: str
    contestant: str
    parameters: int
    value: float
    fidelity: float


@dataclass(frozen=True)
class History:
    """`families`: proposed name by seat, which the verdicts name. `test_openings`: how often this run opened the test
    split. `full`: trainings of finalists. `calls`, `tokens`, `cost_usd` (None: unknown) of model clients, `usage` by
    client; `seconds` of work, `phases` of it.
    """

    timeline: Sequence[Moment] = ()
    decisions: Sequence[Decision] = ()
    gates: Sequence[GateVerdict] = ()
    trials: Sequence[Trial] = ()
    full: Sequence[Trial] = ()
    notes: Sequence[str] = ()
    families: Mapping[str, str] = field(default_factory=dict)
    test_openings: int = 1
    calls: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    seconds: float | None = None
    usage: Sequence[Usage] = ()
    phases: Sequence[Phase] = ()


def read_history(events: Iterable[Event], models: Mapping[str, str]) -> History:
    """Of one run's events in their order; `models` names the client of each role.

    What a resumed process told a second time counts once.
    """
    told = list(events)
    calls = [event.data for event in told if event.kind == "model.called" and not event.data["cached"]]
    costs = [call["cost_usd"] for call in calls if call["cost_usd"] is not None]
    return History(
        timeline=[moment for event in told for moment in _moments(event)],
        decisions=_once(decision for event in told for decision in _decisions(event, models)),
        gates=_unique(_verdict(event.data) for event in told if event.kind == "gate.verdict"),
        trials=_unique(_trial(event.data) for event in told if _is_usable(event) and not event.data["final"]),
        full=_unique(_trial(event.data) for event in told if _is_usable(event) and event.data["final"]),
        notes=_unique(event.data["text"] for event in told if event.kind == "note"),
        families={event.data["family"]: event.data["name"] for event in told if event.kind == "family.proposed"},
        test_openings=sum(event.kind == "test.opened" for event in told),
        calls=len(calls),
        tokens=sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls),
        cost_usd=sum(costs) if costs else None,
        seconds=_working_seconds(told),
        usage=usage(told),
        phases=phases(told),
    )


def _moments(event: Event) -> list[Moment]:
    line = narrate(event.kind, event.data)
    return [Moment(event.time, event.kind, line.strip(), line.startswith(" "))] if line else []


def _working_seconds(events: Sequence[Event]) -> float:
    """Between the first and the last event of each process that worked on the run."""
    starts = [place for place, event in enumerate(events) if event.kind == "process.started" or place == 0]
    return sum(events[end - 1].time - events[start].time for start, end in pairwise([*starts, len(events)]))


def _verdict(data: Data) -> GateVerdict:
    findings = tuple(finding["message"] for finding in data["findings"])
    return GateVerdict(
        data["family"], data["gate"], data["passed"], data["milliseconds"], findings, data.get("evidence") or ""
    )


def _is_usable(event: Event) -> bool:
    return event.kind == "trial.finished" and event.data["value"] is not None


def _trial(data: Data) -> Trial:
    return Trial(data["name"], data["contestant"], data["parameters"], data["value"], data["fidelity"])


def _unique(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _once(decisions: Iterable[Decision]) -> list[Decision]:
    """Each with the time when it was told first."""
    found: dict[Decision, Decision] = {}
    for decision in decisions:
        found.setdefault(decision._replace(time=None), decision)
    return list(found.values())


# ---------------------------------------------------------------- who decided what


def _decisions(event: Event, models: Mapping[str, str]) -> list[Decision]:
    teller = _DECIDED.get(event.kind)
    if teller is None:
        return []
    by, what, why = teller(event.data)
    return [Decision(by, event.data.get("designed_by") or models.get(by, ""), what, why, event.time)]


def _families(data: Data) -> tuple[str, str, str]:
    return "NetworkArchitect", f"proposed {data['name']} (seat {data['family']})", ""


def _envelope(data: Data) -> tuple[str, str, str]:
    what = (
        f"{data['families']} families, {data['trials']} trials in {data['rounds']} "
        f"{'round' if data['rounds'] == 1 else 'rounds'} at "
        f"{data['fidelity']:.0%} of a full training, {data['finalists']} finalists, {data['workers']} at once"
    )
    return "Compute", what, data.get("reason", "")


def _metrics(data: Data) -> tuple[str, str, str]:
    besides = f", reported besides: {', '.join(data['report'])}" if data.get("report") else ""
    return "Metrics", f"loss {data['loss']}, ranked by {data['primary']}{besides}", data.get("reason", "")


def _recipe(data: Data) -> tuple[str, str, str]:
    what = (
        f"{data['optimizer']}, learning rate {number(data['learning_rate'])}, batch {data['batch_size']}, "
        f"{number(data['epochs'])} epochs{in_precision(data)}"
    )
    return "Trainer", what, ""


def _mutants(data: Data) -> tuple[str, str, str]:
    what = (
        f"wrote the test suite, which caught {data['killed']} of {data['killed'] + data['survived']} broken variants"
    )
    return "TestArchitect", what, ""


_DECIDED: dict[str, Callable[[Data], tuple[str, str, str]]] = {
    "envelope": _envelope,
    "metrics": _metrics,
    "suite.mutants": _mutants,
    "family.proposed": _families,
    "family.rejected": lambda data: ("core", f"rejected the family of seat {data['family']}", data["reason"]),
    "family.accepted": lambda data: ("core", f"accepted the family of seat {data['family']}", "it passed every gate"),
    "precision": lambda data: ("core", f"chose {data['precision']} to train in", data["reason"]),
    "recipe": _recipe,
    "loss.proposed": lambda data: ("NetworkArchitect", f"proposed a loss (seat {data['family']})", data["text"]),
    "loss.tried": lambda data: ("core", f"trains with the {data['kept']} loss", data["text"]),
    "judgement": lambda data: ("Metrics", f"after round {data['round'] + 1}: {data['decision']}", data["reason"]),
    "certificate.refused": lambda data: ("core", f"refused to certify {data['name']}", data["reason"]),
}
