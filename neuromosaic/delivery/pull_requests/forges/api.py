"""One REST API over HTTP: headers, patience with a busy server, and a sentence for each way it can refuse."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from neuromosaic.core.errors import ForgeError
from neuromosaic.delivery.pull_requests.forges.tokens import Token

if TYPE_CHECKING:
    import httpx

TRIES = 4
LONGEST_WAIT = 60.0
"""Seconds: a limit on requests that ends later than that is told instead of waited for."""


class Refused(ForgeError):
    """The server understood and said no. `status`, and its own words in `said`."""

    def __init__(self, message: str, status: int, said: str) -> None:
        super().__init__(message)
        self.status, self.said = status, said


class Api(NamedTuple):
    """`base` is what all paths begin with; `login` says what to do about a token that is not accepted."""

    base: str
    token: Token
    headers: Mapping[str, str]
    login: str
    sleep: Callable[[float], None] = time.sleep

    def get(self, path: str, **parameters: str | int) -> Any:
        return self._call("GET", path, params=parameters)

    def send(self, method: str, path: str, document: Mapping[str, Any]) -> Any:
        """POST, PATCH or PUT. Raises Refused where the server says no, ForgeError where it cannot be talked to."""
        return self._call(method, path, json=dict(document))

    def _call(self, method: str, path: str, **content: Any) -> Any:
        """A read is tried again; a write where the server says that it did nothing: over the limit, or busy."""
        for attempt in range(1, TRIES + 1):
            answer = self._once(method, path, content)
            wait = _wait(answer, attempt, again=method == "GET")
            if wait is None or attempt == TRIES:
                return self._read(answer)
            self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str, content: Mapping[str, Any]) -> "httpx.Response":
        import httpx

        try:
            headers = {**self.headers, "User-Agent": "neuromosaic"}
            return httpx.request(method, f"{self.base}{path}", headers=headers, timeout=30, **content)
        except httpx.HTTPError as error:
            raise ForgeError(f"{self._host} was not reached ({type(error).__name__})") from None

    @property
    def _host(self) -> str:
        return self.base.split("/")[2]

    def _read(self, answer: "httpx.Response") -> Any:
        status, said = answer.status_code, _said(answer)
        if 200 <= status < 300:
            try:
                return answer.json()
            except ValueError:
                raise ForgeError(f"{self._host} answered with something else than JSON") from None
        raise Refused(f"{self._host} {self._why(status, answer)}" + (f" ({said})" if said else ""), status, said)

    def _why(self, status: int, answer: "httpx.Response") -> str:
        if status == 401:
            return f"does not accept the token from {self.token.source}, it may have expired: {self.login}"
        if (seconds := _limited(answer)) is not None:
            return f"takes no more requests for {seconds:.0f} seconds: try again then"
        if status == 403:
            return f"does not let the token from {self.token.source} do this: it must be allowed to write"
        if status == 404:
            return f"knows no such project, or does not show it to the token from {self.token.source}: git remote -v"
        if 300 <= status < 400:
            return "says that the project has moved: correct the remote's address (git remote set-url)"
        return f"answered {status}" + (f", {TRIES} times at most: try again later" if status >= 500 else "")


def _wait(answer: "httpx.Response", attempt: int, *, again: bool) -> float | None:
    """Seconds until the next try; None: the answer stands."""
    limited = _limited(answer)
    if limited is not None:
        return limited if limited <= LONGEST_WAIT else None
    busy = answer.status_code in {502, 503, 504} if again else answer.status_code == 503
    return 2.0 ** (attempt - 1) if busy else None


def _limited(answer: "httpx.Response") -> float | None:
    """Seconds until more requests are taken; None where it is not about that."""
    headers = answer.headers
    if answer.status_code not in {403, 429}:
        return None
    if headers.get("retry-after", "").isdigit():
        return float(headers["retry-after"])
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
        return max(1.0, float(headers["x-ratelimit-reset"]) - time.time())
    return LONGEST_WAIT + 1 if answer.status_code == 429 else None


def _said(answer: "httpx.Response") -> str:
    """The server's own words, on one line."""
    try:
        document = answer.json()
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    errors = document.get("errors") or []
    parts = [document.get("message") or document.get("error_description") or document.get("error") or ""]
    parts += [error.get("message", "") if isinstance(error, dict) else error for error in errors]
    return "; ".join(" ".join(str(part).split()) for part in parts if part)[:300]
