"""Small edits of a graph's document, from which the mutants are made. Every edit works on a copy."""

import copy
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from neuromosaic.core.graph.arguments import Reference, node, operands, reference, references, replaced
from neuromosaic.core.graph.document import Graph

MODES = ("train", "eval")
Shape = list[int | None]


@dataclass(frozen=True)
class Site:
    """The same node in both traces: its place in each, its operation ("relu", "conv2d") and its layer."""

    operation: str
    layer: str
    places: dict[str, int]

    def __str__(self) -> str:
        return f"{self.operation} in {self.layer}" if self.layer else self.operation


def sites(graph: Graph, operations: Collection[str], draw: random.Random) -> list[Site]:
    """Where the operations (in place or not) work towards the output of both traces, in random order."""
    train, evaluate = ({key: place for place, key in _keys(graph.document[mode])} for mode in MODES)
    found = [
        Site(key[0], key[1], {"train": train[key], "eval": evaluate[key]})
        for key in train
        if key in evaluate and key[0] in operations
    ]
    draw.shuffle(found)
    return found


def entry_at(graph: Graph, site: Site) -> dict[str, Any]:
    """The node of the eval trace."""
    entry: dict[str, Any] = graph.document["eval"]["nodes"][site.places["eval"]]
    return entry


def edited(graph: Graph, edit: Callable[[dict[str, Any], str], None], modes: Collection[str] = MODES) -> Graph:
    """`edit(trace, mode)` done to a copy."""
    document = copy.deepcopy(graph.document)
    for mode in modes:
        edit(document[mode], mode)
    return replace(graph, document=document)


def without(graph: Graph, site: Site) -> Graph:
    """The node's readers read its first argument instead."""

    def drop(trace: dict[str, Any], mode: str) -> None:
        place = site.places[mode]
        entry = trace["nodes"].pop(place)
        _redirect(trace, place, ("node", entry["name"]), entry["args"][0])

    return edited(graph, drop)


def followed(graph: Graph, site: Site, operation: str) -> Graph:
    """The node's readers read `operation(node)` instead."""

    def insert(trace: dict[str, Any], mode: str) -> None:
        place = site.places[mode]
        name = trace["nodes"][place]["name"]
        fresh = _fresh(trace)
        _redirect(trace, place + 1, ("node", name), node(fresh))
        trace["nodes"].insert(place + 1, _node(fresh, operation, [node(name)], {}))

    return edited(graph, insert)


def changed(graph: Graph, site: Site, change: Callable[[dict[str, Any]], None]) -> Graph:
    """`change(entry)` done to the node in both traces."""
    return edited(graph, lambda trace, mode: change(trace["nodes"][site.places[mode]]))


def append(trace: dict[str, Any], operation: str, *args: Any, **kwargs: Any) -> dict[str, str]:
    """Adds a node at the end of a trace; returns the reference to it."""
    fresh = _fresh(trace)
    trace["nodes"].append(_node(fresh, operation, list(args), kwargs))
    return node(fresh)


def with_output(graph: Graph, build: Callable[[dict[str, Any], Any], Any], modes: Collection[str] = MODES) -> Graph:
    """The first output tensor becomes `build(trace, it)`."""

    def change(trace: dict[str, Any], mode: str) -> None:
        first = next(references(trace["output"]))
        new = build(trace, {first[0]: first[1]})
        trace["output"] = replaced(trace["output"], lambda found: new if found == first else {found[0]: found[1]})

    return edited(graph, change, modes)


def live_references(trace: dict[str, Any]) -> set[Reference]:
    """All nodes, tensors and inputs that the output is made of."""
    live = set(references(trace["output"]))
    for entry in reversed(trace["nodes"]):
        if ("node", entry["name"]) in live:
            live.update(operands(entry))
    return live


def output_shape(graph: Graph) -> Shape | None:
    """The shape of the first output tensor as the document says, None for a free axis; None if it says nothing."""
    trace = graph.document["eval"]
    first = next(references(trace["output"]), None)
    return None if first is None else shape_of(graph, "eval", first)


def shape_of(graph: Graph, mode: str, found: Reference) -> Shape | None:
    kind, target = found
    if kind == "tensor":
        return list(graph.tensors[str(target)].shape) if target in graph.tensors else None
    if kind == "input":
        shape: Shape | None = graph.document["inputs"][target].get("shape")
        return shape
    return next((entry.get("shape") for entry in graph.document[mode]["nodes"] if entry["name"] == target), None)


def keeps_shape(graph: Graph, site: Site) -> bool:
    """Whether the node's first argument is an activation of the node's own shape."""
    for mode in MODES:
        entry = graph.document[mode]["nodes"][site.places[mode]]
        source = reference(entry["args"][0]) if entry["args"] else None
        if source is None or source[0] == "tensor" or not entry.get("shape"):
            return False
        if shape_of(graph, mode, source) != entry["shape"]:
            return False
    return True


def _keys(trace: dict[str, Any]) -> Iterator[tuple[int, tuple[str, str, int]]]:
    """Place and (operation, layer, how often before) of each node."""
    counts: dict[tuple[str, str], int] = {}
    live = live_references(trace)
    for place, entry in enumerate(trace["nodes"]):
        if ("node", entry["name"]) in live:
            pair = (entry["op"].split(".")[1].rstrip("_"), entry.get("layer", ""))
            counts[pair] = counts.get(pair, -1) + 1
            yield place, (*pair, counts[pair])


def _redirect(trace: dict[str, Any], place: int, old: Reference, new: Any) -> None:
    """From `place` on, readers of `old` read the encoded value `new`."""

    def choose(found: Reference) -> Any:
        return new if found == old else {found[0]: found[1]}

    for entry in trace["nodes"][place:]:
        entry["args"], entry["kwargs"] = replaced(entry["args"], choose), replaced(entry["kwargs"], choose)
    trace["output"] = replaced(trace["output"], choose)


def _fresh(trace: dict[str, Any]) -> str:
    names = {entry["name"] for entry in trace["nodes"]}
    return next(name for name in (f"edit_{number}" for number in range(len(names) + 1)) if name not in names)


def _node(name: str, operation: str, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "op": operation, "args": args, "kwargs": kwargs}
