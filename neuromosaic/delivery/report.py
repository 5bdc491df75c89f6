"""`report.html`: everything on one page that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from neuromosaic.core.evaluation.metrics import available
from neuromosaic.delivery import view
from neuromosaic.delivery.card import shared
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.figures import Plot, plot
from neuromosaic.delivery.mistakes import mistakes
from neuromosaic.delivery.plots.architecture import architecture
from neuromosaic.delivery.plots.generation import terms_curve
from neuromosaic.delivery.plots.learning import loss_curve, metric_curves
from neuromosaic.delivery.plots.pareto import FLOPS, LATENCY, NARROW, PARAMETERS, WEIGHTS, WIDE, Cost, metric_against
from neuromosaic.delivery.plots.searching import agreement, best_so_far
from neuromosaic.delivery.standings import standings
from neuromosaic.delivery.templates import template
from neuromosaic.delivery.text import Entry, answer, entries, primary, words

FINALISTS = 6
"""Learning curves shown."""
TRIALS = 60
"""Trials listed by name: the best where there are more."""


class Axis(NamedTuple):
    """The trade-off against one cost, drawn for wide and for narrow screens."""

    name: str
    wide: Plot
    narrow: Plot


def report(delivery: Delivery) -> str:
    """The page, at most some hundred kilobytes: plots are inline SVG, style is inline, scripts there are none."""
    return template("report.html.j2").render(
        **shared(delivery), answer=answer(delivery.results), tiles=view.tiles(delivery.results),
        standings=standings(delivery.results), axes=_axes(delivery), architecture=_architecture(delivery),
        learning=_learning(delivery), worth=_worth(delivery), mistakes=mistakes(delivery),
        gates=view.gate_names(delivery), grid=view.gate_grid(delivery), findings=view.gate_findings(delivery),
        mutants=view.mutants(delivery), proofs=view.proofs(delivery), moments=view.moments(delivery),
        decisions=view.decisions(delivery), phases=view.phases(delivery), costs=view.costs(delivery),
        trials=view.best_trials(delivery, TRIALS), signals=view.signals(delivery.results), settings=view.settings,
        loss_pairs=view.loss_pairs(delivery.results),
    )  # fmt: skip


def _axes(delivery: Delivery) -> list[Axis]:
    bits = any(one.numbers != "float32" for one in delivery.results.pareto)
    costs = (PARAMETERS, WEIGHTS, FLOPS, LATENCY) if bits else (PARAMETERS, FLOPS, LATENCY)
    return [axis for cost in costs for axis in _axis(delivery, cost)]


def _axis(delivery: Delivery, cost: Cost) -> list[Axis]:
    results, trials = delivery.results, delivery.history.trials
    dots = " Small dots: trials of the search, by their validation data after a part of a training."
    caption = f"On {delivery.hardware.name}." if cost is LATENCY else dots if trials and cost is PARAMETERS else ""
    drawn = [
        found
        for name, size in (("wide", WIDE), ("narrow", NARROW))
        for found in plot(metric_against(results, cost, f"{name}-{cost.name}", trials, size), caption.strip())
    ]
    return [Axis(cost.name, *drawn)] if drawn else []


def _architecture(delivery: Delivery) -> list[Plot]:
    if delivery.graph is None:
        return []
    caption = (
        "From top to bottom. On the right of a box: the shape that it gives for one example, and its parameters; the "
        "bar: their share of all. Lines at the side bring a branch past the boxes between."
    )
    return plot(architecture(delivery.graph), caption)


def _learning(delivery: Delivery) -> list[Plot]:
    metric = primary(delivery.results)
    shown = _finalists(delivery)
    curves = {entry.candidate.name: delivery.curves[entry.candidate.id] for entry in shown}
    plots = plot(metric_curves(curves, "metric", metric), f"Validation {words(metric)} of the finalists.")
    for place, entry in enumerate(shown):
        curve = delivery.curves[entry.candidate.id]
        if metric not in available("generation"):  # whose own loss is of another kind than the validation's
            plots += plot(loss_curve(curve, f"loss{place}", metric), f"Loss of {_named(entry)}")
        declared = f"What {_named(entry)[:-1]} declares beside its output."
        plots += plot(terms_curve(curve, f"terms{place}"), declared)
    return plots


def _finalists(delivery: Delivery) -> Sequence[Entry]:
    """Each network once, in the part that it plays first."""
    known = [entry for entry in entries(delivery.results) if delivery.curves.get(entry.candidate.id)]
    return list({entry.candidate.id: entry for entry in reversed(known)}.values())[::-1][:FINALISTS]


def _named(entry: Entry) -> str:
    return f"{entry.candidate.name} ({entry.part}), designed by {entry.candidate.designed_by}."


def _worth(delivery: Delivery) -> list[Plot]:
    """The search beside random draws on the same number of trials, and short trainings beside full ones."""
    history, metric = delivery.history, primary(delivery.results)
    same, pairs = agreement(history.trials, history.full)
    short = f" The short trainings put {same} of {pairs} pairs of finalists in the order of the full ones."
    caption = (
        "Search and random draws, trial by trial on a part of a full training; dots: single trials, of which far "
        "worse ones fall outside."
    )
    return plot(best_so_far(history.trials, "worth", metric), caption + (short if pairs else ""))
