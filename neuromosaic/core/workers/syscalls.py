"""The numbers of the system calls that a worker may make, by machine and name.

Taken from the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h). A name
that a machine lacks is one that it has only in a newer form ("openat" for "open").
"""

from typing import Final

AUDIT: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""How the kernel's audit names the machines (linux/audit.h)."""

NUMBERS: Final[dict[str, dict[str, int]]] = {
    "x86_64": {
        "read": 0, "readv": 19, "pread64": 17, "preadv": 295, "preadv2": 327, "write": 1, "writev": 20,
        "pwrite64": 18, "pwritev": 296, "pwritev2": 328, "close": 3, "close_range": 436, "lseek": 8,
        "fstat": 5, "newfstatat": 262, "stat": 4, "lstat": 6, "statx": 332, "statfs": 137, "fstatfs": 138,
        "access": 21, "faccessat": 269, "faccessat2": 439, "readlink": 89, "readlinkat": 267, "getcwd": 79,
        "chdir": 80, "fchdir": 81, "open": 2, "openat": 257, "creat": 85, "getdents": 78, "getdents64": 217,
        "ftruncate": 77, "truncate": 76, "fallocate": 285, "fadvise64": 221, "fsync": 74, "fdatasync": 75,
        "flock": 73, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "unlink": 87, "unlinkat": 263, "rename": 82,
        "renameat": 264, "renameat2": 316, "umask": 95, "dup": 32, "dup2": 33, "dup3": 292, "fcntl": 72,
        "ioctl": 16, "pipe": 22, "pipe2": 293, "poll": 7, "ppoll": 271, "select": 23, "pselect6": 270,
        "epoll_create1": 291, "epoll_ctl": 233, "epoll_wait": 232, "epoll_pwait": 281, "eventfd2": 290,
        "sendfile": 40, "copy_file_range": 326, "recvfrom": 45, "recvmsg": 47, "sendto": 44, "sendmsg": 46,
        "shutdown": 48, "getsockname": 51, "getpeername": 52, "getsockopt": 55, "brk": 12, "mmap": 9,
        "munmap": 11, "mremap": 25, "mprotect": 10, "madvise": 28, "msync": 26, "membarrier": 324,
        "futex": 202, "set_robust_list": 273, "rseq": 334, "set_tid_address": 218, "arch_prctl": 158,
        "clone3": 435, "prctl": 157, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230,
        "nanosleep": 35, "gettimeofday": 96, "time": 201, "times": 100, "getrusage": 98, "sysinfo": 99,
        "uname": 63, "getcpu": 309, "getrandom": 318, "getpid": 39, "getppid": 110, "gettid": 186,
        "getuid": 102, "geteuid": 107, "getgid": 104, "getegid": 108, "getgroups": 115, "getresuid": 118,
        "getresgid": 120, "getpgrp": 111, "sched_yield": 24, "sched_getaffinity": 204, "getrlimit": 97,
        "setrlimit": 160, "prlimit64": 302, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
        "rt_sigpending": 127, "rt_sigtimedwait": 128, "rt_sigsuspend": 130, "sigaltstack": 131,
        "restart_syscall": 219, "pause": 34, "alarm": 37, "getitimer": 36, "setitimer": 38, "wait4": 61,
        "waitid": 247, "kill": 62, "tgkill": 234, "exit": 60, "exit_group": 231, "seccomp": 317,
    },
    "aarch64": {
        "read": 63, "readv": 65, "pread64": 67, "preadv": 69, "preadv2": 286, "write": 64, "writev": 66,
        "pwrite64": 68, "pwritev": 70, "pwritev2": 287, "close": 57, "close_range": 436, "lseek": 62,
        "fstat": 80, "newfstatat": 79, "statx": 291, "statfs": 43, "fstatfs": 44, "faccessat": 48,
        "faccessat2": 439, "readlinkat": 78, "getcwd": 17, "chdir": 49, "fchdir": 50, "openat": 56,
        "getdents64": 61, "ftruncate": 46, "truncate": 45, "fallocate": 47, "fadvise64": 223, "fsync": 82,
        "fdatasync": 83, "flock": 32, "mkdirat": 34, "unlinkat": 35, "renameat": 38, "renameat2": 276,
        "umask": 166, "dup": 23, "dup3": 24, "fcntl": 25, "ioctl": 29, "pipe2": 59, "ppoll": 73,
        "pselect6": 72, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "eventfd2": 19,
        "sendfile": 71, "copy_file_range": 285, "recvfrom": 207, "recvmsg": 212, "sendto": 206,
        "sendmsg": 211, "shutdown": 210, "getsockname": 204, "getpeername": 205, "getsockopt": 209,
        "brk": 214, "mmap": 222, "munmap": 215, "mremap": 216, "mprotect": 226, "madvise": 233, "msync": 227,
        "membarrier": 283, "futex": 98, "set_robust_list": 99, "rseq": 293, "set_tid_address": 96,
        "clone3": 435, "prctl": 167, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115,
        "nanosleep": 101, "gettimeofday": 169, "times": 153, "getrusage": 165, "sysinfo": 179, "uname": 160,
        "getcpu": 168, "getrandom": 278, "getpid": 172, "getppid": 173, "gettid": 178, "getuid": 174,
        "geteuid": 175, "getgid": 176, "getegid": 177, "getgroups": 158, "getresuid": 148, "getresgid": 150,
        "sched_yield": 124, "sched_getaffinity": 123, "getrlimit": 163, "setrlimit": 164, "prlimit64": 261,
        "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "rt_sigpending": 136,
        "rt_sigtimedwait": 137, "rt_sigsuspend": 133, "sigaltstack": 132, "restart_syscall": 128,
        "getitimer": 102, "setitimer": 103, "wait4": 260, "waitid": 95, "kill": 129, "tgkill": 131,
        "exit": 93, "exit_group": 94, "seccomp": 277,
    },
}  # fmt: skip
