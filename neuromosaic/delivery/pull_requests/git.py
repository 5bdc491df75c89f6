"""git, as the user has it: its command line, with the user's configuration, hooks and signing."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from neuromosaic.core.errors import RepositoryError

_PLACES = ("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "ALTERNATE_OBJECT_DIRECTORIES", "COMMON_DIR",
           "PREFIX", "NAMESPACE", "QUARANTINE_PATH")  # fmt: skip
"""What git tells its hooks and aliases: started from one, we would work on the caller's index."""

REMOTE = {"clone", "fetch", "lfs", "ls-remote", "push"}

_LAST = 6
"""Lines of git's own words that an error quotes."""


class Said(NamedTuple):
    """What one call came to; both texts without what could be a password."""

    code: int
    out: str
    err: str

    @property
    def why(self) -> str:
        """The last of git's words, on one line."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith("hint:")] or lines
        return "; ".join(told[-_LAST:]) or f"exit code {self.code}"


class Git(NamedTuple):
    """Calls git in `folder`. `environment` is for talking to the remote: hooks never see what it holds."""

    folder: Path
    environment: Mapping[str, str] = {}

    def __call__(self, *arguments: str) -> str:
        """What git prints, without the last line's end. Raises RepositoryError where it refuses."""
        said = self.try_to(*arguments)
        if said.code:
            raise RepositoryError(f"git {arguments[0]} failed in {self.folder}: {said.why}")
        return said.out

    def ask(self, *arguments: str) -> str | None:
        """What git prints; None where it refuses or prints nothing."""
        said = self.try_to(*arguments)
        return said.out or None if said.code == 0 else None

    def try_to(self, *arguments: str) -> Said:
        done = self._run(*arguments)
        return Said(done.returncode, _text(done.stdout), _text(done.stderr))

    def bytes_of(self, *arguments: str) -> bytes:
        """What git prints, byte for byte. Raises RepositoryError where it refuses."""
        done = self._run(*arguments)
        if done.returncode:
            raise RepositoryError(f"git {arguments[0]} failed in {self.folder}: {_text(done.stderr)}")
        return done.stdout

    def lines(self, *arguments: str) -> list[str]:
        return [line for line in self(*arguments).splitlines() if line]

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        more = dict(self.environment) if arguments[0] in REMOTE else {}
        try:
            return subprocess.run(
                ["git", *arguments], cwd=self.folder, env=environment() | more,
                stdin=subprocess.DEVNULL, capture_output=True, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            missing = "git is not installed" if self.folder.is_dir() else f"there is no folder {self.folder}"
            raise RepositoryError(f"{missing}: pull requests are made with the git command") from None
        except OSError as error:
            raise RepositoryError(f"cannot work in {self.folder}: {error.strerror}") from None


def environment() -> dict[str, str]:
    """The process's own, in English, without the places that git tells hooks; nothing waits for a keyboard."""
    kept = {name: value for name, value in os.environ.items() if name not in {f"GIT_{place}" for place in _PLACES}}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_LFS_SKIP_SMUDGE": "1"}


def without_secrets(text: str) -> str:
    """`text` without the user part of addresses, where people keep tokens.

    >>> without_secrets("fatal: https://ada:s3cret@example.org/net.git not found")
    'fatal: https://example.org/net.git not found'
    """
    return re.sub(r"://[^/@\s]+@", "://", text)


def _text(data: bytes) -> str:
    return without_secrets(data.decode("utf-8", "replace")).rstrip("\n")
