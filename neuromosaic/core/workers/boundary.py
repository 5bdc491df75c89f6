"""The levels of the boundary around proposed code, and which of them a user accepts."""

import os
import sys
from typing import Final, Literal, get_args

from neuromosaic.core.errors import UsageError, WorkerError

Accepted = Literal["auto", "bubblewrap", "landlock", "seccomp", "none"]
"""The least that a user accepts. "auto": the strongest that this machine has, on Linux seccomp at the least.
"none": resource limits alone, even where the machine could do more."""

ACCEPTED: Final[tuple[str, ...]] = get_args(Accepted)
BARE: Final = "rlimits"
SPAWNED: Final = "spawned"
LEVELS: Final = (BARE, SPAWNED, "seccomp", "landlock+seccomp", "bubblewrap+landlock+seccomp")
"""Weakest first, as they stand in every verdict. "spawned": an interpreter a job, for want of better walls."""

NEEDED: Final = {"none": BARE, "seccomp": "seccomp", "landlock": LEVELS[3], "bubblewrap": LEVELS[4]}
REMEDIES: Final = {
    "seccomp": "this system has no seccomp filter: use Linux on x86-64 or aarch64",
    "landlock+seccomp": "this kernel has no Landlock: use Linux 5.13 or newer with lsm=...,landlock",
    "bubblewrap+landlock+seccomp": "bubblewrap cannot be started: install it, and allow user namespaces",
}  # fmt: skip


def accepted(name: str) -> Accepted:
    """Raises UsageError for what is no boundary."""
    for known in get_args(Accepted):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise UsageError(f"there is no boundary {name!r}: choose one of {', '.join(ACCEPTED)}")


def can_fork() -> bool:
    """Whether children can be forked from a warm process: only there can they be locked as well."""
    return sys.platform == "linux" and hasattr(os, "fork")


def least(boundary: Accepted) -> str:
    """The weakest level that `boundary` accepts on this system."""
    if boundary == "auto":
        return "seccomp" if can_fork() else SPAWNED
    return NEEDED[boundary]


def require(level: str, boundary: Accepted, why: str = "") -> None:
    """Raises WorkerError "setup", with the remedy, where `level` is below what `boundary` accepts.

    `why`: what this machine itself says of the wall that is missing.
    """
    needed = least(boundary)
    if LEVELS.index(level) >= LEVELS.index(needed):
        return
    missing = LEVELS[LEVELS.index(level) + 1] if level not in (BARE, SPAWNED) else "seccomp"
    raise WorkerError(
        f"the boundary around proposed code would be {level}, but --boundary {boundary} asks for {needed}: "
        f"{why or REMEDIES[missing]}, or accept a weaker --boundary",
        "setup",
    )
