"""Joins of two or more branches.

Where shapes differ: images are pooled (adaptive mean) to the least height and width of all, sequences to the fewest
steps; where a join needs equal widths (add, gated), narrower ones are projected to the greatest width by a 1x1
convolution or a linear layer, without bias. Branches of different kinds (an image and a vector) cannot be joined.
"""

from neuromosaic.core.architecture.calls import Call, Plan, call
from neuromosaic.core.architecture.operation import Data, operation
from neuromosaic.core.errors import ArchitectureError


@operation("*")
def add(inputs: tuple[Data, ...]) -> Plan:
    """The sum."""
    parts, modules = _fitted(inputs, _widest(inputs))
    return Plan(" + ".join(parts), modules)


@operation("*")
def concat(inputs: tuple[Data, ...]) -> Plan:
    """One behind the other along channels or features."""
    parts, modules = _fitted(inputs, None)
    axis = 1 if len(inputs[0].shape) == 3 else -1
    return Plan(f"torch.cat(({', '.join(parts)}), {axis})", modules)


@operation("*")
def gated(inputs: tuple[Data, ...]) -> Plan:
    """A trained gate chooses between two branches."""
    if len(inputs) != 2:
        raise ArchitectureError(f"gated joins two inputs, not {len(inputs)}")
    width = _widest(inputs)
    (one, other), modules = _fitted(inputs, width)
    block = "GatedImageJoin" if len(inputs[0].shape) == 3 else "GatedJoin"
    return Plan(f"{{m}}({one}, {other})", (("m", call(block, width)), *modules))


def _widest(inputs: tuple[Data, ...]) -> int:
    return max(data.width for data in inputs)


def _fitted(inputs: tuple[Data, ...], width: int | None) -> tuple[list[str], tuple[tuple[str, Call], ...]]:
    """How each input enters the join, and the modules that make it fit."""
    if len({len(data.shape) for data in inputs}) > 1:
        shapes = " and ".join(str(list(data.shape)) for data in inputs)
        raise ArchitectureError(f"{shapes} cannot be joined: bring them to one kind first (global_pool, flatten)")
    sides = _least(inputs)
    modules: dict[str, Call] = {}
    parts = []
    for number, data in enumerate(inputs):
        calls = [*_pooled(data, sides), *_projected(data, width)]
        if calls:
            modules[f"fit{number}"] = calls[0] if len(calls) == 1 else Call("nn.Sequential", tuple(calls), ())
        parts.append(f"{{fit{number}}}({{{number}}})" if calls else f"{{{number}}}")
    return parts, tuple(modules.items())


def _least(inputs: tuple[Data, ...]) -> tuple[int, ...]:
    lengths = [data.shape[1:] if len(data.shape) == 3 else data.shape[:-1] for data in inputs]
    return tuple(map(min, zip(*lengths, strict=True)))


def _pooled(data: Data, sides: tuple[int, ...]) -> list[Call]:
    if len(data.shape) == 3 and data.shape[1:] != sides:
        return [call("nn.AdaptiveAvgPool2d", sides)]
    return [call("PoolSteps", *sides)] if len(data.shape) == 2 and data.shape[:-1] != sides else []


def _projected(data: Data, width: int | None) -> list[Call]:
    if width is None or data.width == width:
        return []
    if len(data.shape) == 3:
        return [call("nn.Conv2d", data.width, width, 1, bias=False)]
    return [call("nn.Linear", data.width, width, bias=False)]
