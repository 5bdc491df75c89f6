"""Runs a command on a kernel that lacks something: `python denied.py landlock,namespaces COMMAND...`.

The lack is emulated by a seccomp filter, which everything that the command starts inherits.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

from neuromosaic.core.workers.privileges import PR_SET_NO_NEW_PRIVS, _prctl
from neuromosaic.core.workers.seccomp import ALLOW, ANY_BIT, ARGUMENTS, EQUAL, LOAD, NUMBER, REFUSE, RETURN, _step
from neuromosaic.core.workers.syscalls import NUMBERS

CLONE_NEWUSER = 0x10000000
UNSHARE = {"x86_64": 272, "aarch64": 97}
CLONE = {"x86_64": 56, "aarch64": 220}
MACHINE = platform.machine()


def refusing(number: int, error: int) -> list[bytes]:
    return [_step(EQUAL, number, 0, 1), _step(RETURN, REFUSE | error)]


def refusing_namespaces(number: int) -> list[bytes]:
    """A kernel that lets nobody make a user namespace."""
    return [_step(EQUAL, number, 0, 4), _step(LOAD, ARGUMENTS), _step(ANY_BIT, CLONE_NEWUSER, 0, 1),
            _step(RETURN, REFUSE | errno.EPERM), _step(RETURN, ALLOW)]  # fmt: skip


LACKS = {
    "landlock": refusing(444, errno.ENOSYS),
    "landlock-refused": refusing(444, errno.EPERM),
    "namespaces": [
        *refusing(435, errno.ENOSYS), *refusing_namespaces(UNSHARE[MACHINE]), *refusing_namespaces(CLONE[MACHINE]),
    ],
    "seccomp": refusing(NUMBERS[MACHINE]["seccomp"], errno.EINVAL),
}  # fmt: skip


def deny(*lacks: str) -> None:
    """For this process and all that it starts."""
    steps = [_step(LOAD, NUMBER)]
    for lack in lacks:
        steps += LACKS[lack]
    code = b"".join([*steps, _step(RETURN, ALLOW)])
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    assert _prctl(PR_SET_NO_NEW_PRIVS, 1) == 0
    assert libc.prctl(22, ctypes.c_ulong(2), header, ctypes.c_ulong(0), ctypes.c_ulong(0)) == 0


if __name__ == "__main__":
    deny(*sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])
