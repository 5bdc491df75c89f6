"""Files opened for a child by its supervisor: what it gets, what it does not, and how the kernel is answered."""

import ctypes
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.sandbox import supervision
from neuromosaic.core.sandbox.supervision import Call, Supervisor, read_text

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}, reason="a part of Linux"
)

OPENED = 9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "neighbour").write_text("secret")
    (tmp_path / "own2").mkdir()
    return tmp_path / "own"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bytes]]:
    """What the kernel is told instead of the kernel."""
    told: list[tuple[int, bytes]] = []

    def ioctl(_: object, request: int, data: Any) -> int:
        told.append((request, bytes(data)))
        return OPENED

    monkeypatch.setattr(supervision.fcntl, "ioctl", ioctl)
    return told


@pytest.fixture
def supervisor(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answers: list[tuple[int, bytes]]
) -> Iterator[Supervisor]:
    """One whose child is this process, in its folder."""
    monkeypatch.chdir(folder)
    supervisor = Supervisor(os.open(os.devnull, os.O_RDONLY), folder)
    yield supervisor
    supervisor.close()


class InMemory:
    """A path in this process's memory, by its address."""

    def __init__(self, text: str) -> None:
        self._kept = ctypes.create_string_buffer(text.encode())
        self.address = ctypes.addressof(self._kept)


def ask(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, name: str, *arguments: Any) -> tuple[int, int]:
    """The value and the error that the call is answered with."""
    kept = [InMemory(each) if isinstance(each, str) else each for each in arguments]
    numbers = [each.address if isinstance(each, InMemory) else each & (2**64 - 1) for each in kept]
    call = Call(5, os.getpid(), name, (*numbers, *(0 for _ in range(6 - len(numbers)))))
    monkeypatch.setattr(supervisor, "_receive", lambda: call)
    told: list[tuple[int, bytes]] = []
    before = supervision.fcntl.ioctl

    def ioctl(listener: object, request: int, data: Any) -> int:
        told.append((request, bytes(data)))
        return int(before(listener, request, data))

    with monkeypatch.context() as patch:
        patch.setattr(supervision.fcntl, "ioctl", ioctl)
        supervisor.serve_one()
    request, data = told[-1]
    assert request == supervision.REPLY
    identity, value, error, flags = supervision.ANSWER.unpack(data)
    assert (identity, flags) == (5, 0)
    return value, error


HERE = supervision.HERE


@pytest.mark.parametrize("name", ["open", "openat"])
def test_own_files_and_pythons_are_opened_and_no_others(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, folder: Path, name: str
) -> None:
    def opened(path: str, flags: int) -> tuple[int, int]:
        place = (HERE,) if name == "openat" else ()
        return ask(supervisor, monkeypatch, name, *place, path, flags, 0o666)

    assert opened("x", os.O_WRONLY | os.O_CREAT) == (OPENED, 0)
    assert (folder / "x").exists()
    assert opened(str(folder / "x"), os.O_RDWR) == (OPENED, 0)
    assert opened(str(folder), os.O_RDONLY | os.O_DIRECTORY) == (OPENED, 0)
    assert opened(os.__file__, os.O_RDONLY | os.O_CLOEXEC) == (OPENED, 0)
    assert opened(os.devnull, os.O_WRONLY) == (OPENED, 0)
    for path in ("../neighbour", "../own2/x", "/", "/etc/passwd", "/proc/self/environ", "/dev/shm/x", "../own/../x"):
        assert opened(path, os.O_RDONLY) == (0, -1)
        assert opened(path, os.O_WRONLY | os.O_CREAT) == (0, -1)
    for flag in (os.O_WRONLY, os.O_RDWR, os.O_TRUNC, os.O_APPEND, os.O_CREAT):
        assert opened(os.__file__, flag) == (0, -1)
    assert opened("nowhere", os.O_RDONLY) == (0, -2)
    assert opened("", os.O_RDONLY) == (0, -2)
    assert opened("y", 0xFFFFFFFF) == (0, -22)


def test_a_link_leads_no_further_than_its_end(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    assert ask(supervisor, monkeypatch, "open", "link", os.O_RDONLY) == (0, -1)


def test_folders_and_files_are_changed_below_the_own_folder_alone(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def asked(name: str, *arguments: Any) -> int:
        return ask(supervisor, monkeypatch, name, *arguments)[1]

    assert asked("mkdir", "a", 0o755) == asked("mkdirat", HERE, "b", 0o755) == 0
    assert asked("rename", "a", "b/a") == asked("renameat", HERE, "b/a", HERE, "c") == 0
    assert asked("renameat2", HERE, "c", HERE, "d", 0) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["b", "d"]
    (folder / "file").write_text("")
    assert asked("rmdir", "b") == asked("unlinkat", HERE, "d", 0x200) == asked("unlink", "file") == 0
    assert list(folder.iterdir()) == []
    assert asked("rmdir", "nowhere") == -2
    for name, arguments in {
        "mkdir": ("../z", 0o755), "rmdir": (str(folder),), "unlink": ("../neighbour",),
        "rename": ("../neighbour", "mine"), "renameat": (HERE, "../own2", HERE, "mine"),
    }.items():  # fmt: skip
        assert asked(name, *arguments) == -1


def test_a_folders_descriptor_is_a_place_to_start_from(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "x").write_text("")
    for path, error in ((folder / "sub", 0), (folder.parent / "own2", -1)):
        place = os.open(path, os.O_RDONLY)
        assert ask(supervisor, monkeypatch, "openat", place, "x", os.O_RDONLY)[1] == error
        os.close(place)
    assert ask(supervisor, monkeypatch, "openat", 999, "x", os.O_RDONLY)[1] == -2


def test_text_is_read_up_to_its_end_and_a_wrong_address_is_an_error() -> None:
    for text in ("", "short", "x" * 4000):
        path = InMemory(text)
        assert read_text(os.getpid(), path.address).decode() == text
    endless = InMemory("x" * 9000)
    with pytest.raises(OSError, match="too long"):
        read_text(os.getpid(), endless.address)
    for nowhere in (8, 2**64 - 1):
        with pytest.raises(OSError, match=r"error|address"):
            read_text(os.getpid(), nowhere)


def test_a_call_is_read_as_the_kernel_writes_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number = next(number for number, name in supervision.NAMES.items() if name == "openat")
    notice = struct.pack("=QIIiIQ6Q", 7, 42, 0, number, 0, 0, *range(6))
    monkeypatch.setattr(supervision.fcntl, "ioctl", lambda _, __, data: data.__setitem__(slice(None), notice))
    supervisor = Supervisor(os.open(os.devnull, os.O_RDONLY), folder)
    assert supervisor._receive() == Call(7, 42, "openat", (0, 1, 2, 3, 4, 5))
    supervisor.close()


def test_a_child_that_was_ended_needs_no_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> int:
        raise FileNotFoundError

    monkeypatch.setattr(supervision.fcntl, "ioctl", gone)
    supervisor = Supervisor(os.open(os.devnull, os.O_RDONLY), folder)
    supervisor.serve_one()
    supervisor.close()


def test_the_kernel_does_it_so(folder: Path) -> None:
    """A real child, filtered and served: forked from a process without threads of its own."""
    script = Path(__file__).with_name("supervised_child.py")
    command = [sys.executable, str(script), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 77:
        pytest.skip("this kernel tells no supervisor")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["wrote", "read:x", "refused:1", "refused:1", "python", "gone"]
