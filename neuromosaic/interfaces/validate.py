"""`neuromosaic validate`: files through the ladder, a verdict each."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from neuromosaic.core.brief import Constraints, Task
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.recipe import Loss
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature, read_tensor
from neuromosaic.core.tasks import FORMS
from neuromosaic.core.validation.files import Construction, Report
from neuromosaic.core.workers.boundary import Accepted

if TYPE_CHECKING:
    from neuromosaic.core.protocols import Judge, Sandbox

NAMES = {
    "params": "parameters", "parameters": "parameters", "flops": "flops", "memory": "memory_mb",
    "memory_mb": "memory_mb",
}  # fmt: skip
FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "mb": 1.0, "gb": 1e3}
LIMIT = re.compile(r"\s*([a-z_]+)\s*<=?\s*([0-9][0-9_.]*(?:e[0-9]+)?)\s*([a-z]*)\s*")
QUIET_SECONDS = 2.0


class Wanted(NamedTuple):
    """The command's options as they were typed."""

    files: list[Path]
    input: list[str] | None
    output: list[str] | None
    entry: str | None
    init: str | None
    tests: Path | None
    task: str | None
    loss: str | None
    constraint: list[str] | None
    batch_axis: str | None
    timeout: float
    jobs: int | None
    boundary: Accepted


def validate(wanted: Wanted, *, as_json: bool) -> int:
    """0 where every file was accepted, 1 where one was not."""
    from neuromosaic.core.judge.process import ProcessJudge
    from neuromosaic.core.sandbox.process import ProcessSandbox
    from neuromosaic.core.validation import files
    from neuromosaic.core.validation.ladder import Ladder

    paths, signature, construction = find_files(wanted.files), read_signature(wanted), read_init(wanted)
    limits, suite = read_constraints(wanted.constraint or []), _suite(wanted.tests)
    jobs = wanted.jobs or min(4, os.cpu_count() or 1)
    sandbox, judge = ProcessSandbox(jobs, boundary=wanted.boundary), ProcessJudge(jobs)
    try:
        _warm_up(sandbox, judge)
        ladder = Ladder(sandbox, judge, signature, limits, timeout=wanted.timeout, strict=False)
        return _tell(files.validate(paths, ladder, construction, suite, jobs), len(paths), as_json=as_json)
    finally:
        sandbox.close()
        judge.close()


def _warm_up(sandbox: "Sandbox", judge: "Judge") -> None:
    """Both at once, before any clock runs for a file."""
    with ThreadPoolExecutor(2) as pool:
        starts: list[Future[Any]] = [pool.submit(lambda: sandbox.boundary), pool.submit(judge.warm_up)]
        for started in starts:
            started.result()


# ---------------------------------------------------------------- what was typed


def find_files(given: Sequence[Path]) -> list[Path]:
    """Files as they are, folders as all that is Python in them. Raises UsageError for what is not there."""
    found: list[Path] = []
    for path in given:
        if not path.exists():
            raise UsageError(f"{path} does not exist: give a Python file, or a folder of them")
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    if not found:
        raise UsageError(f"there is no Python file in {', '.join(map(str, given))}")
    return found


def read_signature(wanted: Wanted) -> Signature:
    """Raises UsageError for what no network can be called with."""
    _one_of("--task", wanted.task, get_args(Task))
    losses = get_args(Loss)
    _one_of("--loss", wanted.loss, losses)
    inputs = tuple(read_tensor(text) for text in wanted.input or [])
    loss = wanted.loss or (FORMS[wanted.task].losses[0] if wanted.task else None)  # type: ignore[index]
    return Signature.model_validate(
        {
            "inputs": inputs, "outputs": tuple(read_tensor(text) for text in wanted.output or []),
            "batch_axes": _batch_axes(wanted.batch_axis, bool(inputs)), "task": wanted.task, "loss": loss,
        }
    )  # fmt: skip


def _batch_axes(text: str | None, stated: bool) -> tuple[int, ...]:
    """Nobody knows where a file's own inputs have their batch: mostly first, in recurrent networks second."""
    if text is None:
        return (0,) if stated else (0, 1)
    if text == "none":
        return ()
    if not text.isdigit():
        raise UsageError(f"--batch-axis {text}: give the number of an axis, from 0, or none")
    return (int(text),)


def _one_of(option: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise UsageError(f"{option} {value} is not known: use {', '.join(known)}")


def read_init(wanted: Wanted) -> Construction:
    """A JSON object is named arguments, an array is arguments in order."""
    if wanted.init is None:
        return Construction(wanted.entry)
    try:
        given = json.loads(wanted.init)
    except ValueError as error:
        raise UsageError(f"--init is no JSON: {error}") from None
    match given:
        case dict():
            return Construction(wanted.entry, values=given)
        case list():
            return Construction(wanted.entry, arguments=tuple(given))
        case _:
            raise UsageError('--init must be a JSON object of named arguments, {"width": 32}, or an array in order')


def read_constraints(texts: Sequence[str]) -> Constraints:
    """ "params<200k", "flops<10M", "memory<64MB" """
    found: dict[str, Any] = {}
    for text in texts:
        match = LIMIT.fullmatch(text.lower())
        name = NAMES.get(match[1]) if match else None
        if match is None or name is None or match[3] not in FACTORS:
            raise UsageError(
                f"{text!r} is no limit that can be checked here: write params<200k, flops<10M or memory<64MB"
            )
        value = float(match[2].replace("_", "")) * FACTORS[match[3]]
        found[name] = int(value) if name == "parameters" else value
    return Constraints.model_validate(found)


def _suite(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the tests {path} cannot be read: {error}") from None


# ---------------------------------------------------------------- what is told


def _tell(reports: Iterator[Report], count: int, *, as_json: bool) -> int:
    refused, began = 0, time.monotonic()
    for number, report in enumerate(reports, 1):
        refused += not report.accepted
        print(json.dumps(report.to_dict()) if as_json else in_words(report), flush=True)
        if count > 1 and sys.stderr.isatty() and time.monotonic() - began > QUIET_SECONDS:
            print(f"{number} of {count} done, {refused} refused", end="\r", file=sys.stderr, flush=True)
    if count > 1:
        print(f"{count - refused} of {count} accepted", file=sys.stderr)
    return 1 if refused else 0


def in_words(report: Report) -> str:
    """One line, and one for each finding."""
    climb, figures = report.climb, report.climb.figures
    parts = [f"{'ok ' if report.accepted else 'BAD'} {report.file}"]
    if climb.lane:
        parts += [f"{climb.lane} lane", f"{figures.get('parameters', 0):,.0f} parameters"]
    parts += [f"{figures['flops'] / 1e6:,.3g} MFLOPs"] if figures.get("flops") else []
    parts += [f"same network as {report.duplicate_of}"] if report.duplicate_of else []
    parts += [f"{sum(verdict.milliseconds for verdict in climb.verdicts):.0f} ms", climb.boundary]
    return "\n".join(["  ".join(parts), *map(_line, climb.findings)])


def _line(finding: Finding) -> str:
    where = [f"line {finding.line}"] if finding.line else []
    where += [f"layer {finding.layer}"] if finding.layer else []
    return f"    {finding.severity} {finding.gate}/{finding.code}: {finding.message}" + (
        f" ({', '.join(where)})" if where else ""
    )
