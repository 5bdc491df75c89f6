"""Whole files through the ladder, several at a time, each with a verdict."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from neuromosaic.core.protocols import Program, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.ladder import Ladder
from neuromosaic.core.validation.model_class import find_entry
from neuromosaic.core.validation.parse import LARGEST, read_source, too_large

FACTORY: Final = "get_init_inputs"


@dataclass(frozen=True)
class Construction:
    """How a file's network is built: which class (None: found out), with which arguments (both None: its own)."""

    entry: str | None = None
    arguments: tuple[Any, ...] | None = None
    values: dict[str, Any] | None = None
    seed: int = 0


@dataclass(frozen=True)
class Report:
    """The verdict on one file. `file` as it was given; `hash` is the candidate's id, known once it was built.

    `duplicate_of`: an earlier file with the same network; its verdict holds for this one as well.
    """

    file: str
    climb: Climb
    duplicate_of: str | None = None

    @property
    def accepted(self) -> bool:
        return self.climb.accepted

    def to_dict(self) -> dict[str, Any]:
        """As `neuromosaic validate --json` prints it."""
        climb, figures = self.climb, self.climb.figures
        return {
            "file": self.file, "accepted": self.accepted, "lane": climb.lane, "boundary": climb.boundary,
            "gate": climb.stopped_by, "findings": [finding.model_dump(mode="json") for finding in climb.findings],
            "parameters": _whole(figures.get("parameters")), "flops": _whole(figures.get("flops")),
            "peak_memory_mb": figures.get("peak_memory_mb"), "hash": climb.candidate_id,
            "duplicate_of": self.duplicate_of,
            "ms": {verdict.gate: round(verdict.milliseconds, 2) for verdict in climb.verdicts},
        }  # fmt: skip


def validate(
    files: Sequence[Path], ladder: Ladder, construction: Construction, suite: str | None = None, jobs: int = 2,
    up_to: str = "learn",
) -> Iterator[Report]:  # fmt: skip
    """One report per file, in their order; `jobs` of them are worked on at once.

    A network that several files have is judged once. Raises InfrastructureError where the machine failed.
    """
    bench = _Bench(ladder, suite, up_to)
    with ThreadPoolExecutor(jobs) as pool:
        climbs = [pool.submit(bench.climb, number, file, construction) for number, file in enumerate(files)]
        try:
            yield from _reports(files, climbs)
        finally:
            for climb in climbs:
                climb.cancel()


def _reports(files: Sequence[Path], climbs: list[Future[Climb]]) -> Iterator[Report]:
    """The first file of several with one network is the original, whichever was judged."""
    originals: dict[str, str] = {}
    for file, future in zip(files, climbs, strict=True):
        climb = future.result()
        if climb.duplicate_of is not None:
            climb = _with_verdicts_of(_judged(climb, climbs), climb)
        first = originals.setdefault(climb.candidate_id, str(file)) if climb.candidate_id else str(file)
        yield Report(str(file), climb, first if first != str(file) else None)


def _judged(climb: Climb, climbs: list[Future[Climb]]) -> Climb:
    """The climb whose verdicts a duplicate takes over: its owner's, who may have met a quicker file's network."""
    while climb.duplicate_of is not None:
        climb = climbs[int(climb.duplicate_of)].result()
    return climb


class _Bench:
    """What the files have in common while they are judged: the networks that are known, and by whom."""

    def __init__(self, ladder: Ladder, suite: str | None, up_to: str) -> None:
        self._ladder, self._suite, self._up_to = ladder, suite, up_to
        self._owners: dict[str, int] = {}
        self._lock = threading.Lock()

    def climb(self, number: int, file: Path, construction: Construction) -> Climb:
        source = _read(file)
        program = source if isinstance(source, Finding) else _program(source, construction)
        if isinstance(program, Finding):
            return Climb(self._ladder.sandbox.boundary, (Verdict("parse", (program,)),))
        return self._ladder.climb(program, self._suite, partial(self._owner_of, number), self._up_to)

    def _owner_of(self, asking: int, key: str) -> str | None:
        """Who was the first to ask for a network; nobody, if that is who asks now."""
        with self._lock:
            owner = self._owners.setdefault(key, asking)
        return None if owner == asking else str(owner)


def _with_verdicts_of(owner: Climb, climb: Climb) -> Climb:
    """The judged network's verdicts, but what this file's own Python shows counts for itself."""
    theirs = owner.exported.findings if owner.exported else ()
    own = climb.exported.findings if climb.exported else theirs
    verdicts = [_without(verdict, theirs, own) for verdict in owner.verdicts]
    return replace(owner, verdicts=tuple(_up_to_first_failure(verdicts)))


def _without(verdict: Verdict, theirs: tuple[Finding, ...], own: tuple[Finding, ...]) -> Verdict:
    if verdict.gate != "behave":
        return verdict
    return replace(verdict, findings=(*own, *(finding for finding in verdict.findings if finding not in theirs)))


def _up_to_first_failure(verdicts: list[Verdict]) -> Iterator[Verdict]:
    for verdict in verdicts:
        yield verdict
        if not verdict.passed:
            return


def _read(file: Path) -> str | Finding:
    """The text, or why it is none; a huge file is not even read."""
    try:
        if (size := file.stat().st_size) > LARGEST:
            return too_large(size)
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unreadable(f"the file is not UTF-8 text (byte {error.start})")
    except OSError as error:
        return _unreadable(f"the file cannot be read: {error.strerror}")


def _unreadable(message: str) -> Finding:
    return Finding(gate="parse", code="syntax", message=message)


def _program(source: str, construction: Construction) -> Program | Finding:
    tree = read_source(source)
    if isinstance(tree, Finding):
        return tree
    entry = construction.entry or find_entry(tree)
    if isinstance(entry, Finding):
        return entry
    arguments, values = construction.arguments, construction.values
    stated = arguments is not None or values is not None
    own = not stated and any(getattr(node, "name", None) == FACTORY for node in tree.body)
    return Program(source, values or {}, construction.seed, entry, None if own else arguments or ())


def _whole(figure: float | None) -> int | None:
    return None if figure is None else round(figure)
