"""Data of kinds that are held in memory are refused before they are read where it cannot hold them."""

from pathlib import Path

import numpy as np
import pytest

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.data.sources import fitting


def test_the_size_of_files_and_folders_counts(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(b"0" * 800_000)
    fitting.check_fits(path, 1_000_000)
    with pytest.raises(DataError, match=r"holds 0.0008 GB.* 0.0005 GB of memory"):
        fitting.check_fits(path, 500_000)
    with pytest.raises(DataError):
        fitting.check_fits(tmp_path, 500_000)


def test_a_design_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d.csv").write_text("a,b\n" + "1,2\n" * 500)
    monkeypatch.setattr(fitting, "memory", lambda _: 1000)
    with pytest.raises(DataError, match=r"give them as a folder with x\.npy and y\.npy, which is read from the disk"):
        load_dataset(Brief(data=str(tmp_path / "d.csv")))


def test_arrays_are_not_held_to_what_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).random((100, 4)), y=np.arange(100) % 2)
    monkeypatch.setattr(fitting, "memory", lambda _: 1000)
    assert len(load_dataset(Brief(data=str(tmp_path / "d.npz"))).train) == 68


def test_running_out_on_the_way_is_told_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setitem(
        __import__("neuromosaic.core.evaluation.data.sources", fromlist=["_FILES"])._FILES, ".csv", full
    )
    with pytest.raises(DataError, match="memory ran out"):
        load_dataset(Brief(data=str(tmp_path / "d.csv")))
