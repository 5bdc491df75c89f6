"""Data that memory cannot hold are refused before they are read."""

from pathlib import Path

import numpy as np
import pytest

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.data.sources import fitting


def test_what_is_packed_counts_as_what_it_unpacks_to(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez_compressed(path, x=np.zeros((1000, 100)))
    assert path.stat().st_size < 10_000
    fitting.check_fits(path, 1_000_000)
    with pytest.raises(DataError, match=r"holds 0.0008 GB.* 0.0005 GB of memory"):
        fitting.check_fits(path, 500_000)
    with pytest.raises(DataError):
        fitting.check_fits(tmp_path, 500_000)


def test_a_design_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "d.npz", x=np.zeros((100, 4)), y=np.arange(100) % 2)
    monkeypatch.setattr(fitting, "memory", lambda _: 1000)
    with pytest.raises(DataError, match="design on a part of them"):
        load_dataset(Brief(data=str(tmp_path / "d.npz")))


def test_running_out_on_the_way_is_told_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setitem(
        __import__("neuromosaic.core.evaluation.data.sources", fromlist=["_FILES"])._FILES, ".csv", full
    )
    with pytest.raises(DataError, match="memory ran out"):
        load_dataset(Brief(data=str(tmp_path / "d.csv")))
