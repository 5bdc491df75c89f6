"""Where a remote leads: which server, which project, which kind of forge."""

import re
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Kind = Literal["github", "gitlab", "gitea"]
KINDS: tuple[Kind, ...] = ("github", "gitlab", "gitea")

_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[^/:]+):(?P<path>[^/].*)")
_KNOWN: dict[str, Kind] = {
    "github": "github", "ghe.com": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea",
    "codeberg": "gitea",
}  # fmt: skip


class Address(NamedTuple):
    """`scheme` of the web address; `host` with its port; `path` of the project, without ".git".

    `by_http`: git itself talks HTTP to it, so that a token can be its password.
    """

    scheme: Literal["http", "https"]
    host: str
    path: str
    by_http: bool

    @property
    def owner(self) -> str:
        return self.path.partition("/")[0]

    @property
    def web(self) -> str:
        return f"{self.scheme}://{self.host}/{self.path}"


def read_address(url: str) -> Address | None:
    """None for a folder, and for what no forge lives at. A user or password inside is left out.

    >>> read_address("git@github.com:acme/vision.git")
    Address(scheme='https', host='github.com', path='acme/vision', by_http=False)
    """
    parts = urlsplit(url) if "://" in url else None
    if parts is None:
        found = _SCP.fullmatch(url)
        return _address("https", found["host"], found["path"], by_http=False) if found else None
    if parts.scheme in {"http", "https"}:
        return _address(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, by_http=True)
    return _address("https", parts.hostname or "", parts.path, by_http=False) if parts.scheme == "ssh" else None


def _address(scheme: str, host: str, path: str, *, by_http: bool) -> Address | None:
    project = path.strip("/").removesuffix(".git")
    if not host or "/" not in project or (scheme == "http" and not is_loopback(host)):
        return None  # a token never travels unencrypted
    return Address("http" if scheme == "http" else "https", host.lower(), project, by_http)


def is_loopback(host: str) -> bool:
    return host.partition(":")[0] in {"127.0.0.1", "localhost"}


def kind_of(address: Address) -> Kind | None:
    """By the host's name; None where it does not say."""
    return next((kind for word, kind in _KNOWN.items() if word in address.host), None)
