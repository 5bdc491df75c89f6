"""The machine: which device to use, and how fast it is."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from neuromosaic.core.errors import UsageError
from neuromosaic.core.role_inputs import Hardware

DEVICES = ("cuda", "mps", "cpu")  # the first that is there is what "auto" takes
SECONDS = 0.2  # spent on measuring
CPU_SIDE, ACCELERATOR_SIDE = 512, 4096

TRIAD_MB = 128  # copied; far more than caches hold

CPUINFO = Path("/proc/cpuinfo")
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


def choose_device(name: str) -> str:
    """ "auto" to the best device that is there; any other name to itself.

    Raises UsageError where the device is unknown or not on this machine.
    """
    if name == "auto":
        return next(device for device in DEVICES if _is_there(device))
    if name not in DEVICES:
        raise UsageError(f"device: {name!r} is unknown; use auto, cuda, mps or cpu")
    if not _is_there(name):
        raise UsageError(f"device: this machine's PyTorch has no {name}; use auto or cpu")
    return name


def profile(device: str) -> Hardware:
    """What `device` ("cpu", "cuda" or "mps") is and does; takes about a quarter of a second.

    `gflops`: median of several float32 products of 512x512 matrices on one thread, or of 4096x4096 on an
    accelerator. `memory_gb` (10^9 bytes): what this process may use, or the accelerator's own.
    """
    return Hardware(
        device=device,
        name=_name(device),
        cores=cores(),
        memory_gb=round(memory(device) / 1e9, 1),
        gflops=_gflops(device),
        devices=len(places(device)),
    )


def places(device: str) -> tuple[str, ...]:
    """Each accelerator of a kind by its own name ("cuda:0", "cuda:1"); of a kind that there is one of, that name."""
    count = _count(device)
    return tuple(f"{device}:{number}" for number in range(count)) if count > 1 else (device,)


def _count(device: str) -> int:
    if device != "cuda":
        return 1
    import torch

    return torch.cuda.device_count()


class Roofline(NamedTuple):
    """What one thread (or an accelerator) reaches: 10^9 float32 operations, and bytes copied, a second."""

    gflops: float
    gigabytes: float

    def allows(self, intensity: float) -> float:
        """10^9 operations a second at most, of work with `intensity` operations per byte that is moved."""
        return min(self.gflops, intensity * self.gigabytes)


def roofline(device: str) -> Roofline:
    """Measured as `profile` measures; the bytes by copies of 128 MB."""
    return Roofline(_gflops(device), _gigabytes(device))


def _is_there(device: str) -> bool:
    import torch

    if device == "cuda":
        return torch.cuda.is_available()
    return device == "cpu" or torch.backends.mps.is_available()


def _name(device: str) -> str:
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    named = [line.partition(":")[2].strip() for line in _lines(CPUINFO) if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory(device: str) -> int:
    """Bytes of the device's memory, as far as this process may have them."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_properties(0).total_memory
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [int(line) for line in _lines(MEMORY_LIMIT) if line.isdigit()]
    return min([physical, *limits])


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _gflops(device: str) -> float:
    import torch

    side = CPU_SIDE if device == "cpu" else ACCELERATOR_SIDE
    matrix = torch.full((side, side), 1 / side, device=device)
    with _one_thread():
        seconds = _median_seconds(lambda: float((matrix @ matrix)[0, 0]))  # reading one value waits for the device
    return round(2 * side**3 / seconds / 1e9, 1)


def _gigabytes(device: str) -> float:
    import torch

    source = torch.zeros(TRIAD_MB * 2**20, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        if device != "cpu":
            int(target[0])  # waits for the device

    with _one_thread():
        seconds = _median_seconds(copy)
    return round(2 * source.numel() / seconds / 1e9, 1)


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _median_seconds(work: Callable[[], object]) -> float:
    work()
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 25):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
