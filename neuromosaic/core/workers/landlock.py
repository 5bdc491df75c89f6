"""Landlock by system call: which files a process may touch (https://docs.kernel.org/userspace-api/landlock.html)."""

import contextlib
import ctypes
import functools
import importlib.util
import os
import struct
import sysconfig
from pathlib import Path
from typing import Final

import neuromosaic

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
VERSION_FLAG: Final = 1
PATH_BENEATH: Final = 1

EXECUTE, WRITE, READ_FILE, READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FOLDER, REMOVE_FILE, MAKE_FOLDER, MAKE_FILE = 1 << 4, 1 << 5, 1 << 7, 1 << 8
REFER, TRUNCATE = 1 << 13, 1 << 14
READ: Final = READ_FILE | READ_FOLDER
OWN: Final = READ | WRITE | REMOVE_FOLDER | REMOVE_FILE | MAKE_FOLDER | MAKE_FILE | REFER | TRUNCATE
"""No links, devices, pipes and sockets."""

FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16, 7: 16, 8: 16, 9: 17}
"""How many of the file rights (bits from 0) each version has: 2 links, 3 truncation, 5 devices, 9 Unix sockets."""
OLDEST, NEWEST = 3, max(FILE_RIGHTS)  # before 3, whatever can be read can be cut to nothing
ALL_NET: Final = 0b11  # bind and connect TCP, from version 4
ALL_SCOPES: Final = 0b11  # abstract Unix sockets and signals, from version 6
QUIET: Final = 1  # no audit record of what is denied, from version 7: a program could fill the log with them

SYSTEM: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo",
                 "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/zero")  # fmt: skip
PROCESSOR: Final = ("/proc/cpuinfo", "/sys/devices/system/cpu")
"""Math libraries choose their kernels by these: where they cannot read them, results differ in the last digits."""


def restrict(folder: Path) -> bool:
    """From here on: Python and its packages can be read, `folder` and /dev/null written, nothing else.

    Needs PR_SET_NO_NEW_PRIVS. False where the kernel cannot (then nothing has changed).
    """
    version = abi()
    if version < OLDEST:
        return False
    rights = (1 << FILE_RIGHTS[min(version, NEWEST)]) - 1
    ruleset = _create(version, rights)
    if ruleset < 0:
        return False
    try:
        for path in readable_paths():
            _allow(ruleset, path, READ & rights)
        _allow(ruleset, folder, OWN & rights)
        _allow(ruleset, Path(os.devnull), (READ_FILE | WRITE) & rights)
        return _syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(QUIET if version >= 7 else 0)) == 0
    finally:
        os.close(ruleset)


def abi() -> int:
    """The version that this kernel speaks; below 1 where it speaks none."""
    return _syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(VERSION_FLAG))


@functools.cache
def readable_paths() -> tuple[Path, ...]:
    """The standard library, installed packages, this package, the system's libraries: never all of sys.path."""
    installed = {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    torch = importlib.util.find_spec("torch")
    packages = {str(Path(torch.origin).parents[1])} if torch and torch.origin else set()
    ours = str(Path(neuromosaic.__file__).parent)
    return tuple(Path(path) for path in sorted({*installed, *packages, ours, *SYSTEM, *PROCESSOR}))


def _create(version: int, rights: int) -> int:
    """`struct landlock_ruleset_attr`, as long as this version knows it."""
    attributes = struct.pack("=QQQ", rights, ALL_NET, ALL_SCOPES)
    known = attributes[: 24 if version >= 6 else 16 if version >= 4 else 8]
    return _syscall(CREATE_RULESET, known, ctypes.c_size_t(len(known)), ctypes.c_uint(0))


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Paths that cannot be opened anyway need no rule; a file takes only the rights that files have."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not path.is_dir():
                rights &= EXECUTE | WRITE | READ_FILE
            rule = struct.pack("=Qi", rights, descriptor)
            _syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(PATH_BENEATH), rule, ctypes.c_uint(0))
        finally:
            os.close(descriptor)


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return int(libc.syscall(ctypes.c_long(number), *arguments))
