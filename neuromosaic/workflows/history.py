"""What a run has learnt so far, condensed to one trace per family."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.proposals import FamilyProposal
from neuromosaic.core.role_inputs import Finding, Repair, Trace
from neuromosaic.core.store.store import Event
from neuromosaic.workflows.bench import Workbench


def traces(bench: Workbench) -> list[Trace]:
    """One for each family proposed so far, by seat; the search's own trials only, never the baseline's."""
    events = bench.store.events(bench.run)
    seats = sorted({event.data["family"] for event in events if event.kind == "family.proposed"})
    finished = [event for event in events if event.kind == "trial.finished" and event.data["contestant"] == "search"]
    told = [_trace(bench, seat, [e for e in finished if e.data["family"] == seat]) for seat in seats]
    designers = Counter(trace.designed_by for trace in told)
    took = {name: _took(events, name, families) for name, families in designers.items()}
    return [trace.model_copy(update=took[trace.designed_by]) for trace in told]


def _took(events: list[Event], designer: str, families: int) -> dict[str, Any]:
    """What one of a designer's families took on average; the cost is not known where that of any call is not."""
    calls = [event.data for event in events if event.kind == "model.called" and event.data["model"] == designer]
    own = [call for call in calls if call["role"] in ("NetworkArchitect", "ModelArchitect")]
    tokens = sum(call["prompt_tokens"] + call["completion_tokens"] for call in own)
    costs = [call["cost_usd"] for call in own]
    cost = None if None in costs else sum(costs) / families
    return {"tokens": tokens // families, "cost_usd": cost}


def _trace(bench: Workbench, seat: str, finished: list[Event]) -> Trace:
    step, findings = _last_proposal(bench, seat)
    proposal = FamilyProposal.model_validate(step["proposal"])
    accepted = bench.store.step(bench.run, f"family/{seat}") is not None
    best = _best(bench.plan.primary, (event.data for event in finished))
    return Trace(
        family=proposal.name, designed_by=step["designed_by"], rationale=proposal.rationale,
        outcome="accepted" if accepted else "rejected", findings=() if accepted else tuple(findings),
        best=best["values"] if best else {},
        metrics={bench.plan.primary: best["value"], "parameters": best["parameters"]} if best else {},
        trials=len(finished), repairs=tuple(_repairs(bench, seat)), source=proposal.source,
    )  # fmt: skip


def _repairs(bench: Workbench, seat: str) -> Iterator[Repair]:
    """Problem, change and outcome of each attempt but the first."""
    attempt = 1
    while step := bench.store.step(bench.run, f"proposal/{seat}/{attempt}"):
        before, after = (_first_fault(bench, seat, number) for number in (attempt - 1, attempt))
        proposal = step.get("proposal")
        change = proposal["rationale"] if proposal else step["failed"]
        yield Repair(problem=before, change=change, outcome=after or ("accepted" if proposal else "no usable reply"))
        attempt += 1


def _first_fault(bench: Workbench, seat: str, attempt: int) -> str:
    climbed = bench.store.step(bench.run, f"climb/{seat}/{attempt}") or {"findings": []}
    return str(climbed["findings"][0]["message"]) if climbed["findings"] else ""


def _last_proposal(bench: Workbench, seat: str) -> tuple[dict[str, Any], list[Finding]]:
    attempt = 0
    while bench.store.step(bench.run, f"proposal/{seat}/{attempt + 1}"):
        attempt += 1
    climbed = bench.store.step(bench.run, f"climb/{seat}/{attempt}") or {"findings": []}
    step = bench.store.step(bench.run, f"proposal/{seat}/{attempt}")
    return step, [Finding.model_validate(finding) for finding in climbed["findings"]]


def _best(metric: str, trials: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The best by the metric; of equal ones the first by id, whatever order they finished in."""
    counted = [trial for trial in trials if trial["value"] is not None and trial["value"] == trial["value"]]
    sign = -1 if higher_is_better(metric) else 1
    return min(counted, key=lambda trial: (sign * trial["value"], trial["candidate"]), default=None)
