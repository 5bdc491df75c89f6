"""Specs as source: what an engineer would write, and exactly what `to_model` runs.

Formatted as `ruff format` does with its default 88 columns. Layers in a row become an nn.Sequential, equal ones in it
a loop; every other layer is an attribute by its own name.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neuromosaic.core.architecture import library
from neuromosaic.core.architecture.calls import WIDTH, Call, Plan
from neuromosaic.core.architecture.operation import Data, planned

if TYPE_CHECKING:
    from neuromosaic.core.architecture.spec import ArchitectureSpec, Layer

BODY = 8


@dataclass(frozen=True)
class Step:
    """A line of `forward`: layers in a row, or a single one."""

    layers: "tuple[Layer, ...]"
    sources: tuple[str, ...]
    plans: tuple[Plan, ...]

    @property
    def name(self) -> str:
        return self.layers[-1].name


def emit(spec: "ArchitectureSpec") -> str:
    """The whole file."""
    model = emit_model(spec)
    tree = ast.parse(model)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    blocks = library.needed(sorted(names, key=model.index))
    text = "\n\n\n".join([*(block.text for block in blocks), model.rstrip()])
    return f"{_imports(names.union(*(block.uses for block in blocks)))}\n\n\n{text}\n"


def emit_model(spec: "ArchitectureSpec") -> str:
    """The class alone."""
    steps = _steps(spec)
    made = "".join(line for step in steps for line in _attributes(step))
    weighted = "".join(f"{' ' * BODY}{name}(self)\n" for name in _initialisers(spec, made))
    variables = _variables(spec, steps)
    arguments = ", ".join(f"{x.name}: Tensor" for x in spec.inputs)
    returned = _result(len(spec.outputs))
    signature = f"    def forward(self, {arguments}) -> {returned}:\n"
    if len(signature) > WIDTH + 1:
        inner = "".join(f"        {x.name}: Tensor,\n" for x in spec.inputs)
        signature = f"    def forward(\n        self,\n{inner}    ) -> {returned}:\n"
    body = "".join(_forward(spec, steps, variables))
    constructor = f"    def __init__(self) -> None:\n        super().__init__()\n{made}{weighted}\n"
    return f"class Model(nn.Module):\n{_docstring(spec)}\n{constructor}{signature}{body}"


def _initialisers(spec: "ArchitectureSpec", made: str) -> Iterator[str]:
    """Those that the network's modules need, so that a file holds no others."""
    if spec.infer().parameters:
        words = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", made))
        text = made + "".join(block.text for block in library.needed(words))
        yield "initialise"
        yield from ["initialise_embeddings"] * ("nn.Embedding" in text)
        yield from ["initialise_recurrent"] * ("nn.GRU" in text or "nn.LSTM" in text)


def _docstring(spec: "ArchitectureSpec") -> str:
    cost = spec.infer()
    title = f"{len(spec.layers)} layers, {cost.parameters:,} parameters, {cost.flops:,} FLOPs for one example."
    lines = [title.replace("1 layers", "1 layer") if len(spec.layers) == 1 else title, ""]
    for x in spec.inputs:
        kind = f"int64 ids below {x.classes}" if x.classes else "float32"
        lines.append(f"{x.name}: {kind} {_shape(x.shape)}")
    lines += [f"Returns float32 {_shape(shape)}." for shape in cost.outputs]
    return (
        '    """' + "\n".join(f"    {line}" if line and n else line for n, line in enumerate(lines)) + '\n    """\n'
    )


def _result(count: int) -> str:
    if count == 1:
        return "Tensor"
    return f"tuple[{', '.join(['Tensor'] * count)}]" if count < 5 else "tuple[Tensor, ...]"


def _shape(shape: Sequence[int]) -> str:
    return f"[batch, {', '.join(map(str, shape))}]"


# ---------------------------------------------------------------- steps


def _steps(spec: "ArchitectureSpec") -> list[Step]:
    """Layers in a row that nothing else taps are one step."""
    values = {x.name: Data(x.shape, x.classes) for x in spec.inputs}
    values |= {name: cost.output for name, cost in spec.infer().layers.items()}
    uses = [source for source, _ in spec.connections] + list(spec.outputs)
    alone = {name for name in values if uses.count(name) == 1 and name not in spec.outputs}
    rows: dict[str, Step] = {}
    for layer in spec.layers:
        sources = spec.sources[layer.name]
        plan = planned(layer.type, tuple(layer.config.items()), tuple(values[source] for source in sources))
        before = rows.get(sources[0])
        if plan.is_module and before and sources[0] in alone and before.plans[-1].is_module:
            del rows[sources[0]]
            rows[layer.name] = Step((*before.layers, layer), before.sources, (*before.plans, plan))
        else:
            rows[layer.name] = Step((layer,), sources, (plan,))
    return list(rows.values())


# ---------------------------------------------------------------- the constructor


def _attributes(step: Step) -> Iterator[str]:
    if len(step.layers) == 1:
        for key, call in step.plans[0].modules:
            yield _assigned(_attribute(step, key), call)
        return
    calls = [plan.modules[0][1] for plan in step.plans]
    yield _assigned(_attribute(step, "m"), Call("nn.Sequential", tuple(_looped(calls)), ()))


def _attribute(step: Step, key: str) -> str:
    name = step.name if len(step.layers) == 1 else f"{step.layers[0].name}_to_{step.name}"
    return name if key == "m" else f"{name}_{key}"


def _assigned(name: str, call: Call) -> str:
    lead = f"self.{name} = "
    return f"{' ' * BODY}{lead}{call.write(BODY, len(lead))}\n"


@dataclass(frozen=True)
class Loop(Call):
    """`*(block for _ in range(times))` as an argument."""

    times: int = 1

    def write(self, indent: int, before: int = 0, after: int = 0) -> str:
        block = self.arguments[0]
        tail = f" for _ in range({self.times})"
        flat = f"*({block.write(-(10**9))}{tail})"
        if indent + before + len(flat) + after <= WIDTH:
            return flat
        pad = " " * (indent + 4)
        return f"*(\n{pad}{block.write(indent + 4)}\n{pad}{tail[1:]}\n{' ' * indent})"


def _looped(calls: Sequence[Call]) -> Iterator[Call]:
    """Equal blocks of one or more calls, three times or more in a row, as a loop; the shortest block counts."""
    at = 0
    while at < len(calls):
        length, times = _repeat(calls, at)
        if times >= 3:
            block = calls[at] if length == 1 else Call("nn.Sequential", tuple(calls[at : at + length]), ())
            yield Loop("", (block,), (), times)
            at += length * times
        else:
            yield calls[at]
            at += 1


def _repeat(calls: Sequence[Call], at: int) -> tuple[int, int]:
    for length in range(1, (len(calls) - at) // 3 + 1):
        block = calls[at : at + length]
        times = 1
        while calls[at + times * length : at + (times + 1) * length] == block:
            times += 1
        if times >= 3:
            return length, times
    return 1, 1


# ---------------------------------------------------------------- forward


def _variables(spec: "ArchitectureSpec", steps: Sequence[Step]) -> dict[str, str]:
    """What each value is called: by its own name where a later line needs it, else the same short name."""
    taken = {x.name for x in spec.inputs} | {step.name for step in steps}
    short = next(name for name in ("h", "hidden", "current", "flowing") if name not in taken)
    names = {x.name: x.name for x in spec.inputs}
    for number, step in enumerate(steps):
        users = [n for n, other in enumerate(steps) if step.name in other.sources]
        passing = users == [number + 1] and step.name not in spec.outputs
        names[step.name] = short if passing or (spec.outputs == (step.name,) and not users) else step.name
    return names


def _forward(spec: "ArchitectureSpec", steps: Sequence[Step], variables: dict[str, str]) -> Iterator[str]:
    typed: set[str] = set()
    for step in steps:
        modules = {key: f"self.{_attribute(step, key)}" for key, _ in step.plans[0].modules}
        expression = step.plans[0].expression.format(*(variables[source] for source in step.sources), **modules)
        target = variables[step.name]
        kind = "" if target in typed else ": Tensor"
        typed.add(target)
        yield from _statement(f"{target}{kind} = ", expression, _shape(spec.infer().layers[step.name].output.shape))
    yield f"{' ' * BODY}return {_returned([variables[name] for name in spec.outputs])}\n"


def _returned(names: list[str]) -> str:
    flat = ", ".join(names)
    if BODY + len(f"return {flat}") <= WIDTH:
        return flat
    return "(\n" + "".join(f"{' ' * (BODY + 4)}{name},\n" for name in names) + f"{' ' * BODY})"


def _statement(lead: str, expression: str, shape: str) -> Iterator[str]:
    """One line with its shape behind it; where that is too long, the shape in front, then parentheses."""
    pad = " " * BODY
    line = f"{pad}{lead}{expression}"
    if len(line) + 4 + len(shape) <= WIDTH:
        yield f"{line}  # {shape}\n"
        return
    yield f"{pad}# {shape}\n"
    yield f"{line}\n" if len(line) <= WIDTH else f"{pad}{lead}{_broken(expression)}\n"


def _broken(expression: str) -> str:
    """A call or a sum over several lines."""
    node = ast.parse(expression, mode="eval").body
    if isinstance(node, ast.BinOp):
        return _broken_sum(expression)
    if isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[0], ast.Tuple):
        parts = [ast.unparse(part) for part in node.args[0].elts]
        return _broken_cat(ast.unparse(node.func), parts, ast.unparse(node.args[1]))
    if isinstance(node, ast.Call):
        parts = [ast.unparse(part) for part in node.args]
        return _arguments(ast.unparse(node.func), parts)
    return expression


def _broken_sum(expression: str) -> str:
    pad = " " * (BODY + 4)
    if len(pad) + len(expression) <= WIDTH:
        return f"(\n{pad}{expression}\n{' ' * BODY})"
    joined = f"\n{pad}+ ".join(expression.split(" + "))
    return f"(\n{pad}{joined}\n{' ' * BODY})"


def _broken_cat(function: str, parts: list[str], axis: str) -> str:
    pad = " " * (BODY + 4)
    flat = f"({', '.join(parts)}), {axis}"
    if len(pad) + len(flat) <= WIDTH:
        return f"{function}(\n{pad}{flat}\n{' ' * BODY})"
    inner = "".join(f"{pad}    {part},\n" for part in parts)
    return f"{function}(\n{pad}(\n{inner}{pad}),\n{pad}{axis},\n{' ' * BODY})"


def _arguments(function: str, parts: list[str]) -> str:
    pad = " " * (BODY + 4)
    flat = ", ".join(parts)
    if len(pad) + len(flat) <= WIDTH:
        return f"{function}(\n{pad}{flat}\n{' ' * BODY})"
    return f"{function}(\n" + "".join(f"{pad}{part},\n" for part in parts) + f"{' ' * BODY})"


def _imports(names: set[str]) -> str:
    standard = [f"import {name}" for name in ("itertools", "math") if name in names]
    lines = [*standard, ""] if standard else []
    lines += ["import torch"] if "torch" in names else []
    return "\n".join([*lines, "from torch import Tensor, nn"])
