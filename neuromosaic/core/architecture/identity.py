"""The id of a spec: a hash of what it computes.

Layers get colours, refined from their inputs and from who takes their output (Weisfeiler & Leman, 1968). The hash is
of the network written down from its outputs backwards, the operands of a sum in the order of their colours. Different
networks never share the text that is hashed; isomorphic ones do, but where colours cannot tell operands apart that
differ all the same.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuromosaic.core.architecture.spec import ArchitectureSpec

COMMUTATIVE = frozenset({"add"})


def identify(spec: "ArchitectureSpec") -> str:
    """64 hexadecimal digits."""
    labels = {x.name: repr((n, x.shape, x.classes)) for n, x in enumerate(spec.inputs)}
    labels |= {x.name: repr((x.type, sorted(x.config.items()))) for x in spec.layers}
    commutative = {x.name for x in spec.layers if x.type in COMMUTATIVE}
    colours = _refined(spec, labels, commutative)
    numbers: dict[str, int] = {}
    lines: list[str] = []

    def write(name: str) -> int:
        if name not in numbers:
            sources = spec.sources.get(name, ())
            ordered = sorted(sources, key=colours.__getitem__) if name in commutative else sources
            operands = [write(source) for source in ordered]
            numbers[name] = len(numbers)
            lines.append(f"{labels[name]} {sorted(operands) if name in commutative else operands}")
        return numbers[name]

    ends = [write(name) for name in spec.outputs]
    return _hash((*lines, repr(ends)))


def _refined(spec: "ArchitectureSpec", labels: dict[str, str], commutative: set[str]) -> dict[str, str]:
    takers: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for target, sources in spec.sources.items():
        for place, source in enumerate(sources):
            takers[source].append((target, -1 if target in commutative else place))
    colours = {name: _hash((label,)) for name, label in labels.items()}
    for layer in spec.layers:
        inner = [colours[source] for source in spec.sources[layer.name]]
        ordered = sorted(inner) if layer.name in commutative else inner
        colours[layer.name] = _hash((labels[layer.name], *ordered))
    ends = {name: str(n) for n, name in enumerate(spec.outputs)}
    for layer in reversed(spec.layers):
        outer = sorted(f"{colours[target]}{place}" for target, place in takers[layer.name])
        colours[layer.name] = _hash((colours[layer.name], ends.get(layer.name, ""), *outer))
    return colours


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
