"""A seccomp filter without a library: a list of system calls, with conditions on their arguments; no other passes.

The filter is classic BPF over `struct seccomp_data` (https://docs.kernel.org/userspace-api/seccomp_filter.html).
What it refuses fails with EPERM, so that a program can say why it failed.
"""

import ctypes
import errno
import os
import platform
import struct
from typing import Final

from neuromosaic.core.workers.policy import OWN_PID, Free, Handed, Only, Policy, Rule, Without
from neuromosaic.core.workers.syscalls import AUDIT, NUMBERS

SET_MODE_FILTER: Final = 1
NEW_LISTENER: Final = 1 << 3
ALLOW: Final = 0x7FFF0000
HAND_OVER: Final = 0x7FC00000
KILL: Final = 0x80000000
REFUSE: Final = 0x00050000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
STEP: Final = struct.Struct("=HBBI")  # struct sock_filter
X32: Final = 0x40000000  # numbers of the x32 way into an x86-64 kernel begin here


def restrict(policy: Policy) -> bool:
    """From here on the policy's calls pass, for good.

    Needs PR_SET_NO_NEW_PRIVS. False where the kernel cannot or the machine is not known (then nothing has changed).
    """
    return _install(policy, 0) == 0


def restrict_supervised(policy: Policy) -> int | None:
    """The same for a policy that hands calls over: the descriptor on which its supervisor hears of them.

    None where the kernel cannot: Linux 5.9 can.
    """
    descriptor = _install(policy, NEW_LISTENER)
    return descriptor if descriptor >= 0 else None


def _install(policy: Policy, flags: int) -> int:
    machine = platform.machine()
    if machine not in NUMBERS:
        return -1
    code = program(machine, policy, os.getpid())
    buffer = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(code) // STEP.size, ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    call = ctypes.c_long(NUMBERS[machine]["seccomp"])
    return int(libc.syscall(call, ctypes.c_uint(SET_MODE_FILTER), ctypes.c_uint(flags), header))


def program(machine: str, policy: Policy, own_pid: int) -> bytes:
    """The filter for process `own_pid`: foreign architectures die, listed calls pass as their rules say.

    glibc falls back from clone3, whose flags no filter can see, to clone: therefore "no such call".
    """
    numbers = NUMBERS[machine]
    code = [
        _step(LOAD, ARCHITECTURE), _step(EQUAL, AUDIT[machine], 1, 0), _step(RETURN, KILL),
        _step(LOAD, NUMBER), _step(AT_LEAST, X32, 0, 1), _step(RETURN, KILL),
        _step(EQUAL, numbers["clone3"], 0, 1), _step(RETURN, REFUSE | errno.ENOSYS),
    ]  # fmt: skip
    for name, rule in policy.items():
        if name in numbers:
            block = _block(rule, own_pid)
            code += [_step(EQUAL, numbers[name], 0, len(block)), *block]
    return b"".join([*code, _refuse()])


def _block(rule: Rule, own_pid: int) -> list[bytes]:
    """What is done with a call once its number is known; every way through ends in a return."""
    match rule:
        case Free():
            return [_step(RETURN, ALLOW)]
        case Handed():
            return [_step(RETURN, HAND_OVER)]
        case Only(argument, values):
            numbers = [own_pid if value == OWN_PID else value for value in values]
            tests = [_step(EQUAL, number, len(numbers) - n, 0) for n, number in enumerate(numbers)]
            return [_load(argument), *tests, _refuse(), _step(RETURN, ALLOW)]
        case Without(argument, bits):
            return [_load(argument), _step(ANY_BIT, bits, 0, 1), _refuse(), _step(RETURN, ALLOW)]


def _load(argument: int) -> bytes:
    """The low half of an argument (both machines are little-endian)."""
    return _step(LOAD, ARGUMENTS + 8 * argument)


def _refuse() -> bytes:
    return _step(RETURN, REFUSE | errno.EPERM)


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return STEP.pack(operation, if_true, if_false, value)
