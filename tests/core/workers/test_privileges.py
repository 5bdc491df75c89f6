"""Who a worker is: its parent, its user, its powers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neuromosaic.core.workers import privileges
from neuromosaic.core.workers.privileges import NOBODY, open_to_all, weaker_user

ROOT = pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root has powers to give up")


def test_a_process_whose_parent_is_gone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    monkeypatch.setattr(privileges, "_prctl", lambda *_: 0)
    privileges.die_with_parent(parent=-1)
    assert ended == [0]


def test_a_process_whose_parent_lives_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(privileges, "_prctl", lambda *call: asked.append(call) or 0)
    privileges.die_with_parent(os.getppid())
    assert privileges.adopt_orphans() is (sys.platform == "linux")
    assert asked == [(privileges.PR_SET_PDEATHSIG, 9), (privileges.PR_SET_CHILD_SUBREAPER, 1)]


@pytest.mark.parametrize("fails", ["capset", "prctl", None])
def test_privileges_are_gone_only_if_both_steps_worked(fails: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        def capset(self, *_: object) -> int:
            return -1 if fails == "capset" else 0

        def prctl(self, *_: object) -> int:
            return -1 if fails == "prctl" else 0

    monkeypatch.setattr(privileges.ctypes, "CDLL", lambda *_, **__: Libc())
    assert privileges.give_up_privileges() is (fails is None)


@ROOT
def test_root_without_powers_reads_nobody_elses_files(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("secret")
    (tmp_path / "theirs").chmod(0o600)
    os.chown(tmp_path / "theirs", NOBODY, NOBODY)
    script = (
        "import sys\nfrom neuromosaic.core.workers.privileges import give_up_privileges\n"
        "assert give_up_privileges()\n"
        "print(open('/proc/self/status').read())\n"
        "open(sys.argv[1])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "theirs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "PermissionError" in done.stderr
    facts = dict(line.split(":\t") for line in done.stdout.splitlines() if ":\t" in line)
    assert {facts[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {"0" * 16}
    assert facts["NoNewPrivs"] == "1"


def test_only_root_starts_workers_as_somebody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(privileges, "_python", lambda: {tmp_path})
    monkeypatch.setattr(privileges, "open_to_all", lambda _: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert weaker_user() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert weaker_user() == NOBODY
    monkeypatch.setattr(privileges, "open_to_all", lambda _: False)  # Python is below root's own home
    assert weaker_user() is None


def test_what_others_may_read_is_told_by_every_folder_on_the_way() -> None:
    home = Path("/tmp", f"neuromosaic-test-{os.getpid()}")
    inner = home / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("")
    try:
        for path, mode in ((home, 0o711), (inner, 0o755), (inner / "file", 0o644)):
            path.chmod(mode)
        assert open_to_all(inner)
        assert open_to_all(inner / "file")
        assert not open_to_all(home)
        home.chmod(0o700)
        assert not open_to_all(inner)
        assert not open_to_all(home / "nowhere")
    finally:
        (inner / "file").unlink()
        inner.rmdir()
        home.rmdir()


def test_the_interpreter_and_its_packages_must_be_readable() -> None:
    asked = privileges._python()
    assert {Path(sys.executable), Path(sys.executable).resolve()} <= asked
    assert any(path.name == "torch" for path in asked)
