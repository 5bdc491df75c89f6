"""Energy is told where the machine tells it, and said to be unknown where it does not."""

import ctypes
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.evaluation.energy import EnergyWatch


def package(root: Path, microjoules: int, name: str = "intel-rapl:0") -> None:
    (root / name).mkdir(parents=True, exist_ok=True)
    (root / name / "energy_uj").write_text(f"{microjoules}\n")
    (root / name / "max_energy_range_uj").write_text("10000000\n")


@pytest.mark.parametrize(("before", "after", "joules"), [(1_000_000, 4_500_000, 3.5), (9_000_000, 500_000, 1.5)])
def test_a_counter_is_read_also_where_it_begins_anew(tmp_path: Path, before: int, after: int, joules: float) -> None:
    package(tmp_path, before)
    package(tmp_path, 0, "intel-rapl:0:0")  # a part of the package, which counts already
    with EnergyWatch(powercap=tmp_path) as watch:
        package(tmp_path, after)
        package(tmp_path, 7, "intel-rapl:0:0")
    assert watch.energy.joules == pytest.approx(joules)
    assert watch.energy.sources == ("intel-rapl:0",)
    assert f"{joules:g} J" in str(watch.energy)


def test_a_machine_without_counters_says_so(tmp_path: Path) -> None:
    with EnergyWatch(powercap=tmp_path) as watch:
        pass
    assert watch.energy.joules is None
    assert str(watch.energy) == "energy: this machine does not tell it"


class Library:
    """NVIDIA's, as far as it is asked; `fails` as on a GPU that does not count."""

    def __init__(self, fails: bool = False) -> None:
        self.milli, self.fails = 1000, fails

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, number: int, handle: Any) -> int:
        return number

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, value: Any) -> int:
        ctypes.cast(value, ctypes.POINTER(ctypes.c_ulonglong))[0] = self.milli
        self.milli += 2500
        return int(self.fails)


@pytest.mark.parametrize(("fails", "joules"), [(False, 2.5), (True, None)])
def test_a_gpu_counts_besides(tmp_path: Path, fails: bool, joules: float | None) -> None:
    with EnergyWatch("cuda", tmp_path, Library(fails)) as watch:
        pass
    assert watch.energy.joules == joules
    assert watch.energy.sources == (() if fails else ("GPU",))
