"""Fixed layers around a searched network."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.parameters import Point, Scalar
from neuromosaic.core.space.space import SearchSpace

Fixed = Sequence[tuple[str, Mapping[str, Scalar]]]


def framed(given: Input, make: Callable[[Input], SearchSpace], before: Fixed, after: Fixed) -> SearchSpace:
    """The space that `make` gives for what the layers `before` return, its networks between those and `after`.

    Layers are pairs of an operation and its fields: ("conv_block", {"channels": 16, "stride": 2}). Raises SpaceError
    where they are no such pairs, ArchitectureError where they do not fit.
    """
    front, back = _named("before", before), _named("after", after)
    inner = given
    if front:
        shape = ArchitectureSpec(front, inputs=(given,)).infer().outputs[0]
        inner = Input(given.name, shape)
    space = make(inner)

    def build(point: Point) -> ArchitectureSpec:
        return _joined(given, front, space.architecture(point), back)

    return space.with_build(build)


def _named(place: str, layers: Fixed) -> tuple[Layer, ...]:
    try:
        return tuple(Layer(f"{place}{number}", kind, dict(config)) for number, (kind, config) in enumerate(layers, 1))
    except (TypeError, ValueError):
        raise SpaceError(f"{place}: give pairs of an operation and its fields, not {layers!r}") from None


def _joined(
    given: Input, front: tuple[Layer, ...], spec: ArchitectureSpec, back: tuple[Layer, ...]
) -> ArchitectureSpec:
    entry = front[-1].name if front else given.name
    inner = [(entry if source == given.name else source, target) for source, target in spec.connections]
    ends = [(given.name, *(layer.name for layer in front)), (spec.outputs[0], *(layer.name for layer in back))]
    chains = [pair for names in ends for pair in pairwise(names)]
    return ArchitectureSpec((*front, *spec.layers, *back), (*chains, *inner), (given,), metadata=spec.metadata)
