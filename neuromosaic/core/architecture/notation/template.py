"""A network with holes: parameters, and the spec of each of their points."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from neuromosaic.core.architecture.notation.tree import Choice, Flow, Hole, Optional, Repeat, Step, Tree
from neuromosaic.core.architecture.spec import ArchitectureSpec, Layer
from neuromosaic.core.errors import ArchitectureError
from neuromosaic.core.space.parameters import BoolParameter, CategoricalParameter, Parameter, Scalar
from neuromosaic.core.spelling import did_you_mean

Conditions = dict[str, Scalar]


@dataclass(frozen=True)
class Template:
    """`parameters`: the holes by name. Those inside a choice or an optional layer carry `when`: they are there where
    it is taken. A choice of layers has its alternatives' text as values. `fill` takes a point of a space over them.

    >>> from neuromosaic.core.architecture.notation import parse_template
    >>> template = parse_template("input x[8]\\nlinear({width: 4, 16}) > relu > linear(2)")
    >>> template.parameters["width"].values, template.fill({"width": 16}).infer().parameters
    ((4, 16), 178)
    """

    tree: Tree
    parameters: Mapping[str, Parameter] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not self.tree.inputs:
            raise ArchitectureError(
                "a network has at least one input: begin with a line such as `input x[3, 32, 32]`"
            )
        found: dict[str, Parameter] = {}
        for name, parameter in _Naming().holes(self.tree):
            if name in found:
                raise ArchitectureError(f"the hole {name!r} is there twice: use it again as {{{name}}}")
            found[name] = parameter
        object.__setattr__(self, "parameters", found)

    def fill(self, point: Mapping[str, Scalar]) -> ArchitectureSpec:
        """Raises ArchitectureError for a point that is not of these parameters, or that no network can be made of."""
        filling = _Filling(self, point)
        spec = filling.spec()
        for name in point:
            if name not in filling.used:
                hint = did_you_mean(name, self.parameters) or ": it is in no part that this point takes"
                raise ArchitectureError(f"there is no such hole{hint}", name)
        return spec


class _Naming:
    """Goes through a tree; a hole without a name is called by its layer and field."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.known: dict[str, Conditions] = {}

    def holes(self, tree: Tree) -> Iterator[tuple[str, Parameter]]:
        for line in tree.lines:
            yield from self.flow(line.flow, {})

    def flow(self, flow: Flow, when: Conditions) -> Iterator[tuple[str, Parameter]]:
        from neuromosaic.core.architecture.notation.write import write_flow

        for item in flow:
            match item:
                case Step():
                    yield from self.step(item, when)
                case Repeat(times, inner):
                    yield from self.hole(times, f"repeats{self.number('repeats')}", when)
                    yield from self.flow(inner, when)
                case Choice(name, flows):
                    values = tuple(write_flow(inner) for inner in flows)
                    yield from self.hole(Hole(name, CategoricalParameter(values=values)), name, when)
                    for value, inner in zip(values, flows, strict=True):
                        yield from self.flow(inner, {**when, name: value})
                case Optional(name, inner):
                    yield from self.hole(Hole(name, BoolParameter()), name, when)
                    yield from self.flow(inner, {**when, name: True})

    def step(self, step: Step, when: Conditions) -> Iterator[tuple[str, Parameter]]:
        number = self.number(step.type)
        for key, value in step.config:
            yield from self.hole(value, f"{step.name or f'{step.type}{number}'}_{key}", when)

    def number(self, kind: str) -> int:
        self.counts[kind] += 1
        return self.counts[kind]

    def hole(self, value: object, name: str, when: Conditions) -> Iterator[tuple[str, Parameter]]:
        if not isinstance(value, Hole):
            return
        if value.domain is None:
            own = self.known.get(str(value.name))
            if own is None or not own.items() <= when.items():
                raise ArchitectureError(f"{{{value.name}}} uses a hole that is not there before it in every case")
            return
        self.known[value.name or name] = when
        yield value.name or name, value.domain.model_copy(update={"when": dict(when) or None})


class _Filling:
    """Writes the layers of one point. Names holes as `_Naming` does, alternatives that are not taken included."""

    def __init__(self, template: Template, point: Mapping[str, Scalar]) -> None:
        self.template, self.point = template, point
        self.used: set[str] = set()
        self.layers: list[Layer] = []
        self.pairs: list[tuple[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.naming = _Naming()
        self.ends: dict[str, str] = {}

    def spec(self) -> ArchitectureSpec:
        tree = self.template.tree
        self.before = tree.inputs[-1].name if tree.inputs else ""
        for line in tree.lines:
            self.flow(line.flow)
            if line.label:
                self.ends[line.label] = self.before
        outputs = tuple(self.ends.get(name, name) for name in tree.outputs)
        return ArchitectureSpec(tuple(self.layers), tuple(self.pairs), tree.inputs, outputs)

    def flow(self, flow: Flow) -> None:
        from neuromosaic.core.architecture.notation.write import write_flow

        for item in flow:
            match item:
                case Step():
                    self.step(item)
                case Repeat(times, inner):
                    self.repeat(times, inner)
                case Choice(name, flows):
                    taken = self.taken(name)
                    for each in flows:
                        self.flow(each) if write_flow(each) == taken else self.skip(each)
                case Optional(name, inner):
                    self.flow(inner) if self.taken(name) else self.skip(inner)

    def repeat(self, times: int | Hole, inner: Flow) -> None:
        name = f"repeats{self.naming.number('repeats')}"
        rounds = int(self.value(times, name))
        counts = Counter(self.naming.counts)
        for _ in range(rounds):
            self.naming.counts = Counter(counts)
            self.flow(inner)
        if rounds < 1:
            self.skip(inner)

    def skip(self, flow: Flow) -> None:
        """Counts what is not taken, for the names of later holes."""
        when = dict.fromkeys(self.template.parameters, True)
        naming = _Naming()
        naming.counts = self.naming.counts
        naming.known = {name: {} for name in when}
        for _ in naming.flow(flow, {}):
            pass

    def step(self, step: Step) -> None:
        number = self.naming.number(step.type)
        self.counts[step.type] += 1
        name = step.name or f"{step.type}{self.counts[step.type]}"
        holes = step.name or f"{step.type}{number}"
        config = {key: self.value(value, f"{holes}_{key}") for key, value in step.config}
        self.layers.append(Layer(name, step.type, config))
        sources = step.sources or (self.before,)
        self.pairs += [(self.ends.get(source, source), name) for source in sources]
        self.before = name

    def value(self, value: Scalar | Hole, name: str) -> Scalar:
        return self.taken(value.name or name) if isinstance(value, Hole) else value

    def taken(self, name: str) -> Scalar:
        if name not in self.point:
            raise ArchitectureError("the point says nothing about this hole", name)
        if not self.template.parameters[name].contains(self.point[name]):
            raise ArchitectureError(f"{self.point[name]!r} is none of this hole's values", name)
        self.used.add(name)
        return self.point[name]
