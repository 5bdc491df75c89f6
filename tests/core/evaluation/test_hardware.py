import time
from pathlib import Path

import pytest
import torch

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation import hardware
from neuromosaic.core.evaluation.hardware import choose_device, places, profile


def test_auto_is_the_best_device_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for cuda, mps in ((True, True), (False, True), (False, False)):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda mps=mps: mps)
        found.append(choose_device("auto"))
    assert found == ["cuda", "mps", "cpu"]


def test_a_device_that_is_there_is_itself() -> None:
    assert choose_device("cpu") == "cpu"


def test_a_device_that_is_missing_or_unknown_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="no cuda; use auto or cpu"):
        choose_device("cuda")
    with pytest.raises(UsageError, match="'tpu' is unknown; use auto, cuda, mps or cpu"):
        choose_device("tpu")


def test_the_profile_of_this_machine() -> None:
    start = time.perf_counter()
    found = profile("cpu")
    assert time.perf_counter() - start < 3  # 0.1 s on a quiet machine
    assert found.device == "cpu"
    assert found.name
    assert found.cores >= 1
    assert 0.1 < found.memory_gb < 100_000
    assert 0.5 < found.gflops < 10_000


def test_measuring_puts_the_threads_back() -> None:
    torch.set_num_threads(2)
    profile("cpu")
    assert torch.get_num_threads() == 2


def test_the_name_is_read_where_the_system_tells_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Fast One 9000\n\nmodel name\t: Other\n")
    monkeypatch.setattr(hardware, "CPUINFO", cpuinfo)
    assert hardware._name("cpu") == "Fast One 9000"
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "missing")
    assert hardware._name("cpu")


@pytest.mark.parametrize(("limit", "capped"), [("1000000\n", True), ("max\n", False)])
def test_a_memory_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str, capped: bool) -> None:
    (tmp_path / "memory.max").write_text(limit)
    monkeypatch.setattr(hardware, "MEMORY_LIMIT", tmp_path / "memory.max")
    assert (hardware.memory("cpu") == 1_000_000) == capped


def test_each_of_several_devices_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for count, names in ((0, ("cuda",)), (1, ("cuda",)), (3, ("cuda:0", "cuda:1", "cuda:2"))):
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        assert places("cuda") == names
        assert places("cpu") == ("cpu",)
