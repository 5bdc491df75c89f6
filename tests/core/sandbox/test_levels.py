"""The sandbox on kernels that lack something: the next level is used, works, and is named; less is refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.workers import bubblewrap, landlock

ATTEMPTS = Path(__file__).with_name("attempts.py")
DENIED = Path(__file__).parents[1] / "workers" / "denied.py"
REFUSALS = ("PermissionError", "FileNotFoundError", "Read-only")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or landlock.abi() < landlock.OLDEST, reason="this kernel has nothing to be denied"
)


def on_a_kernel_without(lacks: str, boundary: str = "auto") -> dict[str, Any]:
    command = [sys.executable, str(ATTEMPTS), boundary]
    if lacks:
        command = [sys.executable, str(DENIED), lacks, *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.mark.parametrize("lacks", ["", "namespaces", "namespaces,landlock", "landlock-refused"])
def test_every_level_works_and_lets_nothing_out(lacks: str) -> None:
    facts = on_a_kernel_without(lacks)
    wrapped = "landlock+seccomp" if bubblewrap.why_not() else "bubblewrap+landlock+seccomp"
    level = {"": wrapped, "namespaces": "landlock+seccomp"}.get(lacks, "seccomp")
    assert (facts["level"], facts["export"], facts["suite"]) == (level, True, {"test_it": "passed"})
    out = {way: said for way, said in facts["ways"].items() if not any(refusal in said for refusal in REFUSALS)}
    assert out == {}


@pytest.mark.parametrize(
    ("lacks", "boundary", "words"),
    [
        ("namespaces", "bubblewrap", "would be landlock+seccomp"),
        ("landlock", "landlock", "would be seccomp"),
        ("seccomp", "auto", "would be rlimits"),
    ],
)
def test_less_than_what_is_accepted_runs_nothing(lacks: str, boundary: str, words: str) -> None:
    facts = on_a_kernel_without(lacks, boundary)
    assert facts.keys() == {"refused", "cause"}
    assert facts["cause"] == "setup"
    assert words in facts["refused"]


def test_by_wish_there_are_no_walls() -> None:
    facts = on_a_kernel_without("", "none")
    assert facts["level"] == "rlimits"
    assert sum(said == "done" for said in facts["ways"].values()) >= len(facts["ways"]) // 2
