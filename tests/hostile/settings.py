"""The machines that the corpus is played on: with and without namespaces and Landlock, as root and as anybody.

What this machine has and a setting lacks is taken away by a seccomp filter (tests/core/workers/denied.py); the
ordinary user is another one where we are root. Python may lie where root alone may go: the ordinary user then sees
it in a mount namespace of its own.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from neuromosaic.core.workers.privileges import ENTER

ROOT: Final = Path(__file__).parents[2]
ORDINARY: Final = 64_321
DENIED: Final = ROOT / "tests" / "core" / "workers" / "denied.py"
LACKS: Final = {
    "bubblewrap+landlock+seccomp": "", "landlock+seccomp": "namespaces", "seccomp": "namespaces,landlock",
}  # fmt: skip


class Setting(NamedTuple):
    """`level`: of the boundary that is to be expected; "none" for the control. `user`: "root" or "ordinary"."""

    level: str
    user: str

    def command(self, *names: str) -> list[str]:
        how = ["--control"] if self.level == "none" else []
        lacks = LACKS.get(self.level)
        denied = [sys.executable, str(DENIED), lacks] if lacks else []
        return [*as_user(self.user), *denied, sys.executable, "-m", "tests.hostile.corpus", *how, *names]


def settings() -> list[Setting]:
    """All that this user can bring about, the control last."""
    users = ["root", "ordinary"] if os.geteuid() == 0 else ["ordinary"]
    return [Setting(level, user) for level in LACKS for user in users] + [Setting("none", users[0])]


def run(setting: Setting, *names: str, timeout: float = 900.0) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The attempts' results, and the summary. Raises RuntimeError with the last words where it came to none."""
    done = subprocess.run(
        setting.command(*names), capture_output=True, text=True, timeout=timeout, cwd="/", check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HOME": "/tmp"},
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"{setting}: {done.stderr[-2000:]}")
    *results, summary = lines
    return results, summary


def as_user(user: str) -> list[str]:
    """The beginning of a command that is to be run as that user."""
    if user != "ordinary" or os.geteuid() != 0:
        return []
    drop = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--inh-caps=-all"]
    closed = {path: wall for path in _needed() if (wall := _closed(path)) is not None}
    if not closed:
        return drop
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _opened(closed, drop), "sh"]


def _needed() -> list[Path]:
    return sorted({Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT})


def _closed(path: Path) -> Path | None:
    """The first folder on the way that not everybody may enter."""
    way = [*reversed(path.parents), path]
    return next((folder for folder in way if not folder.stat().st_mode & ENTER), None)


def _opened(closed: dict[Path, Path], drop: Sequence[str]) -> str:
    """Shell: of the closed folders there is nothing to be seen but what is needed."""
    stash = Path(tempfile.mkdtemp(prefix="hostile-"))
    aside = [f"mkdir {stash}/{n} && mount --bind {shlex.quote(str(p))} {stash}/{n}" for n, p in enumerate(closed)]
    over = [f"mount -t tmpfs -o mode=755 none {shlex.quote(str(wall))}" for wall in sorted(set(closed.values()))]
    back = [
        f"mkdir -p {shlex.quote(str(p))} && mount --bind {stash}/{n} {shlex.quote(str(p))}"
        for n, p in enumerate(closed)
    ]
    return " && ".join([*aside, *over, *back, f'exec {shlex.join(drop)} "$@"'])
