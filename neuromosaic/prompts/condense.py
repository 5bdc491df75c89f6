"""What of the requests' inputs goes into a prompt, and how it is quoted.

Text that comes from users, data or proposed code is only ever shown as JSON on one line or inside a fence that it
cannot close.
"""

import ast
import json
import math
import re
from collections.abc import Sequence
from itertools import accumulate, zip_longest
from typing import Any

from pydantic import BaseModel

from neuromosaic.core.brief import Brief, Constraints, Contract, TensorSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.metrics import available, higher_is_better
from neuromosaic.core.evaluation.suitable import augmentations_for, losses_for
from neuromosaic.core.role_inputs import DataSummary, FamilySketch, Finding, Remark, Repair, Trace, Tried
from neuromosaic.core.space.parameters import Parameter
from neuromosaic.core.syntax import parse
from neuromosaic.core.tasks import targets_of
from neuromosaic.prompts.narrowing import narrowed
from neuromosaic.prompts.schema import field_list

MANY = 40
"""So many class names, columns or notes are shown; of more, the first ones and how many there are."""

BEST, LATEST = 5, 3
"""Of the families tried so many are told: the best accepted, and the last rejected."""

LONG = 400
"""Longest text of one finding or rationale, in characters."""

KINDS, TOLD = 2, 160
"""Of an earlier family's findings so many different ones are told, each in at most so many characters."""

HEARD = 900
"""So many characters of advice are passed on, of each adviser as many remarks as of the others."""

REPAIRS, BRIEF = 1, 90
"""So many repairs of a family are told, the last ones, each part in at most so many characters."""

ROOM, SOURCE = 7000, 1500
"""So many characters are for the history and the sources of the best together; a source has at least so many."""


def data(value: Any) -> str:
    """JSON on one line; line separators that JSON leaves alone are escaped too."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)


def fenced(text: str, language: str) -> str:
    """`text` in a fence that is longer than any inside it."""
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def number(value: float) -> str:
    return f"{value:.6g}"


def batched(spec: TensorSpec) -> str:
    return "[" + ", ".join(["batch", *map(str, spec.shape)]) + "]"


def given(value: BaseModel) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    return value.model_dump(mode="json", exclude_defaults=True)


def without_sentence(brief: Brief) -> dict[str, Any]:
    """What is given of a brief, but for the words that it is to be read from."""
    return {key: value for key, value in given(brief).items() if key != "sentence"}


def targets(contract: Contract) -> str:
    """What a loss compares the outputs with."""
    spec = targets_of(contract)
    numbers = f", 0 to {spec.upper - 1}" if spec.upper else ", 0 or 1" if contract.task == "multi_label" else ""
    return f"{spec.dtype} {batched(spec)}{numbers}"


def bound(name: str, value: float) -> str:
    """A limit on a metric, in the direction that the metric has; the name is the user's."""
    try:
        direction = "at least" if higher_is_better(name) else "at most"
    except UsageError:
        direction = "as good as"
    return f"{data(name)} {direction} {number(value)}"


def limited(constraints: Constraints) -> bool:
    """Whether anything is limited; a batch size alone limits nothing."""
    return bool(set(given(constraints)) - {"latency_batch"})


def wishes(brief: Brief) -> dict[str, str]:
    said = {"the engineer's words": brief.sentence, "further wishes": brief.hints}
    return {key: text for key, text in said.items() if text}


def summary(data: DataSummary) -> dict[str, Any]:
    """Sizes, names and notes, long lists shortened; class counts by class."""
    shown: dict[str, Any] = {"data": data.name, "train": data.train, "validation": data.validation, "test": data.test}
    if data.class_counts and len(data.class_counts) == len(data.classes):
        pairs = dict(zip(data.classes, data.class_counts, strict=True))
        shown["training examples by class"] = dict(_first(list(pairs.items())))
    elif data.classes:
        shown["classes"] = _first(data.classes)
    if len(data.classes) > MANY:
        shown["number of classes"] = len(data.classes)
    if data.columns:
        shown["columns"] = _first(data.columns)
    return shown | ({"notes": _first(data.notes)} if data.notes else {})


def heard(advice: Sequence[Remark]) -> list[Remark]:
    """The first remark of each adviser, then the second, and so on, while there is room; no one's takes the room of
    another."""
    said: dict[str, list[Remark]] = {}
    for remark in advice:
        said.setdefault(remark.by, []).append(remark)
    in_turn = [one for several in zip_longest(*said.values()) for one in several if one is not None]
    longest = HEARD // max(1, len(said))
    short = [one.model_copy(update={"text": _short(one.text, longest - len(one.by))}) for one in in_turn]
    ends = accumulate(len(one.by) + len(one.text) for one in short)
    return [one for one, end in zip(short, ends, strict=True) if end <= HEARD]


def fault(finding: Finding, longest: int = LONG) -> dict[str, Any]:
    told = {"gate": finding.gate, "code": finding.code, "layer": finding.layer, "line": finding.line}
    known = {key: value for key, value in told.items() if value is not None}
    return {**known, "message": _short(finding.message, longest)}


def condensed(trace: Trace, idea: bool = True) -> dict[str, Any]:
    """`idea`: with the first sentence of its rationale. The metrics are those of its best point."""
    told: dict[str, Any] = {"family": trace.family, "outcome": trace.outcome}
    if idea and trace.rationale:
        told["idea"] = first_sentence(trace.rationale)
    if trace.trials:
        told["trials"] = trace.trials
    if trace.metrics:
        figures = {name: _round(value) for name, value in trace.metrics.items()}
        size = {"parameters": int(figures.pop("parameters"))} if "parameters" in figures else {}
        told |= {"best point": trace.best, "on validation": figures} | size
    if trace.findings:
        kinds = {finding.code: finding for finding in reversed(trace.findings)}
        first = [finding for finding in trace.findings if kinds[finding.code] is finding]
        told["findings"] = [fault(finding, TOLD) for finding in first[:KINDS]]
    if trace.repairs:
        told["repairs"] = [_repair(repair) for repair in trace.repairs[-REPAIRS:]]
    return told


def _repair(repair: Repair) -> dict[str, str]:
    said = {"problem": repair.problem, "change": first_sentence(repair.change), "outcome": repair.outcome}
    return {key: _short(text, BRIEF) for key, text in said.items()}


def parents(history: Sequence[Trace], slot: int) -> list[Trace]:
    """What a later round's seat builds on: the best family for the first seat, the two best for the third."""
    measured = [trace for trace in history if trace.outcome == "accepted" and merit(trace) > -math.inf]
    best = sorted(measured, key=merit, reverse=True)
    return {0: best[:1], 2: best[:2] if len(best) > 1 else []}.get(slot, [])


def shown(source: str, history: Sequence[Trace], among: int = 1) -> str:
    """As much of a source as a prompt can afford beside the history, in whole lines."""
    told = sum(len(data(condensed(trace))) for trace in telling(history))
    longest = max(SOURCE, ROOM - told) // among
    return source if len(source) <= longest else source[:longest].rpartition("\n")[0] + "\n# and so on"


def telling(history: Sequence[Trace]) -> list[Trace]:
    """What did best and what failed last, in the order of the run: a prompt stays short however long the run."""
    measured = [trace for trace in history if trace.outcome == "accepted"]
    best = sorted(measured, key=merit, reverse=True)[:BEST]
    shown = {id(trace) for trace in (*best, *[t for t in history if t.outcome == "rejected"][-LATEST:])}
    return [trace for trace in history if id(trace) in shown]


def merit(trace: Trace) -> float:
    """The metric that the run ranks by, more is better; the worst where nothing was measured."""
    for name, value in trace.metrics.items():
        if name != "parameters" and not math.isnan(value):
            return value if _upwards(name) else -value
    return -math.inf


def _upwards(name: str) -> bool:
    try:
        return higher_is_better(name)
    except UsageError:
        return True


def sketched(sketch: FamilySketch) -> dict[str, Any]:
    told = {"family": sketch.name, "idea": first_sentence(sketch.rationale), "parameters": sketch.parameters}
    return {key: value for key, value in told.items() if value}


def first_sentence(text: str) -> str:
    return _short(re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text.strip(), maxsplit=1)[0])


def named_tests(suite: str, findings: Sequence[Finding]) -> str:
    """The tests that findings name, with all that is no test and that they may need; nothing where none is named."""
    said = " ".join(finding.message for finding in findings)
    tree = parse(suite)
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and _is_test(node)]
    named = [node for node in tests if re.search(rf"\b{node.name}\b", said)]
    kept = [node for node in tree.body if node not in tests or node in named]
    lines = suite.splitlines()
    parts = ["\n".join(lines[_first_line(node) - 1 : node.end_lineno]) for node in kept]
    return "\n".join(parts) if named else ""


def _is_test(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return node.name.startswith("test_" if isinstance(node, ast.FunctionDef) else "Test")


def _first_line(node: ast.stmt) -> int:
    """Of a statement with its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def outline(suite: str) -> list[str]:
    """Each test of a suite by name, with the first line of its docstring as JSON where it has one."""
    tests = (node for node in ast.walk(parse(suite)) if isinstance(node, ast.FunctionDef))
    ordered = sorted((test for test in tests if test.name.startswith("test")), key=lambda test: test.lineno)
    return [f"`{test.name}`{_docline(test)}" for test in ordered]


def _docline(test: ast.FunctionDef) -> str:
    lines = (ast.get_docstring(test) or "").strip().splitlines()
    return f": {data(_short(lines[0]))}" if lines else ""


def _first(items: Any) -> list[Any]:
    return list(items)[:MANY]


def _short(text: str, longest: int = LONG) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _round(value: float) -> float:
    return float(f"{value:.5g}")


def described(parameter: Parameter) -> dict[str, Any]:
    """A parameter's kind and range, without what is as usual."""
    return {"type": parameter.type, **parameter.model_dump(mode="json", exclude_defaults=True)}


def tried(trial: Tried) -> dict[str, Any]:
    return {"point": trial.point, "figures": trial.figures or "failed"}


FILTERS = {
    "data": data,
    "fenced": fenced,
    "number": number,
    "batched": batched,
    "given": given,
    "limited": limited,
    "wishes": wishes,
    "summary": summary,
    "fault": fault,
    "heard": heard,
    "condensed": condensed,
    "telling": telling,
    "parents": parents,
    "shown": shown,
    "fields": field_list,
    "narrowed": narrowed,
    "without_sentence": without_sentence,
    "sketched": sketched,
    "outline": outline,
    "named_tests": named_tests,
    "bound": bound,
    "parameter": described,
    "tried": tried,
    "metrics": available,
    "losses": losses_for,
    "targets": targets,
    "augmentations": augmentations_for,
}
