"""What else keeps this machine busy while something is measured. Read on the host, from /proc."""

import os
import time
from pathlib import Path
from typing import NamedTuple, Self

PROC = Path("/proc")
NAMED = 0.05  # cores: who takes less is not named
IDLE = 0.25  # cores that others may take before a measurement is called disturbed


class Load(NamedTuple):
    """`cores` that others kept busy on average, and by what, the busiest first; None where it cannot be seen."""

    cores: float | None
    busiest: tuple[str, ...] = ()

    @property
    def is_quiet(self) -> bool:
        return self.cores is not None and self.cores <= IDLE

    def __str__(self) -> str:
        if self.cores is None:
            return "other load cannot be seen on this system"
        if self.is_quiet:
            return "no other load"
        named = ", ".join(self.busiest) or "processes that cannot be seen from here"
        return f"other load: {self.cores:.1f} cores busy ({named}); figures may be too high"


class _Process(NamedTuple):
    parent: int
    name: str
    ticks: int


class LoadWatch:
    """`with LoadWatch() as watch: ...`; then `watch.load` is that of others, own child processes left out."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc, self.load = proc, Load(None)

    def __enter__(self) -> Self:
        self._began, self._before, self._busy = time.monotonic(), self._processes(), self._all_ticks()
        return self

    def __exit__(self, *_: object) -> None:
        after, busy = self._processes(), self._all_ticks()
        seconds = time.monotonic() - self._began
        if busy is None or self._busy is None or seconds <= 0:
            return
        per_core = seconds * os.sysconf("SC_CLK_TCK")
        spent = {pid: (one.ticks - self._ticks_before(pid)) / per_core for pid, one in after.items()}
        own = _tree(after, os.getpid())
        others = max(0.0, (busy - self._busy) / per_core - sum(spent[pid] for pid in own))
        named = sorted((share, after[pid].name) for pid, share in spent.items() if pid not in own and share > NAMED)
        self.load = Load(others, tuple(dict.fromkeys(name for _, name in reversed(named))))

    def _ticks_before(self, pid: int) -> int:
        return self._before[pid].ticks if pid in self._before else 0

    def _processes(self) -> dict[int, _Process]:
        found = {}
        for folder in self._proc.glob("[0-9]*"):
            try:
                name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
                fields = rest.split()
                found[int(folder.name)] = _Process(int(fields[1]), name, int(fields[11]) + int(fields[12]))
            except (OSError, ValueError, IndexError):
                continue  # it ended in the meantime
        return found

    def _all_ticks(self) -> int | None:
        """All that is not idle, of all cores."""
        try:
            fields = [int(part) for part in (self._proc / "stat").read_text().splitlines()[0].split()[1:9]]
        except (OSError, ValueError, IndexError):
            return None
        return sum(fields) - fields[3] - fields[4]


def _tree(processes: dict[int, _Process], root: int) -> set[int]:
    """A process and all below it."""
    found = {root} & processes.keys()
    while more := {pid for pid, one in processes.items() if one.parent in found} - found:
        found |= more
    return found
