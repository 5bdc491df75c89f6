"""What a worker may do by who it is: its parent, its user, its powers."""

import contextlib
import ctypes
import os
import signal
import struct
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

import neuromosaic

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38
CAPABILITY_VERSION: Final = 0x20080522
NOBODY: Final = 65534
ENTER, READ_AND_ENTER = 0o001, 0o005


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process as soon as the one that started it is gone (Linux).

    A change of user clears this: to be called after it.
    """
    with contextlib.suppress(AttributeError):
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)  # it went before we asked


def adopt_orphans() -> bool:
    """Has this process become the parent of whatever its children leave behind; False where it cannot (not Linux)."""
    return sys.platform == "linux" and _prctl(PR_SET_CHILD_SUBREAPER, 1) == 0


def give_up_privileges() -> bool:
    """No capabilities (root keeps its files, not its powers), and no way to new ones."""
    header, nothing = struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24)
    return ctypes.CDLL(None).capset(header, nothing) == 0 and _prctl(PR_SET_NO_NEW_PRIVS, 1) == 0


def weaker_user() -> int | None:
    """Whom root starts its workers as: "nobody", where everybody can read Python; None: as who we are.

    Python below a home that is root's alone could not be loaded by anybody else.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    return NOBODY if all(map(open_to_all, _python())) else None


def open_to_all(path: Path) -> bool:
    """Whether anybody may read the folder (or file) and get there."""
    try:
        parents = all(parent.stat().st_mode & ENTER for parent in path.absolute().parents)
        wanted = READ_AND_ENTER if path.is_dir() else READ_AND_ENTER & ~ENTER
        return parents and path.stat().st_mode & wanted == wanted
    except OSError:
        return False


def _python() -> set[Path]:
    """What a worker must be able to read, the packages one by one, links followed as well."""
    installed = {Path(sysconfig.get_paths()[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    packages = {entry for folder in installed if folder.is_dir() for entry in folder.iterdir() if entry.is_dir()}
    paths = {Path(sys.executable), *installed, *packages, Path(neuromosaic.__file__).parent}
    return {Path(tempfile.gettempdir()), *paths, *(path.resolve() for path in paths)}


def _prctl(option: int, value: int) -> int:
    unused = ctypes.c_ulong(0)
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), unused, unused, unused))
