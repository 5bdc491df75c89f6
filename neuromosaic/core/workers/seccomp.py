"""A seccomp filter without a library: no sockets, no processes, no signals, no reaching into others.

The filter is classic BPF over `struct seccomp_data` (https://docs.kernel.org/userspace-api/seccomp_filter.html).
What it denies fails with EPERM, so that a program can say why it failed.
"""

import ctypes
import errno
import platform
import struct
from typing import Final, NamedTuple

PR_SET_SECCOMP: Final = 22
MODE_FILTER: Final = 2
ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
REFUSE: Final = 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
STEP: Final = struct.Struct("=HBBI")  # struct sock_filter
CLONE_THREAD: Final = 0x00010000
X32: Final = 0x40000000  # numbers of the x32 way into an x86-64 kernel begin here


class Machine(NamedTuple):
    """An architecture's audit number and its numbers of the system calls that matter here."""

    audit: int
    clone: int
    clone3: int
    prlimit: int
    denied: tuple[int, ...]


EVERYWHERE: Final = (424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 438, 442)
"""Numbers above 423 are the same on all machines: pidfd_*, io_uring_*, the new mount calls."""

# denied: socket connect accept bind listen accept4; fork vfork execve(at); kill tkill tgkill, rt_(tg)sigqueueinfo;
# ptrace process_vm_readv/writev; kexec*, *_module; mount umount2 pivot_root unshare setns; bpf userfaultfd
# perf_event_open; add_key request_key keyctl. Our own replies need none of them.
MACHINES: Final = {
    "x86_64": Machine(
        0xC000003E, clone=56, clone3=435, prlimit=302,
        denied=(41, 42, 43, 49, 50, 288, 57, 58, 59, 322, 62, 200, 234, 129, 297, 101, 310, 311, 246, 320, 175, 313,
                176, 165, 166, 155, 272, 308, 321, 323, 298, 248, 249, 250, *EVERYWHERE),
    ),
    "aarch64": Machine(
        0xC00000B7, clone=220, clone3=435, prlimit=261,
        denied=(198, 203, 202, 200, 201, 242, 221, 281, 129, 130, 131, 138, 240, 117, 270, 271, 104, 294, 105, 273,
                106, 40, 39, 41, 97, 268, 280, 282, 241, 217, 218, 219, *EVERYWHERE),
    ),
}  # fmt: skip


def restrict() -> bool:
    """Denies sockets, new processes and whatever reaches into others, for good. Threads stay allowed.

    Needs PR_SET_NO_NEW_PRIVS. False where the kernel cannot or the machine is not known (then nothing has changed).
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return False
    code = program(machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    unused = ctypes.c_ulong(0)
    return int(libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(MODE_FILTER), header, unused, unused)) == 0


def program(machine: Machine) -> bytes:
    """The filter: foreign architectures die; listed calls are refused; of clone only threads; all else passes."""
    refuse = [_step(RETURN, REFUSE | errno.EPERM)]
    code = [
        _step(LOAD, ARCHITECTURE), _step(EQUAL, machine.audit, 1, 0), _step(RETURN, KILL),
        _step(LOAD, NUMBER), _step(AT_LEAST, X32, 0, 1), _step(RETURN, KILL),
        # glibc falls back from clone3, whose flags no filter can see, to clone
        _step(EQUAL, machine.clone3, 0, 1), _step(RETURN, REFUSE | errno.ENOSYS),
        _step(EQUAL, machine.clone, 0, 4),
        _step(LOAD, FIRST_ARGUMENT), _step(ANY_BIT, CLONE_THREAD, 0, 1), _step(RETURN, ALLOW), *refuse,
        # a process may set its own limits (lower ones), which it calls process 0
        _step(EQUAL, machine.prlimit, 0, 4),
        _step(LOAD, FIRST_ARGUMENT), _step(EQUAL, 0, 0, 1), _step(RETURN, ALLOW), *refuse,
    ]  # fmt: skip
    for number in machine.denied:
        code += [_step(EQUAL, number, 0, 1), *refuse]
    return b"".join([*code, _step(RETURN, ALLOW)])


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return STEP.pack(operation, if_true, if_false, value)
