"""How a worker locks itself, before it touches anything proposed. What is locked cannot be undone by the process.

The walls are resource limits and, where the kernel has them, Landlock (files, signals, abstract sockets) and seccomp
(sockets, processes, tracing). The boundary's label names those that are really up.
"""

import contextlib
import ctypes
import math
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.workers import landlock, seccomp

MB: Final = 10**6
LARGEST_FILE: Final = 256 * MB
OPEN_FILES: Final = 256
PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38
CAPABILITY_VERSION: Final = 0x20080522


@dataclass(frozen=True)
class Limits:
    """What a worker may use: `memory_mb` (MB = 10^6 bytes) on top of what it has now, None for no limit;
    `cpu_seconds` of processor time, None for no limit; files below `folder` alone."""

    memory_mb: int | None
    cpu_seconds: float | None
    folder: Path


def lock(limits: Limits, *, devices: bool = False, walls: bool = True) -> str:
    """Locks this process and all that it starts; the label of the boundary then in force.

    `devices`: the worker uses an accelerator, whose driver needs files and address space that the walls would deny:
    then only processor time and core dumps are limited. `walls=False`: resource limits alone, by explicit wish.
    Raises WorkerError "setup" where a limit cannot be set.
    """
    try:
        _limit_resources(limits, devices)
    except (OSError, ValueError) as error:
        raise WorkerError(f"cannot limit a worker's resources: {error}", "setup") from None
    if devices or not walls:
        return "rlimits"
    if not (sys.platform == "linux" and _give_up_privileges()):
        return "rlimits"
    found = [name for name, is_up in (("landlock", _wall_files(limits.folder)), ("seccomp", _wall_calls())) if is_up]
    if "seccomp" not in found:
        _set(resource.RLIMIT_NPROC, 0)  # holds for an ordinary user only, and denies threads as well
    return "+".join(found) or "rlimits"


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process as soon as the one that started it is gone (Linux)."""
    with contextlib.suppress(AttributeError):
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)  # it went before we asked


def adopt_orphans() -> bool:
    """Has this process become the parent of whatever its children leave behind; False where it cannot (not Linux)."""
    return sys.platform == "linux" and _prctl(PR_SET_CHILD_SUBREAPER, 1) == 0


def silence() -> None:
    """Standard input, output and error go nowhere from here on."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _limit_resources(limits: Limits, devices: bool) -> None:
    _set(resource.RLIMIT_CORE, 0)
    if limits.cpu_seconds is not None:
        _set(resource.RLIMIT_CPU, math.ceil(limits.cpu_seconds))
    if devices:
        return
    _set(resource.RLIMIT_FSIZE, LARGEST_FILE)
    _set(resource.RLIMIT_NOFILE, OPEN_FILES)
    if limits.memory_mb is not None and (used := _address_space()) is not None:
        _set(resource.RLIMIT_AS, used + limits.memory_mb * MB)


def _set(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _address_space() -> int | None:
    """Bytes of address space in use; None where the system does not tell (then RLIMIT_AS is of no use either)."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return None


def _wall_files(folder: Path) -> bool:
    """Believed only after what it must deny was tried."""
    return landlock.restrict(folder) and _denied(lambda: os.listdir("/"))


def _wall_calls() -> bool:
    return seccomp.restrict() and _denied(lambda: socket.socket().close())


def _denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except PermissionError:
        return True
    return False


def _give_up_privileges() -> bool:
    """No capabilities (root keeps its files, not its powers), and no way to new ones."""
    header, nothing = struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24)
    return ctypes.CDLL(None).capset(header, nothing) == 0 and _prctl(PR_SET_NO_NEW_PRIVS, 1) == 0


def _prctl(option: int, value: int) -> int:
    unused = ctypes.c_ulong(0)
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), unused, unused, unused))
