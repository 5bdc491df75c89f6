"""A run's events in words: for the terminal, the report's time line and `show`."""

import math
from collections.abc import Callable, Mapping
from typing import Any

Data = Mapping[str, Any]


def narrate(kind: str, data: Data) -> str | None:
    """One line for an event, or None for one that a person need not see."""
    teller = TELLERS.get(kind)
    return teller(data) if teller else None


def number(value: float | None) -> str:
    """A figure in four significant digits, whole numbers with separators; "-" for None and NaN."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def in_precision(recipe: Data) -> str:
    """Where a recipe does not train in float32, what it trains in; else nothing."""
    precision = recipe.get("precision", "float32")
    return "" if precision == "float32" else f", in {precision}"


def duration(seconds: float) -> str:
    """ "45 s", "3:20 min", "2:05 h"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d} h"


def _role(data: Data) -> str:
    seat = f" ({data['seat']})" if data.get("seat") else ""
    return f"{data['role']}{seat}: {data['purpose'].replace('-', ' ')}"


def _length(fidelity: float) -> str:
    """As a share of a full training, or so many times as long."""
    if fidelity > 1:
        return f"{fidelity:.1f} times as long as planned, as there is time"
    return "in full" if fidelity == 1 else f"{fidelity:.0%}"


def _opened(data: Data) -> str:
    times = _ordinal(data.get("times", 1))
    return f"Test split opened for {len(data['candidates'])} candidates ({times} time in this store)"


def _ordinal(count: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(count, f"{count}th")


def _call(data: Data) -> str:
    if data["cached"]:
        return f"  {data['model']}: answered from the store"
    cost = "" if data["cost_usd"] is None else f", ${data['cost_usd']:.4f}"
    tokens = data["prompt_tokens"] + data["completion_tokens"]
    return f"  {data['model']}: {number(tokens)} tokens in {duration(data['seconds'])}{cost}"


def _proposed(data: Data) -> str:
    if "refused" in data:
        return f"No pull request: {data['refused']}"
    return f"Pull request: {data['url'] or 'branch ' + data['branch']}"


def _verdict(data: Data) -> str:
    if data["passed"]:
        return f"  {data['family']} passed {data['gate']} ({data['milliseconds']:.0f} ms)"
    errors = [finding["message"] for finding in data["findings"] if finding["severity"] == "error"]
    return f"  {data['family']} stopped at {data['gate']}: {'; '.join(errors)}"


def _red(data: Data) -> str:
    if data["findings"]:
        return f"  the suite does not count yet: {'; '.join(finding['message'] for finding in data['findings'])}"
    return "  red: the suite fails on hollow stubs, as it must"


def _trial(data: Data) -> str:
    value = f"{data['metric']} {number(data['value'])}" if data["value"] is not None else "nothing usable"
    cause = "" if data["cause"] == "finished" else f" [{data['cause']}]"
    who, told = data["contestant"].replace("_", " "), f" ({data['message']})" if data.get("message") else ""
    return f"  {who}: {data['name']}, {number(data['parameters'])} parameters, {value}{cause}{told}"


def _mutants(data: Data) -> str:
    return (
        f"  mutants: {data['killed']} killed, {data['survived']} survived, {data['equivalent']} equivalent"
        f" (of {data['family']})"
    )


def _metrics(data: Data) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in data["metrics"].items() if name.startswith("test_"))


def _envelope(data: Data) -> str:
    return (
        f"  plan: {data['families']} families, {data['trials']} trials in {data['rounds']} rounds"
        f" at {data['fidelity']:.0%} of a full training, {data['finalists']} finalists, {data['workers']} at once"
    )


def _signals(data: Data) -> str:
    used = [f"{one['name']} {one['correlation']:.2f}" for one in data["signals"] if one["used"]]
    dropped = sum(not one["used"] for one in data["signals"])
    return f"  cheap signals against the trials: {', '.join(used) or 'none told anything'}; {dropped} dropped"


TELLERS: dict[str, Callable[[Data], str]] = {
    "role.started": _role,
    "model.called": _call,
    "model.fallback": lambda data: f"  {data['failed']} gave no answer ({data['reason']}): asking {data['next']}",
    "advice": lambda data: f"  {data['by']} to {data['to']}: {' '.join(data['remarks']) or 'nothing to add'}",
    "note": lambda data: f"  {data['text']}",
    "hardware": lambda data: (
        f"  {data['name']}, {data['cores']} cores, {data['memory_gb']:.0f} GB, {data['gflops']:.0f} GFLOP/s a thread,"
        f" device {data['device']}"
    ),
    "envelope": _envelope,
    "metrics": lambda data: f"  loss {data['loss']}, ranked by {data['primary']}",
    "suite.red": _red,
    "pull_request": _proposed,
    "suite.mutants": _mutants,
    "suite.covering": lambda data: "  the tests leave code untried that is to be delivered: TestArchitect mends them",
    "family.proposed": lambda data: f"  {data['family']}: {data['name']}, designed by {data['designed_by']}",
    "loss.proposed": lambda data: f"  {data['family']} proposes a loss{': ' * bool(data['text'])}{data['text']}",
    "gate.verdict": _verdict,
    "family.accepted": lambda data: f"  {data['family']} accepted",
    "family.rejected": lambda data: f"  {data['family']} rejected: {data['reason']}",
    "recipe": lambda data: (
        f"  recipe: {data['optimizer']}, learning rate {data['learning_rate']:g}, batch {data['batch_size']},"
        f" {data['epochs']:.3g} epochs{in_precision(data)}"
    ),
    "precision": lambda data: f"  precision: {data['reason']}",
    "trial.finished": _trial,
    "round.finished": lambda data: f"Round {data['round'] + 1} done after {data['trials']} trials",
    "judgement": lambda data: f"  {data['decision']}: {data['reason']}",
    "signals": _signals,
    "finalists.started": lambda data: f"Training {_length(data['fidelity'])}: {', '.join(data['names'])}",
    "compressed": lambda data: _trial({**data, "contestant": data["origin"]}),
    "test.opened": _opened,
    "certified": lambda data: f"  certified {data['name']}: {_metrics(data)}",
    "certificate.refused": lambda data: f"  {data['name']} not certified: {data['reason']}",
    "baseline": lambda data: f"  baseline {data['name']}: {_metrics(data)}",
    "delivered": lambda data: f"Delivered to {data['folder']}",
    "run.failed": lambda data: f"Failed: {data['reason']}",
    "stop.requested": lambda data: "Stopping: the best so far is kept",
}
