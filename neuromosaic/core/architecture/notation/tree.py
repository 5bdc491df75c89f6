"""What a notation says, as data."""

from dataclasses import dataclass

from neuromosaic.core.architecture.spec import Input
from neuromosaic.core.space.parameters import Parameter, Scalar


@dataclass(frozen=True)
class Hole:
    """A value left open; without `domain` a hole of that name is used again."""

    name: str | None
    domain: Parameter | None


Value = Scalar | Hole


@dataclass(frozen=True)
class Step:
    """One layer; `sources` None: what was written before it."""

    type: str
    config: tuple[tuple[str, Value], ...] = ()
    name: str | None = None
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Repeat:
    times: int | Hole
    flow: "Flow"


@dataclass(frozen=True)
class Choice:
    name: str
    flows: tuple["Flow", ...]


@dataclass(frozen=True)
class Optional:
    name: str
    flow: "Flow"


Item = Step | Repeat | Choice | Optional
Flow = tuple[Item, ...]


@dataclass(frozen=True)
class Line:
    """`label`: what later lines call the value that the flow ends with."""

    flow: Flow
    label: str | None = None


@dataclass(frozen=True)
class Tree:
    inputs: tuple[Input, ...]
    lines: tuple[Line, ...]
    outputs: tuple[str, ...] = ()
