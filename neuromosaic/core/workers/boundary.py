"""The levels of the boundary around proposed code, and which of them a user accepts."""

import os
import sys
from typing import Final, Literal

from neuromosaic.core.errors import WorkerError

Accepted = Literal["auto", "bubblewrap", "landlock", "seccomp", "none"]
"""The least that a user accepts. "auto": the strongest that this machine has, on Linux seccomp at the least.
"none": resource limits alone, even where the machine could do more."""

BARE: Final = "rlimits"
SPAWNED: Final = "spawned"
LEVELS: Final = (BARE, SPAWNED, "seccomp", "landlock+seccomp", "bubblewrap+landlock+seccomp")
"""Weakest first, as they stand in every verdict. "spawned": an interpreter a job, for want of better walls."""

NEEDED: Final = {"none": BARE, "seccomp": "seccomp", "landlock": LEVELS[3], "bubblewrap": LEVELS[4]}


def can_fork() -> bool:
    """Whether children can be forked from a warm process: only there can they be locked as well."""
    return sys.platform == "linux" and hasattr(os, "fork")


def least(boundary: Accepted) -> str:
    """The weakest level that `boundary` accepts on this system."""
    if boundary == "auto":
        return "seccomp" if can_fork() else SPAWNED
    return NEEDED[boundary]


def require(level: str, boundary: Accepted) -> None:
    """Raises WorkerError "setup" where `level` is less than `boundary` asks: what is missing, what to do."""
    needed = least(boundary)
    if LEVELS.index(level) < LEVELS.index(needed):
        raise WorkerError(
            f"the boundary around proposed code would be {level}, and {needed} is asked for: {obstacle(level)}; "
            "or accept less (--boundary)",
            "setup",
        )


def obstacle(level: str) -> str | None:
    """Why this machine does not have the level above `level`, and what to do; None at the top."""
    from neuromosaic.core.workers import bubblewrap
    from neuromosaic.core.workers.privileges import weaker_user

    if level == LEVELS[-1]:
        return None
    if level == LEVELS[-2]:
        return bubblewrap.why_not(weaker_user())
    if level == "seccomp":
        return "this kernel does not offer Landlock: Linux 6.2 or newer does, with landlock among its lsm= modules"
    return "this system has no seccomp filters: Linux on x86-64 or aarch64 has, where a container does not deny them"
