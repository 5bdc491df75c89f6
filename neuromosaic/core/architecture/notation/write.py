"""Data to text."""

from collections import Counter

from neuromosaic.core.architecture.notation.template import Template
from neuromosaic.core.architecture.notation.tree import (
    Choice,
    Flow,
    Hole,
    Item,
    Line,
    Optional,
    Repeat,
    Step,
    Tree,
    Value,
)
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.space.parameters import BoolParameter, FloatParameter, IntParameter


def write_spec(spec: ArchitectureSpec) -> str:
    """What `parse_spec` makes the same spec of; metadata and metrics are not in it."""
    counts: Counter[str] = Counter()
    lines: list[list[Step]] = []
    before = spec.inputs[-1].name
    for layer in spec.layers:
        counts[layer.type] += 1
        name = None if layer.name == f"{layer.type}{counts[layer.type]}" else layer.name
        follows = spec.sources[layer.name] == (before,)
        sources = None if follows else spec.sources[layer.name]
        step = Step(layer.type, tuple(layer.config.items()), name, sources)
        lines = [*lines[:-1], [*lines[-1], step]] if follows and lines else [*lines, [step]]
        before = layer.name
    outputs = () if spec.outputs == (before,) else spec.outputs
    return write_tree(Tree(spec.inputs, tuple(Line(_folded(line)) for line in lines), outputs))


def write_template(template: Template) -> str:
    """What `parse_template` makes the same template of."""
    return write_tree(template.tree)


def write_tree(tree: Tree) -> str:
    lines = [_input(each) for each in tree.inputs] + [_line(line) for line in tree.lines]
    if tree.outputs:
        lines.append(f"output {', '.join(tree.outputs)}")
    return "\n".join(lines) + "\n"


def write_flow(flow: Flow) -> str:
    return " > ".join(_item(item) for item in flow)


def _line(line: Line) -> str:
    return f"{line.label}: {write_flow(line.flow)}" if line.label else write_flow(line.flow)


def _input(each: Input) -> str:
    below = f" below {each.classes}" if each.classes else ""
    return f"input {each.name}[{', '.join(map(str, each.shape))}]{below}"


def _item(item: Item) -> str:
    match item:
        case Step():
            return _step(item)
        case Repeat(times, flow):
            return f"{_value(times)} * ({write_flow(flow)})"
        case Choice(name, flows):
            return f"{{{name}: {' | '.join(map(write_flow, flows))}}}"
        case Optional(name, flow):
            return f"{{{name}? {write_flow(flow)}}}"


def _step(step: Step) -> str:
    lead = f"{step.name} = " if step.name else ""
    sources = f"[{', '.join(step.sources)}]" if step.sources is not None else ""
    config = f"({', '.join(f'{key}={_value(value)}' for key, value in step.config)})" if step.config else ""
    return f"{lead}{step.type}{sources}{config}"


def _value(value: Value) -> str:
    if isinstance(value, Hole):
        lead = f"{value.name}: " if value.name and value.domain else value.name or ""
        return f"{{{lead}{_domain(value)}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _domain(hole: Hole) -> str:
    domain = hole.domain
    if domain is None:
        return ""
    if isinstance(domain, (IntParameter, FloatParameter)):
        step = f" step {domain.step}" if isinstance(domain, IntParameter) and domain.step != 1 else ""
        return f"{_value(domain.min)}..{_value(domain.max)}{step}{' log' if domain.log else ''}"
    return "true, false" if isinstance(domain, BoolParameter) else ", ".join(map(_value, domain.values))


def _folded(steps: list[Step]) -> Flow:
    """Equal unnamed blocks in a row as a repeat."""
    found: list[Item] = []
    at = 0
    while at < len(steps):
        length, times = _repeat(steps, at)
        block = tuple(steps[at : at + length])
        found.extend([Repeat(times, block)] if times > 1 else block)
        at += length * times
    return tuple(found)


def _repeat(steps: list[Step], at: int) -> tuple[int, int]:
    for length in range(1, (len(steps) - at) // 2 + 1):
        block, times = steps[at : at + length], 1
        if any(step.name or step.sources for step in block):
            continue
        while steps[at + times * length : at + (times + 1) * length] == block:
            times += 1
        if times > 1:
            return length, times
    return 1, 1
