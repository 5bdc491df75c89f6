"""The resources that a worker may use, as limits that it sets itself and cannot raise again."""

import contextlib
import math
import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neuromosaic.core.errors import WorkerError

MB: Final = 10**6
LARGEST_FILE: Final = 256 * MB
OPEN_FILES: Final = 256


@dataclass(frozen=True)
class Limits:
    """What a worker may use: `memory_mb` (MB = 10^6 bytes) on top of what it has now, None for no limit;
    `cpu_seconds` of processor time, None for no limit; files below `folder` alone."""

    memory_mb: int | None
    cpu_seconds: float | None
    folder: Path


def limit_resources(limits: Limits, *, devices: bool = False) -> None:
    """Sets them for this process and all that it starts; raises WorkerError "setup" where one cannot be set.

    `devices`: the worker uses an accelerator, whose driver needs files, threads and address space: then only
    processor time and core dumps are limited.
    """
    try:
        _set(resource.RLIMIT_CORE, 0)
        if limits.cpu_seconds is not None:
            _set(resource.RLIMIT_CPU, math.ceil(limits.cpu_seconds))
        if not devices:
            _limit_files_and_memory(limits)
    except (OSError, ValueError) as error:
        raise WorkerError(f"cannot limit a worker's resources: {error}", "setup") from None


def silence() -> None:
    """Standard input, output and error go nowhere from here on."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _limit_files_and_memory(limits: Limits) -> None:
    _set(resource.RLIMIT_FSIZE, LARGEST_FILE)
    _set(resource.RLIMIT_NOFILE, OPEN_FILES)
    _set(resource.RLIMIT_NPROC, 0)  # holds for ordinary users; threads count as processes
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
