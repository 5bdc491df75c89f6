"""Specs in words and numbers: a table, what changed, how alike two are."""

import difflib
from collections.abc import Iterator

from neuromosaic.core.architecture.spec import ArchitectureSpec, Layer


def summary(spec: ArchitectureSpec) -> str:
    """A table of layers: type, output shape, parameters, FLOPs of one example.

    >>> print(summary(ArchitectureSpec.chain((8,), ("linear", {"features": 4}), ("relu", {}))))
    layer    type    output  parameters  FLOPs
    linear1  linear  4               36     64
    relu2    relu    4                0      0
    total                            36     64
    """
    cost = spec.infer()
    rows = [["layer", "type", "output", "parameters", "FLOPs"]]
    for layer in spec.layers:
        own = cost.layers[layer.name]
        shape = "x".join(map(str, own.output.shape))
        rows.append([layer.name, layer.type, shape, f"{own.parameters:,}", f"{own.flops:,}"])
    rows.append(["total", "", "", f"{cost.parameters:,}", f"{cost.flops:,}"])
    widths = [max(len(row[n]) for row in rows) for n in range(5)]
    return "\n".join(_row(row, widths) for row in rows)


def diff(one: ArchitectureSpec, other: ArchitectureSpec) -> list[str]:
    """What leads from `one` to `other`, a sentence each; layers are found again by name. Empty: nothing.

    >>> a = ArchitectureSpec.chain((8,), ("linear", {"features": 4}))
    >>> b = ArchitectureSpec.chain((8,), ("linear", {"features": 6}), ("relu", {}))
    >>> diff(a, b)[:3]
    ['linear1: features 4 became 6', 'relu2 (relu) was added', 'the outputs linear1 became relu2']
    """
    before, after = {x.name: x for x in one.layers}, {x.name: x for x in other.layers}
    found = [line for name in before if name in after for line in _changes(before[name], after[name])]
    found += [f"{name} ({before[name].type}) was taken out" for name in before if name not in after]
    found += [f"{name} ({after[name].type}) was added" for name in after if name not in before]
    for name in before:
        if name in after and _known(one, name, after) != _known(other, name, before):
            found.append(f"{name} takes {', '.join(other.sources[name])} instead of {', '.join(one.sources[name])}")
    if one.outputs != other.outputs:
        found.append(f"the outputs {', '.join(one.outputs)} became {', '.join(other.outputs)}")
    costs = one.infer(), other.infer()
    for what, a, b in (("parameters", *(x.parameters for x in costs)), ("FLOPs", *(x.flops for x in costs))):
        found += [f"{a:,} {what} became {b:,}"] if a != b else []
    return found


def similarity(one: ArchitectureSpec, other: ArchitectureSpec) -> float:
    """In [0, 1]; 1.0 for networks of one id, less for others.

    Twice the number of layers that both have in the same order, with the same type, config and output shape, over the
    number of layers of both (Ratcliff & Obershelp, 1988).
    """
    if one.id == other.id:
        return 1.0
    a, b = sorted((tuple(_words(one)), tuple(_words(other))))
    total = len(a) + len(b)
    return min(difflib.SequenceMatcher(None, a, b, autojunk=False).ratio(), 1 - 1 / (total + 1))


def _row(row: list[str], widths: list[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
    return "  ".join([*left, *(cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True))])


def _changes(one: Layer, other: Layer) -> Iterator[str]:
    if one.type != other.type:
        yield f"{one.name}: {one.type} became {other.type}"
        return
    for key in dict.fromkeys([*one.config, *other.config]):
        a, b = (layer.config.get(key, "its default") for layer in (one, other))
        if a != b:
            yield f"{one.name}: {key} {a} became {b}"


def _known(spec: ArchitectureSpec, name: str, others: dict[str, Layer]) -> list[str]:
    """The inputs of a layer that stand in both specs, and those of the network."""
    return [x for x in spec.sources[name] if x in others or x not in spec.infer().layers]


def _words(spec: ArchitectureSpec) -> Iterator[str]:
    for layer in spec.layers:
        yield repr((layer.type, sorted(layer.config.items()), spec.infer().layers[layer.name].output.shape))
