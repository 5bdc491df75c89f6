"""A folder is removed whatever is in it, and nothing beside it."""

import os
from pathlib import Path

import pytest

from neuromosaic.core.workers import clearing
from neuromosaic.core.workers.clearing import clear, clear_at_once


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    (made / "a" / "b").mkdir(parents=True)
    (made / "a" / "b" / "file").write_text("x")
    (made / "file").write_text("x")
    return made


def test_all_is_removed(folder: Path) -> None:
    clear_at_once(folder)
    assert not folder.exists()


def test_folders_deeper_than_a_stack(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)
    try:
        for _ in range(3000):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)
    clear_at_once(folder)
    assert not folder.exists()


def test_closed_folders_are_opened(folder: Path) -> None:
    (folder / "a").chmod(0)
    clear_at_once(folder)
    assert not folder.exists()


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    (folder / "link").symlink_to(tmp_path / "kept")
    clear_at_once(folder)
    assert (tmp_path / "kept" / "file").exists()
    assert not folder.exists()


def test_a_step_at_a_time(folder: Path) -> None:
    assert len(list(clear(folder))) >= 4


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    clear_at_once(tmp_path / "nowhere")


def test_what_cannot_be_removed_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuses(path: object, *arguments: object, **named: object) -> int:
        if path == "a":
            raise PermissionError
        return real(path, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(clearing.os, "open", refuses)
    clear_at_once(folder)
    assert (folder / "a" / "b" / "file").exists()
    assert not (folder / "file").exists()


def test_a_folder_that_is_moved_meanwhile_leads_nowhere_else(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "a").mkdir(parents=True)
    for number in range(9):
        (folder / "a" / "b" / str(number)).write_text("x")
    steps = clear(folder)
    while len(list((folder / "a" / "b").iterdir())) > 5:
        next(steps)  # it is inside b
    (folder / "a" / "b").rename(elsewhere / "b")
    list(steps)
    assert (elsewhere / "a").exists()
    assert (elsewhere / "b").exists()


def test_it_can_be_broken_off(folder: Path) -> None:
    steps = clear(folder)
    next(steps)
    before = len(os.listdir("/proc/self/fd"))
    steps.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1
    assert folder.exists()
