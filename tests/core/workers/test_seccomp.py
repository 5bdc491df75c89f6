"""The filter, run as the kernel would run it, and its numbers against those of libseccomp."""

import ctypes
import ctypes.util
import errno
import os

import pytest

from neuromosaic.core.workers import policy, seccomp
from neuromosaic.core.workers.policy import BEHIND_LANDLOCK, READING, SUPERVISED, Policy
from neuromosaic.core.workers.syscalls import AUDIT, NUMBERS

OWN, OTHER = 4242, 1
REFUSED = seccomp.REFUSE | errno.EPERM
POLICIES = {"behind Landlock": BEHIND_LANDLOCK, "supervised": SUPERVISED, "reading": READING}

NEVER = (
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "fork", "vfork", "clone",
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
    "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "tkill",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "userfaultfd", "perf_event_open",
    "keyctl", "add_key", "request_key", "mount", "umount2", "pivot_root", "chroot", "unshare", "setns",
    "open_tree", "move_mount", "fsopen", "fsmount", "fspick", "mount_setattr", "open_by_handle_at",
    "name_to_handle_at", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "reboot", "swapon", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups",
    "setfsuid", "setfsgid", "capset", "setsid", "setpgid", "setpriority", "sched_setaffinity",
    "sched_setscheduler", "sched_setattr", "seccomp", "personality", "landlock_create_ruleset", "chmod",
    "fchmod", "fchmodat", "chown", "fchown", "fchownat", "lchown", "setxattr", "lsetxattr", "fsetxattr",
    "utimensat", "utime", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "truncate",
    "memfd_create", "memfd_secret", "shmget", "shmat", "semget", "msgget", "mq_open", "timer_create",
    "inotify_init1", "fanotify_init", "signalfd4", "vmsplice", "tee", "splice", "acct", "quotactl",
    "settimeofday", "clock_settime", "adjtimex", "sethostname", "lookup_dcookie", "move_pages",
    "migrate_pages", "mbind", "ioperm", "iopl", "modify_ldt",
)  # fmt: skip
"""What no locked worker has any business with."""


def verdict(machine: str, rules: Policy, number: int, *arguments: int, audit: int | None = None) -> int:
    """Runs the filter's program on one system call."""
    data = {seccomp.NUMBER: number, seccomp.ARCHITECTURE: AUDIT[machine] if audit is None else audit}
    for position in range(6):
        value = arguments[position] if position < len(arguments) else 0
        data[seccomp.ARGUMENTS + 8 * position] = value & 0xFFFFFFFF
    code = seccomp.program(machine, rules, OWN)
    steps = [seccomp.STEP.unpack_from(code, at) for at in range(0, len(code), seccomp.STEP.size)]
    here = value = 0
    while True:
        operation, if_true, if_false, constant = steps[here]
        here += 1
        match operation:
            case seccomp.LOAD:
                value = data[constant]
            case seccomp.RETURN:
                return int(constant)
            case _:
                true = {
                    seccomp.EQUAL: value == constant,
                    seccomp.AT_LEAST: value >= constant,
                    seccomp.ANY_BIT: bool(value & constant),
                }
                here += if_true if true[operation] else if_false


@pytest.fixture(scope="module")
def libseccomp() -> ctypes.CDLL:
    name = ctypes.util.find_library("seccomp")
    if name is None:
        pytest.skip("libseccomp is not installed")
    return ctypes.CDLL(name)


def resolved(libseccomp: ctypes.CDLL, machine: str, name: str) -> int:
    """Its number there; negative where libseccomp knows none."""
    return int(libseccomp.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(AUDIT[machine]), name.encode()))


def test_every_number_is_the_one_that_libseccomp_resolves(libseccomp: ctypes.CDLL) -> None:
    for machine, numbers in NUMBERS.items():
        wrong = {name: (number, resolved(libseccomp, machine, name)) for name, number in numbers.items()}
        assert {name: pair for name, pair in wrong.items() if pair[0] != pair[1]} == {}


def test_no_name_is_missing_on_a_machine_that_has_it(libseccomp: ctypes.CDLL) -> None:
    listed = {name for rules in POLICIES.values() for name in rules}
    for machine, numbers in NUMBERS.items():
        assert {name for name in listed - numbers.keys() if resolved(libseccomp, machine, name) >= 0} == set()
    assert listed <= NUMBERS["x86_64"].keys()


@pytest.mark.parametrize("machine", NUMBERS)
@pytest.mark.parametrize("rules", POLICIES.values(), ids=POLICIES)
def test_what_reaches_beyond_the_process_is_refused(libseccomp: ctypes.CDLL, machine: str, rules: Policy) -> None:
    numbers = {name: resolved(libseccomp, machine, name) for name in NEVER}
    assert sum(number >= 0 for number in numbers.values()) > 80
    passed = {name for name, number in numbers.items() if number >= 0 and verdict(machine, rules, number) != REFUSED}
    assert passed == set()


@pytest.mark.parametrize("machine", NUMBERS)
@pytest.mark.parametrize("rules", POLICIES.values(), ids=POLICIES)
def test_whatever_has_no_rule_is_refused_and_foreign_machines_die(machine: str, rules: Policy) -> None:
    numbers = NUMBERS[machine]
    listed = {numbers[name] for name in rules if name in numbers}
    for number in sorted(set(range(600)) - listed - {numbers["clone3"]}):
        assert verdict(machine, rules, number) == REFUSED
    assert verdict(machine, rules, numbers["clone3"]) == seccomp.REFUSE | errno.ENOSYS
    assert verdict(machine, rules, numbers["read"], audit=0x40000003) == seccomp.KILL
    assert verdict(machine, rules, seccomp.X32 + numbers["read"]) == seccomp.KILL
    for name in ("read", "write", "mmap", "mprotect", "futex", "recvmsg", "sendmsg", "exit_group"):
        assert verdict(machine, rules, numbers[name]) == seccomp.ALLOW


@pytest.mark.parametrize("machine", NUMBERS)
@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("fcntl", [(0, 0), (0, 4), (0, 1030)], [(0, 8), (0, 10), (0, 15), (0, 1024), (0, 1026), (0, 1033)]),
        ("ioctl", [(0, 0x5401), (0, 0x5421)], [(0, 0x5412), (0, 0x541C), (0, 0x540E), (0, 0xC0502100), (0, 0x8912)]),
        ("prctl", [(15,), (16,)], [(1,), (4,), (22,), (36,), (38,), (24,), (0x59616D61,)]),
        ("prlimit64", [(0,), (OWN,)], [(OTHER,)]),
        ("kill", [(OWN, 9)], [(OTHER, 9), (0, 9), (0xFFFFFFFF, 9)]),
        ("tgkill", [(OWN, OWN, 6)], [(OTHER, OTHER, 6)]),
    ],
)
def test_arguments_decide(
    machine: str, name: str, allowed: list[tuple[int, ...]], refused: list[tuple[int, ...]]
) -> None:
    number = NUMBERS[machine][name]
    for rules in POLICIES.values():
        assert {verdict(machine, rules, number, *arguments) for arguments in allowed} == {seccomp.ALLOW}
        assert {verdict(machine, rules, number, *arguments) for arguments in refused} == {REFUSED}


@pytest.mark.parametrize("machine", NUMBERS)
def test_files_are_opened_as_the_policy_says(machine: str) -> None:
    number = NUMBERS[machine]["openat"]
    for flags in (os.O_RDONLY, os.O_RDONLY | os.O_CLOEXEC, os.O_WRONLY | os.O_CREAT):
        assert verdict(machine, BEHIND_LANDLOCK, number, 0, 0, flags) == seccomp.ALLOW
        assert verdict(machine, SUPERVISED, number, 0, 0, flags) == seccomp.HAND_OVER
    assert verdict(machine, READING, number, 0, 0, os.O_RDONLY | os.O_CLOEXEC) == seccomp.ALLOW
    for flag in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_APPEND):
        assert verdict(machine, READING, number, 0, 0, flag) == REFUSED
    assert {verdict(machine, SUPERVISED, NUMBERS[machine][name]) for name in policy.CHANGING
            if name in NUMBERS[machine]} == {seccomp.HAND_OVER}  # fmt: skip


def test_an_unknown_machine_gets_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    assert seccomp.restrict(READING) is False
    assert seccomp.restrict_supervised(SUPERVISED) is None


def test_a_kernel_that_takes_no_filter_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        def syscall(self, *_: object) -> int:
            return -1

    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(seccomp.ctypes, "CDLL", lambda *_, **__: Libc())
    assert seccomp.restrict(READING) is False
    assert seccomp.restrict_supervised(SUPERVISED) is None
