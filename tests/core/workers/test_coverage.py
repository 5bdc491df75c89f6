"""What a run came through of a source."""

import runpy
from pathlib import Path

from neuromosaic.core.workers.coverage import Coverage, coverage, traced

SOURCE = '''"""A docstring."""

WIDE: int


def choose(
    width: int,
) -> str:
    """Another."""
    global WIDE
    if (
        width > 3
    ):
        return "wide"
    for step in range(width):
        if step == 1:
            break
    else:
        WIDE = 1
    while True:
        return "narrow"


def one_line(x: int) -> int:
    if x: return 1
    return 2
'''


def ran(folder: Path, *widths: int) -> Coverage:
    path = folder / "model.py"
    path.write_text(SOURCE)
    with traced(path) as arcs:
        choose = runpy.run_path(str(path))["choose"]
        for width in widths:
            choose(width)
    return coverage(SOURCE, arcs)


def test_all_ways_are_found(tmp_path: Path) -> None:
    assert ran(tmp_path, 9, 0, 1, 2).missed == (25, 26)  # of `one_line`, which was not called


def test_what_was_not_come_through_is_told(tmp_path: Path) -> None:
    only_wide = ran(tmp_path, 9)
    assert only_wide.missed == (11, 15, 16, 17, 19, 20, 21, 25, 26)
    assert only_wide.share == only_wide.covered / only_wide.possible < 0.5
    never_past = ran(tmp_path, 2)
    assert never_past.missed == (11, 14, 15, 19, 25, 26)


def test_nothing_to_run_is_wholly_covered() -> None:
    assert coverage('"""Only words."""\n', set()).share == 1.0
