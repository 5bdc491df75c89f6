"""Where it is wanted: the best finalist narrower, and the smallest one taught by it, as candidates like any other."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from neuromosaic.core.errors import NeuromosaicError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.packing import unpack, unpack_tensors
from neuromosaic.core.search.families import Choice
from neuromosaic.core.search.pareto import pareto_front
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate, admit, canonical, family_of, model_source
from neuromosaic.workflows.compression import Compression
from neuromosaic.workflows.field import SEARCH
from neuromosaic.workflows.finalists import TRAINED_SHARE, Finalist, best_of, trained_finalists
from neuromosaic.workflows.state import DesignState
from neuromosaic.workflows.trials import fitness, stored

SHARES = (0.7, 0.5, 0.35)
"""Of the best finalist's widths."""


def compress(bench: Workbench, state: DesignState) -> DesignState:
    """Makes smaller networks from the finalists; those that no finalist beats in metric and size are certified."""
    if bench.options.compress and not bench.stopping:
        bench.once("compressed", lambda: _smaller(bench))
    return {}


def _smaller(bench: Workbench) -> list[Any]:
    known = trained_finalists(bench)
    best = best_of(bench, SEARCH, known)
    if best is None or best.candidate.lane != "graph":
        bench.tell(
            "note", text="Nothing was compressed: the best finalist has no graph, so that nothing can be pruned."
        )
        return []
    made = _made(bench, best, [one for one in known if one.contestant == SEARCH])
    rivals = [*known, *made]
    front = pareto_front(rivals, lambda one: (-fitness(bench, one.record), one.candidate.parameters))
    kept = [one for one in made if any(one is other for other in front)]
    return [[SEARCH, one.candidate.model_dump(mode="json"), one.record] for one in kept]


def _made(bench: Workbench, best: Finalist, own: list[Finalist]) -> list[Finalist]:
    weights = unpack_tensors(bench.store.get(best.record["weights"]))
    source = model_source(bench, best.candidate)
    try:
        compression = Compression(source, weights, bench.dataset, bench.sandbox, bench.judge)
        found = [_pruned(bench, compression, best, share) for share in SHARES] if compression.widths else []
    except NeuromosaicError as error:
        bench.tell("note", text=f"{best.candidate.name} was not compressed: {error}")
        return []
    smallest = min(own, key=lambda one: (one.candidate.parameters, one.candidate.id))
    if smallest.candidate.parameters < best.candidate.parameters and smallest.candidate.lane == "graph":
        found.append(_taught(bench, compression, best, smallest))
    return [one for one in found if one is not None]


def _pruned(bench: Workbench, compression: Compression, best: Finalist, share: float) -> Finalist | None:
    """None where it breaks the contract or misses a limit, or there is no time left."""
    candidate, family = best.candidate, family_of(bench, best.candidate.family)
    values = {**candidate.values, **compression.values(share)}
    narrower = admit(bench, {family.id: family}, Choice(family.id, values))
    if narrower is None or narrower.graph is None or narrower.parameters >= candidate.parameters:
        return None
    graph = compression.pruned(unpack(bench.store.get(narrower.graph)))
    return _trained(bench, compression, best, narrower, graph, f"pruned from {candidate.name} and taught by it")


def _taught(bench: Workbench, compression: Compression, best: Finalist, smallest: Finalist) -> Finalist | None:
    """The smallest finalist from its own first weights, by what the best one says; None where that is no gain."""
    assert smallest.candidate.graph is not None
    graph = unpack(bench.store.get(smallest.candidate.graph))
    found = _trained(bench, compression, best, smallest.candidate, graph, f"taught by {best.candidate.name}")
    return found if found and fitness(bench, found.record) > fitness(bench, smallest.record) else None


def _trained(
    bench: Workbench, compression: Compression, best: Finalist, candidate: Candidate, graph: Graph, origin: str
) -> Finalist | None:
    left = bench.seconds_left(TRAINED_SHARE)
    if left is not None and left < best.record["seconds"]:
        bench.tell("note", text=f"No time was left for {candidate.name}, {origin}.")
        return None
    key = canonical([best.record["key"], candidate.id, origin])
    record = bench.store.trial(key)
    if record is None:
        outcome = compression.taught(graph, bench.recipe, bench.plan, bench.brief.seed)
        record = stored(bench, key, outcome) | {"origin": origin}
        bench.store.keep_trial(key, record)
    bench.once(f"compressed/{key}", partial(_tell, bench, candidate, record))
    return Finalist(SEARCH, candidate, record) if record["weights"] and record["metrics"] else None


def _tell(bench: Workbench, candidate: Candidate, record: Mapping[str, Any]) -> bool:
    primary = bench.plan.primary
    bench.tell(
        "compressed", name=candidate.name, candidate=candidate.id, origin=record["origin"], cause=record["cause"],
        parameters=candidate.parameters, metric=primary, value=record["metrics"].get(primary),
        seconds=round(record["seconds"], 2),
    )  # fmt: skip
    return True
