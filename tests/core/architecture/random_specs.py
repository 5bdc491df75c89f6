"""Random specs over all operations, kinds of input and joins."""

import random
from typing import Any

from neuromosaic.core.architecture.operation import RANKS, Data, Field, Operation, operations
from neuromosaic.core.architecture.operation import costed as cost_of
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.errors import ArchitectureError

INPUTS = (
    (Input("image", (3, 16, 16)),),
    (Input("steps", (8, 6)),),
    (Input("row", (12,)),),
    (Input("ids", (10,), 50),),
    (Input("nodes", (6, 8)), Input("adjacency", (6, 6))),
)
MOST = 400_000
"""FLOPs of a layer, so that hundreds of networks run in seconds."""


def random_spec(draw: random.Random, layers: int = 8) -> ArchitectureSpec:
    """A valid one: layers are added where they fit, and loose ends are returned as further outputs."""
    while True:
        inputs = draw.choice(INPUTS)
        values = {x.name: Data(x.shape, x.classes) for x in inputs}
        chosen: list[Layer] = []
        pairs: list[tuple[str, str]] = []
        for _ in range(draw.randint(layers // 2, layers) * 3):
            _grow(draw, values, chosen, pairs)
        taken = {source for source, _ in pairs}
        loose = [layer.name for layer in chosen if layer.name not in taken]
        if chosen and all(x.name in taken for x in inputs):
            return ArchitectureSpec(tuple(chosen), tuple(pairs), inputs, tuple(loose))


def random_config(draw: random.Random, operation: Operation) -> dict[str, Any]:
    """A value for each field that needs one, and for some of the others."""
    told = [f for f in operation.fields.values() if f.default is None or draw.random() < 0.5]
    return {field.name: _value(draw, field) for field in told}


def _value(draw: random.Random, field: Field) -> Any:
    if field.choices:
        return draw.choice(field.choices)
    if field.type is bool:
        return draw.random() < 0.5
    if field.type is float:
        return draw.choice([0.0, 0.1, 0.5])
    return draw.choice([4, 8, 12, 16]) if field.range and field.range.high > 1024 else draw.choice([1, 2, 3, 4])


def _grow(draw: random.Random, values: dict[str, Data], chosen: list[Layer], pairs: list[tuple[str, str]]) -> None:
    operation = draw.choice(sorted(operations().values(), key=lambda each: each.name))
    if operation.name.startswith(("user", "my_")):
        return
    sources = _sources(draw, operation, values, pairs)
    if sources is None:
        return
    try:
        config = operation.check(random_config(draw, operation))
        cost = cost_of(operation.name, tuple(config.items()), tuple(values[name] for name in sources))
    except ArchitectureError:
        return
    if cost.flops > MOST or cost.parameters > MOST:
        return
    name = f"{operation.name}{sum(layer.type == operation.name for layer in chosen) + 1}"
    chosen.append(Layer(name, operation.name, config))
    pairs.extend((source, name) for source in sources)
    values[name] = cost.output


def _sources(
    draw: random.Random, operation: Operation, values: dict[str, Data], pairs: list[tuple[str, str]]
) -> tuple[str, ...] | None:
    if operation.takes == ("*",):
        floats = [name for name, data in values.items() if data.classes is None]
        return tuple(draw.choices(floats, k=2)) if floats else None
    found = []
    for kinds in operation.takes:
        names = [name for name, data in values.items() if _fits(kinds, data)]
        loose = [name for name in names if name not in {source for source, _ in pairs}]
        if not names:
            return None
        found.append(draw.choice(loose if loose and draw.random() < 0.8 else names))
    if operation.name.startswith("graph"):
        found[1] = "adjacency"
    return tuple(found) if all(name in values for name in found) else None


def _fits(kinds: str, data: Data) -> bool:
    return any(
        RANKS[kind] == len(data.shape) and (kind == "tokens") == (data.classes is not None)
        for kind in kinds.split("|")
    )
