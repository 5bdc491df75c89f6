"""Answers about a run, each from what the store holds: with the figure, and where it can be looked up."""

import ast
import difflib
from pathlib import Path
from typing import Any

from neuromosaic.core.brief import Brief
from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.core.store.store import Event, Store
from neuromosaic.core.syntax import parse
from neuromosaic.delivery.narration import duration, number
from neuromosaic.delivery.text import (
    chosen,
    entries,
    judged,
    limit_in_words,
    meets,
    metric_with_interval,
    verdict_lines,
)
from neuromosaic.workflows import runs
from neuromosaic.workflows.bench import mutants_of, suite_of, working_time
from neuromosaic.workflows.forking import brief_of, options_of, parent

SHOWN = 20
"""Lines of a difference, or names of tests, at most."""


def results_of(store: Store, run: str) -> Results | None:
    step = store.step(run, "results")
    return Results.model_validate(step) if step else None


def best(store: Store, run: str) -> str:
    results = results_of(store, run)
    if results is None:
        return _best_so_far(store, run)
    found = chosen(results)
    assert found is not None  # no results are stored where nothing was certified
    what = "winner" if results.winner else "nearest (nothing meets the whole brief)"
    evidence = found.evidence.get(f"metrics.test_{results.metric}")
    return "\n".join(
        [
            f"The {what} is {found.name}, designed by {found.designed_by}: test {results.metric} "
            f"{metric_with_interval(found, results.metric)}, {number(found.parameters)} parameters, "
            f"{number(found.latency_ms.p50)} ms"
            + (f" (evidence {evidence})." if evidence else "."),
            *verdict_lines(results),
        ]
    )  # fmt: skip


def _best_so_far(store: Store, run: str) -> str:
    trial = _best_trial(_trials(store, run))
    if trial is None:
        return "Nothing has been trained yet."
    return (
        f"The best so far is {trial['name']}: {trial['metric']} {number(trial['value'])} on the validation split "
        f"after a training at {trial['fidelity']:.0%}, {number(trial['parameters'])} parameters "
        f"(trial {trial['trial']}). Nothing is certified yet."
    )  # fmt: skip


def status(store: Store, run: str) -> str:
    record = store.run(run)
    said = runs.status_of(store, record)
    events = store.events(run)
    trials = _trials(store, run)
    plan = store.step(run, "envelope")
    lines = [f"Run {run}: {said}" + (f", forked from {parent(store, run)}" if parent(store, run) else "") + "."]
    if plan:
        lines.append(f"Trials of the search: {len(trials)} of {plan['trials']}.")
    if trials and results_of(store, run) is None:
        lines.append(_best_so_far(store, run))
    failed = [event.data["reason"] for event in events if event.kind in {"run.failed", "run.interrupted"}]
    if said in {"failed", "interrupted"} and failed:
        lines.append(failed[-1])
    return "\n".join(lines)


def pareto(store: Store, run: str) -> str:
    results = results_of(store, run)
    if results is None:
        return f"Nothing is certified yet. {_best_so_far(store, run)}"
    return "\n".join(
        f"{place}. {entry.candidate.name} ({entry.part}): {results.metric} "
        f"{metric_with_interval(entry.candidate, results.metric)}, {number(entry.candidate.parameters)} parameters, "
        f"{number(entry.candidate.latency_ms.p50)} ms; meets the brief: {meets(results, entry.candidate)}"
        for place, entry in enumerate(entries(results), 1)
    )


def tests(store: Store, run: str) -> str:
    source, faced = suite_of(store, run), mutants_of(store, run)
    if source is None:
        return "There are no tests yet: TestArchitect writes them once the brief is approved."
    names = [
        node.name
        for node in ast.walk(parse(source))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
    ]
    lines = [
        f"{len(names)} tests: {', '.join(names[:SHOWN])}" + (", ..." if len(names) > SHOWN else "") + ".",
        "Red: they fail on hollow stubs of the right shape.",
    ]
    counted = [event.data for event in store.events(run) if event.kind == "suite.mutants"]
    if counted:
        found = counted[-1]
        lines.append(
            f"Of the broken variants of {found['family']} they caught {found['killed']} and missed "
            f"{found['survived']}; {found['equivalent']} behave the same (evidence {faced['evidence']})."
        )
    return "\n".join(lines)


def budget(store: Store, run: str) -> str:
    brief, events = brief_of(store, run), store.events(run)
    spent = working_time(events)
    calls = [event.data for event in events if event.kind == "model.called"]
    cost = sum(call["cost_usd"] or 0.0 for call in calls)
    limit, money = brief.budget.seconds, brief.budget.cost_usd
    lines = [
        f"Time: {duration(spent)} spent" + (f" of {duration(limit)}." if limit else ", no limit."),
        f"Trials of the search: {len(_trials(store, run))}"
        + (f" of {brief.budget.trials}." if brief.budget.trials else "."),
        f"Models: {len(calls)} calls, ${cost:.4f}" + (f" of ${money:g}." if money is not None else "."),
    ]
    unknown = {call["model"] for call in calls if call["cost_usd"] is None}
    return "\n".join(lines + ([f"The price of {', '.join(sorted(unknown))} is not known."] if unknown else []))


def models(store: Store, run: str) -> str:
    options = options_of(store, run)
    lines = [f"All roles: {', then '.join(options.models)}."]
    lines += [f"{role}: {', then '.join(names)}." for role, names in sorted(options.role_models.items())]
    return "\n".join(lines)


def brief(store: Store, run: str) -> str:
    import yaml

    stated = Brief.model_validate(store.run(run).brief).model_dump(mode="json", exclude_defaults=True)
    return "The brief as understood:\n\n" + yaml.safe_dump(stated, sort_keys=False, allow_unicode=True).rstrip()


def diff(store: Store, run: str) -> str:
    """What the run changed against the one that it was forked from: brief, figures and source."""
    before = parent(store, run)
    if before is None:
        return f"Run {run} is the first of this conversation: there is nothing to compare it with."
    lines = _difference(brief(store, before), brief(store, run))[2:]
    old, new = results_of(store, before), results_of(store, run)
    if old and new:
        lines += [f"before: {_figures(old)}", f"now:    {_figures(new)}"]
        lines += _difference(_model(store, before), _model(store, run))
    return "\n".join([f"Against {before}:", *lines[:60]]) if lines else f"Nothing is different from {before}."


def _difference(old: str, new: str) -> list[str]:
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), "before", "now", n=1, lineterm=""))


def _figures(results: Results) -> str:
    found = chosen(results)
    assert found is not None
    metric = metric_with_interval(found, results.metric)
    return f"{found.name}, {results.metric} {metric}, {number(found.parameters)} parameters"


def _model(store: Store, run: str) -> str:
    delivered = store.step(run, "delivered")
    path = Path(delivered["folder"]) / "model.py" if delivered else None
    return path.read_text(encoding="utf-8") if path and path.is_file() else ""


# ---------------------------------------------------------------- why


def why(store: Store, run: str, about: str) -> str:
    """What became of the family or candidate that the words name, with the findings that decided it."""
    families = _families(store, run)
    wanted = about.lower()
    if (found := _candidate_named(store, run, wanted)) is not None:
        return found
    exactly = {seat: name for seat, name in families.items() if name.lower() == wanted}
    fitting = exactly or {seat: name for seat, name in families.items() if _named(wanted, seat, name)}
    if not fitting:
        known = ", ".join(f"{name} ({seat})" for seat, name in families.items()) or "nothing yet"
        return f"Nothing named {about!r} was proposed in run {run}. Proposed were: {known}."
    return "\n".join(_fate(store, run, seat, name) for seat, name in fitting.items())


def _families(store: Store, run: str) -> dict[str, str]:
    """The name of each seat's latest proposal."""
    return {e.data["family"]: e.data["name"] for e in store.events(run) if e.kind == "family.proposed"}


def _named(wanted: str, seat: str, name: str) -> bool:
    """Every word asked for occurs in the name, or it is the seat."""
    words = [word for word in wanted.replace("-", " ").split() if word not in {"family", "network", "one"}]
    plain = name.lower().replace("-", " ")
    return wanted == seat or (bool(words) and all(word in plain for word in words))


def _fate(store: Store, run: str, seat: str, name: str) -> str:
    events = store.events(run)
    rejected = [
        event.data["reason"] for event in events if event.kind == "family.rejected" and event.data["family"] == seat
    ]
    failed = [
        e.data for e in events if e.kind == "gate.verdict" and e.data["family"] == seat and not e.data["passed"]
    ]
    if rejected:
        evidence = f" (evidence {', '.join(verdict['evidence'] for verdict in failed)})" if failed else ""
        return f"{name} ({seat}) was rejected after {len(failed)} failed gates: {rejected[-1]}{evidence}."
    own = [trial for trial in _trials(store, run) if trial["family"] == seat]
    mended = f" It was mended after {len(failed)} failed gates." if failed else ""
    if not own:
        return f"{name} ({seat}) has not been trained.{mended}"
    said = f"{name} ({seat}) came through the ladder.{mended} {_compared(own, _trials(store, run))}"
    return said + _won(store, run, seat)


def _won(store: Store, run: str, seat: str) -> str:
    """That the chosen network is of this family, whoever drew it: then nothing was dropped."""
    results = results_of(store, run)
    best_one = chosen(results) if results else None
    if best_one is None or (store.step(run, f"candidate/{best_one.id}") or {}).get("family") != seat:
        return ""
    by = ", drawn by the random-search baseline" if store.step(run, "found by baseline") else ""
    return f" It was not dropped: {best_one.name}, which was chosen, is of this family{by}."


def _compared(own: list[dict[str, Any]], everyone: list[dict[str, Any]]) -> str:
    mine, leader = _best_trial(own), _best_trial(everyone)
    if mine is None or leader is None:
        return "None of its trainings came to a usable network."
    reached = f"{mine['metric']} {number(mine['value'])} on validation"
    counted = f"best of {len(own)} trainings" if len(own) > 1 else "only training"
    said = f"Its {counted}, {mine['name']}, reached {reached}"
    if mine["candidate"] == leader["candidate"]:
        return f"{said}: the best of the search."
    return (
        f"{said}, against {number(leader['value'])} of {leader['name']} ({number(leader['parameters'])} parameters)."
    )


def _candidate_named(store: Store, run: str, wanted: str) -> str | None:
    results = results_of(store, run)
    refused = [
        e.data for e in store.events(run) if e.kind == "certificate.refused" and e.data["name"].startswith(wanted)
    ]
    if refused and wanted:
        return f"{refused[-1]['name']} was not certified: {refused[-1]['reason']}."
    if results is None:
        return None
    listed = [entry.candidate for entry in entries(results)]
    place = wanted.removeprefix("candidate ").strip()
    for number_, candidate in enumerate(listed, 1):
        if place == str(number_) or candidate.name == wanted or candidate.id == wanted:
            return _standing(results, candidate)
    return _standing(results, listed[0]) if wanted in {"winner", "it", "this", "this one", "that one"} else None


def _standing(results: Results, candidate: CandidateResult) -> str:
    """Chosen by validation; the brief's limits and the test split only accept or reject."""
    best_one = chosen(results)
    assert best_one is not None
    key = f"val_{results.metric}"
    missed = [limit_in_words(limit) for limit in judged(results, candidate) if not limit.met]
    figures = f"{candidate.name}: validation {results.metric} {number(candidate.metrics[key])}"
    limits = f" It misses: {'; '.join(missed)}." if missed else " It meets every limit of the brief."
    if candidate.id == best_one.id:
        return f"{figures}, the best of the certified networks by validation.{limits}"
    return f"{figures}, against {number(best_one.metrics[key])} of {best_one.name}, which was chosen.{limits}"


# ---------------------------------------------------------------- trials


def _trials(store: Store, run: str) -> list[dict[str, Any]]:
    """Those of the search: at its fidelity, not the finalists' nor the baseline's."""
    return [e.data for e in store.events(run) if _is_search(e)]


def _is_search(event: Event) -> bool:
    return event.kind == "trial.finished" and event.data["contestant"] == "search" and not event.data["final"]


def _best_trial(trials: list[dict[str, Any]]) -> dict[str, Any] | None:
    usable = [trial for trial in trials if trial["value"] is not None and trial["value"] == trial["value"]]
    if not usable:
        return None
    sign = -1 if higher_is_better(usable[0]["metric"]) else 1
    return min(usable, key=lambda trial: (sign * trial["value"], trial["candidate"]))
