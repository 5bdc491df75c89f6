"""Opening files for a child that may open none itself: the boundary where the kernel has seccomp and no Landlock.

The kernel stops the child in each call that its filter hands over and tells the supervisor (seccomp_unotify(2)). It
reads the path from the child's memory once, decides on its own copy, makes the call itself, and puts the open file
into the child. The child can make no links, so what a path leads to cannot change in between.
"""

import contextlib
import errno
import fcntl
import os
import platform
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from neuromosaic.core.workers import landlock
from neuromosaic.core.workers.policy import WRITING
from neuromosaic.core.workers.syscalls import NUMBERS

RECEIVE, REPLY, ADD_FILE = 0xC0502100, 0xC0182101, 0x40182103  # ioctls of <linux/seccomp.h>
NOTICE: Final = struct.Struct(
    "=QII iIQ6Q"
)  # struct seccomp_notif: id, pid, flags; number, machine, pointer, arguments
ANSWER: Final = struct.Struct("=QqiI")  # struct seccomp_notif_resp: id, value, error, flags
FILE: Final = struct.Struct("=QIIII")  # struct seccomp_notif_addfd: id, flags, ours, theirs, flags of theirs
HERE: Final = -100  # AT_FDCWD
REMOVE_FOLDER: Final = 0x200  # AT_REMOVEDIR
LONGEST_PATH: Final = 4096


class Call(NamedTuple):
    """One system call that a child waits in."""

    id: int
    pid: int
    name: str
    arguments: tuple[int, ...]


class Supervisor:
    """Serves one child, whose `listener` it takes over: it may read what Landlock would let it read, and write in
    `folder`."""

    def __init__(self, listener: int, folder: Path) -> None:
        self._listener = listener
        self._folder = os.path.realpath(folder)
        self._readable = [os.path.realpath(path) for path in landlock.readable_paths()]
        self._calls: dict[str, Callable[[Call], int]] = {
            "open": lambda call: self._open(call, HERE, *call.arguments[:3]),
            "openat": lambda call: self._open(call, *call.arguments[:4]),
            "mkdir": lambda call: self._mkdir(call, HERE, *call.arguments[:2]),
            "mkdirat": lambda call: self._mkdir(call, *call.arguments[:3]),
            "rmdir": lambda call: self._remove(call, HERE, call.arguments[0], REMOVE_FOLDER),
            "unlink": lambda call: self._remove(call, HERE, call.arguments[0], 0),
            "unlinkat": lambda call: self._remove(call, *call.arguments[:3]),
            "rename": lambda call: self._rename(call, HERE, call.arguments[0], HERE, call.arguments[1]),
            "renameat": lambda call: self._rename(call, *call.arguments[:4]),
            "renameat2": lambda call: self._rename(call, *call.arguments[:4]),
        }

    def fileno(self) -> int:
        return self._listener

    def close(self) -> None:
        os.close(self._listener)

    def serve_one(self) -> None:
        """Answers the next call; does nothing where the child was ended in the middle of it."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            call = self._receive()
            try:
                value, error = self._calls[call.name](call), 0
            except OSError as refused:
                value, error = 0, -(refused.errno or errno.EPERM)
            except (ArithmeticError, ValueError):  # flags or a path that Python does not even pass on
                value, error = 0, -errno.EINVAL
            fcntl.ioctl(self._listener, REPLY, ANSWER.pack(call.id, value, error, 0))

    def _receive(self) -> Call:
        buffer = bytearray(NOTICE.size)
        fcntl.ioctl(self._listener, RECEIVE, buffer)
        identity, pid, _, number, _, _, *arguments = NOTICE.unpack(buffer)
        return Call(identity, pid, NAMES[number], tuple(arguments))

    def _open(self, call: Call, folder: int, path: int, flags: int, mode: int) -> int:
        flags &= 0xFFFFFFFF
        found = self._resolve(call, folder, path)
        if not (self._is_own(found) or found == os.devnull or (not flags & WRITING and self._is_readable(found))):
            raise PermissionError(errno.EPERM, "outside", found)
        ours = os.open(found, flags | os.O_CLOEXEC | os.O_NOFOLLOW, mode & 0o777)
        try:
            request = bytearray(
                FILE.pack(call.id, 0, ours, 0, flags & os.O_CLOEXEC)
            )  # so that ioctl tells the number
            number: int = fcntl.ioctl(self._listener, ADD_FILE, request)
            return number
        finally:
            os.close(ours)

    def _mkdir(self, call: Call, folder: int, path: int, mode: int) -> int:
        os.mkdir(self._own(call, folder, path), mode & 0o777)
        return 0

    def _remove(self, call: Call, folder: int, path: int, flags: int) -> int:
        (os.rmdir if flags & REMOVE_FOLDER else os.unlink)(self._own(call, folder, path))
        return 0

    def _rename(self, call: Call, folder: int, path: int, new_folder: int, new_path: int) -> int:
        os.rename(self._own(call, folder, path), self._own(call, new_folder, new_path))
        return 0

    def _own(self, call: Call, folder: int, path: int) -> str:
        found = self._resolve(call, folder, path)
        if not self._is_own(found) or found == self._folder:
            raise PermissionError(errno.EPERM, "outside", found)
        return found

    def _resolve(self, call: Call, folder: int, path: int) -> str:
        """The path that the call means, absolute and without links."""
        said = os.fsdecode(read_text(call.pid, path))
        if not said:
            raise FileNotFoundError(errno.ENOENT, "no path")
        descriptor = struct.unpack("=i", struct.pack("=I", folder & 0xFFFFFFFF))[0]
        base = os.readlink(f"/proc/{call.pid}/" + ("cwd" if descriptor == HERE else f"fd/{descriptor}"))
        return os.path.realpath(os.path.join(base, said))

    def _is_own(self, path: str) -> bool:
        return _beneath(path, self._folder)

    def _is_readable(self, path: str) -> bool:
        return any(_beneath(path, folder) for folder in self._readable)


def read_text(pid: int, address: int) -> bytes:
    """The zero-terminated string at an address of another process, read page by page.

    Raises OSError where there is none of a path's length.
    """
    text, page = b"", os.sysconf("SC_PAGE_SIZE")
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        while len(text) < LONGEST_PATH:
            text += os.pread(memory, page - (address + len(text)) % page, address + len(text))
            if (end := text.find(0)) >= 0:
                return text[:end]
    except OverflowError:
        raise OSError(errno.EFAULT, "no address") from None
    finally:
        os.close(memory)
    raise OSError(errno.ENAMETOOLONG, "too long a path")


def _beneath(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


NAMES: Final = {number: name for name, number in NUMBERS.get(platform.machine(), {}).items()}
