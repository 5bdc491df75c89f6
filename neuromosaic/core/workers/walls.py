"""How a worker walls itself in, before it touches anything proposed. What is walled in cannot break out again.

Landlock guards files (and TCP, signals, abstract sockets), seccomp the rest of what can be asked of the kernel. The
label names only walls that were tried and held.
"""

import os
import socket
import sys
from collections.abc import Callable
from typing import Literal

from neuromosaic.core.workers import landlock, seccomp
from neuromosaic.core.workers.boundary import BARE
from neuromosaic.core.workers.limits import Limits, limit_resources
from neuromosaic.core.workers.policy import BEHIND_LANDLOCK, READING, SUPERVISED
from neuromosaic.core.workers.privileges import give_up_privileges

Around = Literal["none", "nothing", "bubblewrap"]
"""What stands around a zygote: "none" and nothing is to be built by its children either; nothing yet; bubblewrap."""

Supervise = Callable[[int], None]
"""Hands the descriptor of a child's listener to whoever supervises it."""


def lock_child(limits: Limits, around: Around, supervise: Supervise | None = None) -> str:
    """Locks a child of the sandbox; the level of the boundary then in force.

    `supervise` is there where the kernel has no Landlock: the child's files are then opened by its supervisor.
    Raises WorkerError "setup" where a resource cannot be limited.
    """
    limit_resources(limits)
    if around == "none" or sys.platform != "linux" or not give_up_privileges():
        return BARE
    if supervise is not None:
        return "seccomp" if _supervised(supervise) and _calls_denied() else BARE
    if not (_files_walled(limits) and seccomp.restrict(BEHIND_LANDLOCK) and _calls_denied()):
        return BARE
    return "bubblewrap+landlock+seccomp" if around == "bubblewrap" else "landlock+seccomp"


def lock_judge(limits: Limits, *, devices: bool) -> str:
    """Locks a worker of the judge, which never ran proposed Python, as far as this machine and its devices allow."""
    limit_resources(limits, devices=devices)
    if devices or sys.platform != "linux" or not give_up_privileges():
        return BARE
    files, calls = _files_walled(limits), seccomp.restrict(READING) and _calls_denied()
    return ("landlock+seccomp" if files else "seccomp") if calls else BARE


def _files_walled(limits: Limits) -> bool:
    return landlock.restrict(limits.folder) and _files_denied()


def _supervised(supervise: Supervise) -> bool:
    listener = seccomp.restrict_supervised(SUPERVISED)
    if listener is None:
        return False
    supervise(listener)
    return _files_denied() and _readable(__file__)


def _files_denied() -> bool:
    return _denied(lambda: os.listdir("/"))


def _calls_denied() -> bool:
    return _denied(lambda: socket.socket().close())


def _readable(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    return True


def _denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except PermissionError:
        return True
    return False
