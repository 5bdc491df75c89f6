"""Removing a folder that somebody has done their worst to."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MINE: Final = 0o700


class _Level(NamedTuple):
    """A folder on the way down: what it is called in the one above, which it is, what it holds that is not done."""

    name: str
    identity: tuple[int, int]
    entries: list[str]


def clear(folder: Path) -> Generator[None, None, None]:
    """Removes `folder` and all in it, an entry with each step, so that the caller may do other work in between (or
    close the generator, and with it the one descriptor that it holds).

    However deep the folders are, nothing recurses (`shutil.rmtree` needs a descriptor and a frame for each level).
    What is closed is opened first; links are removed, not followed. Whatever cannot be removed stays. Ends where
    somebody moves a folder meanwhile, for its parent is then another one.
    """
    with contextlib.suppress(OSError):
        place = os.open(folder, FOLDER)
        way = [_Level("", _identity(place), os.listdir(place))]
        try:
            while len(way) > 1 or way[-1].entries:
                yield
                place = _down(place, way) if way[-1].entries else _up(place, way)
        finally:
            os.close(place)
        os.rmdir(folder)


def clear_at_once(folder: Path) -> None:
    """The same, in one go."""
    for _ in clear(folder):
        pass


def _down(place: int, way: list[_Level]) -> int:
    """Removes the next entry, or goes into it."""
    name = way[-1].entries.pop()
    with contextlib.suppress(OSError):  # not rmdir: of a deep folder that fails, and takes long to
        os.unlink(name, dir_fd=place)
        return place
    with contextlib.suppress(OSError):
        os.chmod(name, MINE, dir_fd=place)  # no link: that would have been removed
        inner = os.open(name, FOLDER, dir_fd=place)
        way.append(_Level(name, _identity(inner), os.listdir(inner)))
        os.close(place)
        return inner
    return place


def _up(place: int, way: list[_Level]) -> int:
    """Goes back up and removes what has been emptied."""
    outer = os.open("..", FOLDER, dir_fd=place)
    os.close(place)
    name = way.pop().name
    if _identity(outer) != way[-1].identity:
        way[:] = [_Level("", _identity(outer), [])]
        return outer
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=outer)
    return outer


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino
