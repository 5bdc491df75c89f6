"""Specs drawn layer by layer."""

from collections.abc import Sequence

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.space.parameters import Point, Scalar

Step = tuple[str, dict[str, Scalar]]


class Drawing:
    """A spec in the making: `add` puts a layer behind others and returns its name."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.inputs = tuple(inputs)
        self._layers: list[Layer] = []
        self._connections: list[tuple[str, str]] = []
        self._counts: dict[str, int] = {}

    def add(self, kind: str, /, *sources: str, **config: Scalar) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        name = f"{kind}{self._counts[kind]}"
        self._layers.append(Layer(name, kind, config))
        self._connections += [(source, name) for source in sources]
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
            metadata={"space": space, "point": dict(point)},
        )


def relu_conv_norm(channels: int, kernel: int, stride: int = 1) -> list[Step]:
    """ReLU, a convolution, batch norm: the order of cells."""
    config = {"channels": channels, "kernel": kernel, "stride": stride, "bias": False}
    return [("relu", {}), ("conv", dict(config)), ("batch_norm", {})]
