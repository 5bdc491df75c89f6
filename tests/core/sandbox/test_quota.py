"""What a child has written is counted, with what it hides."""

import os
from pathlib import Path

import pytest

from neuromosaic.core.sandbox import quota

NOBODY = 2**22 + 1  # no process has this number


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MOST_BYTES", 100_000)
    monkeypatch.setattr(quota, "MOST_FILES", 10)


def test_the_sum_of_all_files_counts(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for number, place in enumerate((tmp_path, tmp_path / "a", tmp_path / "a" / "b")):
        assert not quota.is_over(NOBODY, tmp_path)
        (place / f"{number}").write_bytes(bytes(40_000))
    assert quota.is_over(NOBODY, tmp_path)


def test_so_does_their_number(tmp_path: Path) -> None:
    for number in range(11):
        assert not quota.is_over(NOBODY, tmp_path)
        (tmp_path / f"{number}").touch()
    assert quota.is_over(NOBODY, tmp_path)


def test_what_was_removed_and_is_still_open_counts_and_what_never_was_written_does_not(tmp_path: Path) -> None:
    with (tmp_path / "hidden").open("wb") as hidden, (tmp_path / "hollow").open("wb") as hollow:
        hollow.truncate(10**9)
        (tmp_path / "hidden").unlink()
        assert not quota.is_over(os.getpid(), tmp_path)
        hidden.write(bytes(200_000))
        hidden.flush()
        assert quota.is_over(os.getpid(), tmp_path)
    assert not quota.is_over(os.getpid(), tmp_path)


def test_a_process_that_is_gone_has_its_folder_counted(tmp_path: Path) -> None:
    assert not quota.is_over(NOBODY, tmp_path)
    assert list(quota._entries(tmp_path / "nowhere")) == []
