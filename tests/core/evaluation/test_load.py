"""Other load is seen, counted and named; one's own is not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuromosaic.core.evaluation.load import Load, LoadWatch

BURN = "import time; end = time.time() + {}\nwhile time.time() < end: pass"


def proc(root: Path, busy: int, processes: dict[int, tuple[int, str, int]]) -> Path:
    """A /proc with so many busy ticks, and pid -> (parent, name, ticks)."""
    root.mkdir(exist_ok=True)
    (root / "stat").write_text(f"cpu  {busy} 0 0 1000 5 0 0 0 0 0\n")
    for pid, (parent, name, ticks) in processes.items():
        (root / str(pid)).mkdir(exist_ok=True)
        (root / str(pid) / "stat").write_text(f"{pid} ({name}) R {parent} {'0 ' * 9}{ticks} 0 0 0")
    return root


def test_others_are_named_and_ones_own_children_are_not(tmp_path: Path) -> None:
    own, second = os.getpid(), os.sysconf("SC_CLK_TCK")
    before = {own: (1, "python", 10), 7: (own, "worker", 0), 8: (7, "below", 0), 9: (1, "a (b) c", 5)}
    with LoadWatch(proc(tmp_path, 0, before)) as watch:
        time.sleep(0.2)
        after = {**before, 8: (7, "below", second), 9: (1, "a (b) c", 5 + second), 10: (1, "late", 3 * second)}
        proc(tmp_path, 6 * second, after)
        (tmp_path / "11").mkdir()  # gone before it was read
    assert watch.load.busiest == ("late", "a (b) c")
    assert watch.load.cores is not None
    assert 10 < watch.load.cores <= 25  # five seconds' work in 0.2
    assert not watch.load.is_quiet
    assert "late, a (b) c" in str(watch.load)


def test_where_nothing_can_be_seen_it_says_so(tmp_path: Path) -> None:
    with LoadWatch(tmp_path / "none") as watch:
        pass
    assert str(watch.load) == "other load cannot be seen on this system"
    assert not watch.load.is_quiet
    assert str(Load(0.1)) == "no other load"
    assert "cannot be seen from here" in str(Load(2.0))


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="this system has no /proc")
def test_a_real_child_is_not_taken_for_other_load() -> None:
    with LoadWatch() as watch:
        subprocess.run([sys.executable, "-c", BURN.format(0.3)], check=True)
    assert watch.load.cores is not None
