"""Which system calls a locked worker may make, and with what arguments. Whatever is not named here is refused."""

import os
from typing import Final, NamedTuple

OWN_PID: Final = -1
"""Stands for the process's own number, which only it knows."""


class Only(NamedTuple):
    """Allowed where the argument (its low 32 bits: all that the kernel heeds in these calls) is one of `values`."""

    argument: int
    values: tuple[int, ...]


class Without(NamedTuple):
    """Allowed where the argument has none of `bits`."""

    argument: int
    bits: int


class Handed(NamedTuple):
    """Not made by the kernel but by a supervisor, who sees the path and decides."""


class Free(NamedTuple):
    """Allowed whatever its arguments."""


Rule = Only | Without | Handed | Free
Policy = dict[str, Rule]

# fcntl without F_SETOWN, F_SETSIG, F_NOTIFY, leases and seals: duplicates, flags and locks
FILE_CONTROLS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)
# ioctl without TIOCSTI and its like: TCGETS (is it a terminal?), its size, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
DEVICE_CONTROLS: Final = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# prctl: names (of the thread, of memory) and questions; not PDEATHSIG, DUMPABLE, PTRACER, SECCOMP, SUBREAPER
PROCESS_CONTROLS: Final = (2, 3, 15, 16, 21, 23, 27, 30, 39, 0x53564D41)

WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

COMPUTING: Final = (
    "mmap", "munmap", "madvise", "brk", "mremap", "mprotect", "msync", "membarrier", "futex", "read", "write",
    "recvfrom", "sendto", "recvmsg", "sendmsg", "close", "lseek", "readv", "writev", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "close_range", "ftruncate", "fallocate", "fadvise64", "fsync",
    "fdatasync", "flock", "sendfile", "copy_file_range", "newfstatat", "fstat", "stat", "lstat", "statx",
    "statfs", "fstatfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd", "chdir",
    "fchdir", "getdents", "getdents64", "umask", "dup", "dup2", "dup3", "pipe", "pipe2", "poll", "ppoll",
    "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2", "shutdown",
    "getsockname", "getpeername", "getsockopt", "set_robust_list", "rseq", "set_tid_address", "arch_prctl",
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times",
    "getrusage", "sysinfo", "uname", "getcpu", "getrandom", "getpid", "getppid", "gettid", "getuid", "geteuid",
    "getgid", "getegid", "getgroups", "getresuid", "getresgid", "getpgrp", "sched_yield", "getrlimit",
    "setrlimit", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
    "rt_sigsuspend", "sigaltstack", "restart_syscall", "pause", "alarm", "getitimer", "setitimer", "wait4",
    "waitid", "exit", "exit_group",
)  # fmt: skip
"""Memory, descriptors that are open already, time and the process itself. No threads, processes, programs, sockets,
tracing, namespaces, mounts, keys, rings or filters; no modes, owners, times or attributes of files, which Landlock
does not guard. Executable memory stays allowed: PyTorch's kernels are written at run time."""

OPENING: Final = ("open", "openat")
CHANGING: Final = ("mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2")
"""Calls that take a path and change what is there, guarded by Landlock where there is Landlock."""

_LIMITED: Final[Policy] = {
    "fcntl": Only(1, FILE_CONTROLS),
    "ioctl": Only(1, DEVICE_CONTROLS),
    "prctl": Only(0, PROCESS_CONTROLS),
    "prlimit64": Only(0, (0, OWN_PID)),
    "sched_getaffinity": Only(0, (0, OWN_PID)),
    "kill": Only(0, (OWN_PID,)),  # a process may end itself by a signal: that is what abort() does
    "tgkill": Only(0, (OWN_PID,)),
}
_COMPUTING: Final[Policy] = {name: Free() for name in COMPUTING} | _LIMITED


def _each(names: tuple[str, ...], rule: Rule) -> Policy:
    return dict.fromkeys(names, rule)


BEHIND_LANDLOCK: Final[Policy] = _COMPUTING | _each((*OPENING, "creat", *CHANGING), Free())
"""A child whose files Landlock guards."""

SUPERVISED: Final[Policy] = _COMPUTING | _each((*OPENING, *CHANGING), Handed())
"""A child whose files nobody else guards: its supervisor opens them."""

READING: Final[Policy] = _COMPUTING | {"open": Without(1, WRITING), "openat": Without(2, WRITING)}
"""A judge's worker: it has nothing to write."""
