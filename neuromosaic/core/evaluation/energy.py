"""What a stretch of work took in energy, where the machine tells it. Read on the host.

CPUs tell it by Intel's RAPL counters (AMD's kernels fill the same files), which are readable by root alone on most
systems; NVIDIA's GPUs by their driver's library. Both count whoever was at work, so that a figure means something on
a quiet machine only.
"""

import ctypes
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

POWERCAP = Path("/sys/class/powercap")
NVML = "libnvidia-ml.so.1"
MICRO, MILLI = 1e-6, 1e-3


class Energy(NamedTuple):
    """`joules` of all sources together over `seconds`; None where the machine tells nothing."""

    joules: float | None
    seconds: float
    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.joules is None:
            return "energy: this machine does not tell it"
        watts = self.joules / self.seconds
        return f"energy: {self.joules:.3g} J in {self.seconds:.3g} s ({watts:.3g} W; {', '.join(self.sources)})"


class EnergyWatch:
    """`with EnergyWatch("cpu") as watch: ...`; then `watch.energy` is what was taken meanwhile.

    `device` "cuda" adds the first GPU's. A counter that has begun anew is read on.
    """

    def __init__(self, device: str = "cpu", powercap: Path = POWERCAP, library: Any = None) -> None:
        self._packages = sorted(path for path in powercap.glob("intel-rapl:*") if path.name.count(":") == 1)
        self._gpu = _Gpu.found(library) if device == "cuda" else None
        self.energy = Energy(None, 0.0)

    def __enter__(self) -> Self:
        self._began, self._before = time.monotonic(), self._counters()
        return self

    def __exit__(self, *_: object) -> None:
        after, seconds = self._counters(), time.monotonic() - self._began
        both = [name for name in self._before if name in after]
        taken = [self._taken(name, self._before[name], after[name]) for name in both]
        self.energy = Energy(sum(taken) if both else None, seconds, tuple(both))

    def _counters(self) -> dict[str, float]:
        """Joules by source."""
        found: dict[str, float] = {}
        for package in self._packages:
            with suppress(OSError, ValueError):  # for root alone
                found[package.name] = MICRO * int((package / "energy_uj").read_text())
        if self._gpu is not None and (joules := self._gpu.joules()) is not None:
            found["GPU"] = joules
        return found

    def _taken(self, name: str, before: float, after: float) -> float:
        if after >= before:
            return after - before
        package = next(one for one in self._packages if one.name == name)
        return after - before + MICRO * int((package / "max_energy_range_uj").read_text())


class _Gpu:
    """The counter of the first GPU, by NVIDIA's management library."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library, self._handle = library, handle

    @classmethod
    def found(cls, library: Any = None) -> "_Gpu | None":
        with suppress(OSError):
            library = library or ctypes.CDLL(NVML)
            handle = ctypes.c_void_p()
            if library.nvmlInit_v2() == 0 and library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle)) == 0:
                return cls(library, handle)
        return None

    def joules(self) -> float | None:
        """Since the driver was loaded; None where this GPU does not count."""
        value = ctypes.c_ulonglong()
        failed = self._library.nvmlDeviceGetTotalEnergyConsumption(self._handle, ctypes.byref(value))
        return None if failed else MILLI * value.value
