"""How much a child has written: the kernel limits each file, this the sum of them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from neuromosaic.core.workers.limits import LARGEST_FILE

MOST_BYTES: Final = 2 * LARGEST_FILE
MOST_FILES: Final = 10_000
BLOCK: Final = 512  # the unit of st_blocks, on every file system


def is_over(pid: int, folder: Path) -> bool:
    """Whether what lies below `folder`, and what `pid` has removed and still holds open, is too much or too many."""
    seen: set[int] = set()
    total = 0
    for status in _statuses(pid, folder):
        if status.st_ino not in seen:
            seen.add(status.st_ino)
            total += status.st_blocks * BLOCK
        if len(seen) > MOST_FILES or total > MOST_BYTES:
            return True
    return False


def _statuses(pid: int, folder: Path) -> Iterator[os.stat_result]:
    home = folder.stat().st_dev
    for entry in _entries(folder):
        with contextlib.suppress(OSError):  # removed in the meantime
            yield entry.stat(follow_symlinks=False)
    for name in _names(Path(f"/proc/{pid}/fd")):
        with contextlib.suppress(OSError):
            status = os.stat(f"/proc/{pid}/fd/{name}")
            if status.st_nlink == 0 and status.st_dev == home:
                yield status


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """Everything below a folder, without recursion: how deep it is, is the child's choice."""
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _names(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []
