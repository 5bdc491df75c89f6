"""What the same attempts come to without walls: the checks of the boundary would show nothing if nothing got through.

Attempts on the machine are played on a sandbox whose boundary is off, with resource limits alone; those on resources,
on the verdict and on whoever reads a graph on a checker that is one process with the candidate (naive.py).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, Self

from tests.hostile.attempts import Attempt
from tests.hostile.bench import Bench
from tests.hostile.playing import GRACE, Result, try_attempt
from tests.hostile.traps import MOST_MB, Traps, overhearing

IN_ONE_PROCESS: Final = ("resources", "tampering", "graph")
OWN_MB: Final = 500.0
"""What the naive checker itself takes."""


class Control:
    """Both ways to do without walls."""

    def __init__(self) -> None:
        self._bench: Bench | None = None
        self._naive: Naive | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._bench, self._naive):
            if each is not None:
                each.__exit__()

    def try_attempt(self, attempt: Attempt) -> Result:
        if attempt.category in IN_ONE_PROCESS:
            self._naive = self._naive or Naive()
            return self._naive.try_attempt(attempt)
        self._bench = self._bench or Bench("none")
        return try_attempt(self._bench, attempt)


class Naive:
    """The checker that believes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.naive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        assert self._read() == "ready\n"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def try_attempt(self, attempt: Attempt) -> Result:
        with Traps(lambda: set()) as traps, overhearing(traps.secret):
            traps.arm()
            told = self._ask(attempt, attempt.armed({**traps.places, "SIBLING_PID": traps.places["VICTIM_PID"]}))
            found = [*_harm(told), *traps.sprung()]
        believed = "believed" if attempt.category == "tampering" and self._fools(attempt, told) else ""
        return Result(str(attempt), attempt.category, tuple(found), believed, reason=str(told["said"])[:200])

    def _fools(self, attempt: Attempt, told: dict[str, Any]) -> bool:
        return accepted(told) and not accepted(self._ask(attempt, attempt.disarmed))

    def _ask(self, attempt: Attempt, source: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="naive-", ignore_cleanup_errors=True) as folder:
            job = {"play": attempt.play, "source": source, "folder": folder, "seconds": attempt.seconds + GRACE}
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            told: dict[str, Any] = json.loads(self._read())
            _clear(Path(folder))
            return told

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def accepted(told: dict[str, Any]) -> bool:
    """As its last line says; without one, as its exit code says."""
    try:
        said = json.loads(told["said"])
        return bool(said["accepted"])
    except (TypeError, ValueError, KeyError):
        return bool(told["status"] == 0)


def _harm(told: dict[str, Any]) -> list[str]:
    """Being one process, the candidate takes its checker with it."""
    status = told["status"]
    found = ["hung the checker"] if status is None else []
    found += ["ended the checker"] if status is not None and status < 0 else []
    return found + (["took far too much memory"] if told["memory_mb"] > OWN_MB + MOST_MB else [])


def _clear(folder: Path) -> None:
    from neuromosaic.core.workers.clearing import clear_at_once

    clear_at_once(folder)
    folder.mkdir(exist_ok=True)
