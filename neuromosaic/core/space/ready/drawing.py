"""Specs drawn layer by layer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.space.parameters import Point, Scalar

Step = tuple[str, dict[str, Scalar]]


class Drawing:
    """A spec in the making: `add` puts a layer behind others and returns its name.

    Layers drawn inside `at` have a place in the space ("cell0/0_1/skip_connect"): what has the same place in two
    networks of a space is the same part of them, and may share its weights. The spec's metadata tell the places.
    """

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.inputs = tuple(inputs)
        self._layers: list[Layer] = []
        self._connections: list[tuple[str, str]] = []
        self._counts: dict[str, int] = {}
        self._place = ""
        self._places: dict[str, str] = {}

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        self._place = place
        yield
        self._place = ""

    def add(self, kind: str, /, *sources: str, **config: Scalar) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        name = f"{kind}{self._counts[kind]}"
        self._layers.append(Layer(name, kind, config))
        self._connections += [(source, name) for source in sources]
        if self._place:
            self._places[name] = self._place
        return name

    def chain(self, source: str, *steps: Step) -> str:
        """Layers in a row; the last one's name."""
        for kind, config in steps:
            source = self.add(kind, source, **config)
        return source

    def sum(self, sources: Sequence[str]) -> str:
        """The sum of what was drawn; of one, that itself."""
        twice = len(set(sources)) < len(sources)
        parts = [self.add("skip", source) for source in sources] if twice else sources
        return parts[0] if len(parts) == 1 else self.add("add", *parts)

    def spec(self, space: str, point: Point) -> ArchitectureSpec:
        return ArchitectureSpec(
            tuple(self._layers),
            tuple(self._connections),
            self.inputs,
            metadata={"space": space, "point": dict(point)} | ({"places": self._places} if self._places else {}),
        )


def relu_conv_norm(channels: int, kernel: int, stride: int = 1) -> list[Step]:
    """ReLU, a convolution, batch norm: the order of cells."""
    config = {"channels": channels, "kernel": kernel, "stride": stride, "bias": False}
    return [("relu", {}), ("conv", dict(config)), ("batch_norm", {})]
