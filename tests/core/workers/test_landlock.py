"""Landlock, asked for as each version of the kernel knows it."""

import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.workers import landlock


def test_a_kernel_without_landlock_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(landlock, "_syscall", lambda *_: -1)
    assert landlock.restrict(tmp_path) is False
    monkeypatch.setattr(landlock, "abi", lambda: landlock.OLDEST)
    assert landlock.restrict(tmp_path) is False


def test_a_kernel_that_cannot_guard_truncation_is_not_good_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 2)
    monkeypatch.setattr(landlock, "_create", lambda *_: pytest.fail("asked"))
    assert landlock.restrict(tmp_path) is False


@pytest.mark.parametrize(
    ("version", "attributes", "quiet"),
    [
        (3, [(1 << 15) - 1], 0), (4, [(1 << 15) - 1, 3], 0), (5, [(1 << 16) - 1, 3], 0),
        (6, [(1 << 16) - 1, 3, 3], 0), (7, [(1 << 16) - 1, 3, 3], 1), (9, [(1 << 17) - 1, 3, 3], 1),
        (12, [(1 << 17) - 1, 3, 3], 1),
    ],
)  # fmt: skip
def test_each_version_is_asked_for_all_that_it_knows_and_no_more(
    version: int, attributes: list[int], quiet: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[Any, ...]] = []
    with (tmp_path / "ruleset").open("w") as file:

        def syscall(number: int, *arguments: Any) -> int:
            calls.append((number, *arguments))
            return os.dup(file.fileno()) if number == landlock.CREATE_RULESET else 0

        monkeypatch.setattr(landlock, "_syscall", syscall)
        monkeypatch.setattr(landlock, "abi", lambda: version)
        assert landlock.restrict(tmp_path)
    assert list(struct.unpack(f"={len(attributes)}Q", calls[0][1])) == attributes
    assert {number for number, *_ in calls} == {444, 445, 446}
    assert calls[-1][2].value == quiet
    granted = [struct.unpack("=Qi", call[3])[0] for call in calls if call[0] == landlock.ADD_RULE]
    assert not any(rights & ~attributes[0] for rights in granted)
    assert sum(bool(rights & landlock.MAKE_FILE) for rights in granted) == 1, "writes in one folder only"


def test_no_path_of_the_users_own_is_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    landlock.readable_paths.cache_clear()
    monkeypatch.setattr(sys, "path", [*sys.path, "/home/somebody/project"])
    assert Path("/home/somebody/project") not in landlock.readable_paths()
    assert not {Path.home(), Path("/"), Path("/etc"), Path("/proc"), Path.cwd()} & set(landlock.readable_paths())
