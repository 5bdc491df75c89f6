"""`neuromosaic data`: what is understood of a data set, for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Said = Mapping[str, Any]
SHOWN = 20
"""Columns, or channels, that get a line each; of more the first are shown."""


def lines(said: Said) -> Iterator[str]:
    """Of what `dataset.describe` says: a line for each fact, and a table of the inputs' figures."""
    yield _line("data", f"{said['name']} ({said['kind']})")
    yield _line("task", str(said["task"]).replace("_", " "))
    yield _line("input", _tensor(said["input"]))
    yield _line("output", _tensor(said["output"]))
    yield _line("splits", _counts(said["splits"]))
    if said["classes"]:
        yield _line("classes", _counts(said["classes"]))
    yield from _figures(said)
    for note in said["notes"]:
        yield _line("note", note)
    yield _line("hash", said["hash"])


def _line(name: str, text: str) -> str:
    return f"{name:12}{text}"


def _tensor(spec: Said) -> str:
    upper = f", ids below {spec['upper']}" if spec["upper"] is not None else ""
    return f"{spec['dtype']} {' x '.join(str(size) for size in spec['shape'])}{upper}"


def _counts(counts: Mapping[str, int]) -> str:
    shown = [f"{name}: {count:,}" for name, count in [*counts.items()][:SHOWN]]
    return ", ".join(shown) + (f", and {len(counts) - SHOWN} more" if len(counts) > SHOWN else "")


def _figures(said: Said) -> Iterator[str]:
    ranges, columns = said["ranges"], said["columns"]
    if "characters" in ranges:
        yield _line("characters", repr("".join(ranges["characters"])))
    if "inputs" in ranges:
        yield from _table(ranges["inputs"], columns)
        yield from _one_hot(columns[len(ranges["inputs"]["mean"]) :])
    if targets := ranges.get("targets"):
        pairs = zip(targets["mean"], targets["std"], strict=True)
        yield _line("targets", "; ".join(f"mean {mean:.4g}, std {std:.4g}" for mean, std in pairs))


def _table(scaling: Mapping[str, Sequence[float]], columns: Sequence[str]) -> Iterator[str]:
    """Of the training examples, each column or channel by a line."""
    names = [*columns[: len(scaling["mean"])]] or [f"channel {place}" for place in range(len(scaling["mean"]))]
    width = max(8, *(len(name) for name in names[:SHOWN]))
    yield _line("inputs", f"{'':{width}} {'mean':>10} {'std':>10} {'least':>10} {'most':>10}")
    rows = zip(names, *(scaling[figure] for figure in ("mean", "std", "low", "high")), strict=False)
    for name, *figures in [*rows][:SHOWN]:
        yield _line("", f"{name:{width}} " + " ".join(f"{figure:>10.4g}" for figure in figures))
    if len(names) > SHOWN:
        yield _line("", f"and {len(names) - SHOWN} more")


def _one_hot(columns: Sequence[str]) -> Iterator[str]:
    """Columns of text, one input for each of their values."""
    values: dict[str, list[str]] = {}
    for column in columns:
        name, _, value = column.partition("=")
        values.setdefault(name, []).append(value or "(missing)")
    for name, known in values.items():
        shown = ", ".join(known[:SHOWN]) + (f", and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
        yield _line("", f"{name}: one of {shown}")
