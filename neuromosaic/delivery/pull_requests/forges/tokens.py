"""Tokens: from the environment, `gh` and `glab`, and git's own credentials. They leave by header or askpass alone."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

from neuromosaic.delivery.pull_requests.forges.address import Address, Kind
from neuromosaic.delivery.pull_requests.git import environment

SECONDS = 15


class Token(NamedTuple):
    """`source` in words; the value is never shown."""

    value: str
    source: str

    def __repr__(self) -> str:
        return f"Token(from {self.source})"


class Variable(NamedTuple):
    """An environment variable, the hosts that it is for, and the variables that may name another one."""

    name: str
    hosts: tuple[str, ...]
    host_variables: tuple[str, ...]


_GITHUB, _ENTERPRISE = ("github.com",), ("GH_HOST", "GITHUB_SERVER_URL")
_VARIABLES: dict[Kind, tuple[Variable, ...]] = {
    "github": (
        Variable("GH_TOKEN", _GITHUB, ("GITHUB_SERVER_URL",)),
        Variable("GITHUB_TOKEN", _GITHUB, ("GITHUB_SERVER_URL",)),
        Variable("GH_ENTERPRISE_TOKEN", (), _ENTERPRISE), Variable("GITHUB_ENTERPRISE_TOKEN", (), _ENTERPRISE),
    ),
    "gitlab": (Variable("GITLAB_TOKEN", ("gitlab.com",), ("GITLAB_HOST", "CI_SERVER_URL")),),
    "gitea": (
        Variable("FORGEJO_TOKEN", ("codeberg.org",), ("FORGEJO_SERVER_URL", "GITHUB_SERVER_URL")),
        Variable("GITEA_TOKEN", ("gitea.com",), ("GITEA_SERVER_URL", "GITHUB_SERVER_URL")),
    ),
}  # fmt: skip
"""A token goes to the server that it was made for, and nowhere else, whatever a repository's remote says."""

USERS: dict[Kind, str] = {"github": "x-access-token", "gitlab": "oauth2", "gitea": "oauth2"}
"""Whom git logs in as where a token is the password."""


def find_token(kind: Kind, address: Address) -> Token | None:
    """The first that there is for this host."""
    return _from_environment(kind, address.host) or _from_tool(kind, address.host) or _from_git(address)


def hint(kind: Kind, host: str) -> str:
    """What to do about a token that is not there or not accepted."""
    variable = _VARIABLES[kind][0]
    login = {"github": f"gh auth login --hostname {host}", "gitlab": f"glab auth login --hostname {host}"}.get(kind)
    named = variable.name if host in variable.hosts else f"{_VARIABLES[kind][-1].name} with " + (
        f"{_VARIABLES[kind][-1].host_variables[0]}={host}"
    )  # fmt: skip
    return f"set {named}" + (f", or {login}" if login else "")


def _from_environment(kind: Kind, host: str) -> Token | None:
    for variable in _VARIABLES[kind]:
        value = os.environ.get(variable.name, "").strip()
        if value and host in {*variable.hosts, *map(_host_named, variable.host_variables)}:
            return Token(value, variable.name)
    return None


def _host_named(variable: str) -> str:
    said = os.environ.get(variable, "").strip()
    return (urlsplit(said).netloc if "://" in said else said).lower()


def _from_tool(kind: Kind, host: str) -> Token | None:
    commands = {
        "github": ["gh", "auth", "token", "--hostname", host],
        "gitlab": ["glab", "config", "get", "token", "--host", host],
    }  # fmt: skip
    command = commands.get(kind)
    if command is None or shutil.which(command[0]) is None:
        return None
    value = _answer(command, "")
    return Token(value, command[0]) if value else None


def _from_git(address: Address) -> Token | None:
    """What git itself would log in with; it is asked for what it knows, and never asks back."""
    said = _answer(
        ["git", "credential", "fill"], f"protocol={address.scheme}\nhost={address.host}\npath={address.path}\n\n"
    )
    found = dict(line.partition("=")[::2] for line in said.splitlines())
    return Token(found["password"], "git credentials") if found.get("password") else None


def _answer(command: list[str], question: str) -> str:
    """What a command prints, or nothing."""
    try:
        done = subprocess.run(
            command, input=question, env=environment() | {"GIT_ASKPASS": ""}, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


_ASKPASS = """\
#!/bin/sh
case "$1" in
  *"//$NEUROMOSAIC_HOST'"* | *"@$NEUROMOSAIC_HOST'"* | *"//$NEUROMOSAIC_HOST/"* | *"@$NEUROMOSAIC_HOST/"*) ;;
  *) exit 1 ;;
esac
case "$1" in
  Username*) echo "$NEUROMOSAIC_USER" ;;
  *) echo "$NEUROMOSAIC_PASSWORD" ;;
esac
"""


@contextmanager
def askpass(kind: Kind, address: Address, token: Token) -> Iterator[dict[str, str]]:
    """Environment by which git gets the token when that very host asks for a password; no file ever holds it."""
    with TemporaryDirectory(prefix="neuromosaic-") as folder:
        script = Path(folder) / "askpass"
        script.write_text(_ASKPASS)
        script.chmod(0o700)
        yield {
            "GIT_ASKPASS": str(script), "NEUROMOSAIC_HOST": address.host, "NEUROMOSAIC_USER": USERS[kind],
            "NEUROMOSAIC_PASSWORD": token.value,
        }  # fmt: skip
