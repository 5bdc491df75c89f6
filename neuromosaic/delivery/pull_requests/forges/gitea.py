"""Gitea and Forgejo (API v1): a draft is a pull request whose title begins with "WIP: "."""

from collections.abc import Sequence
from typing import Any

from neuromosaic.delivery.pull_requests.forges.address import Address
from neuromosaic.delivery.pull_requests.forges.api import Api
from neuromosaic.delivery.pull_requests.forges.protocol import Found, State, Text
from neuromosaic.delivery.pull_requests.forges.tokens import Token, hint

DRAFT = "WIP: "
_PAGE, _PAGES = 50, 10


class Gitea:
    def __init__(self, address: Address, token: Token) -> None:
        self._address = address
        self._pulls = f"/repos/{address.path}/pulls"
        base = f"{address.scheme}://{address.host}/api/v1"
        self.api = Api(base, token, {"Authorization": f"token {token.value}"}, hint("gitea", address.host))

    def of_branch(self, branch: str) -> Sequence[Found]:
        """The API lists no pull requests by branch: they are looked through, the latest first."""
        return [one for one in self._listed("all") if one.head == branch]

    def open_ones(self) -> Sequence[Found]:
        return self._listed("open")

    def create(self, branch: str, base: str, text: Text) -> Found:
        document = {"head": branch, "base": base, "title": _title(text), "body": text.body}
        return _found(self.api.send("POST", self._pulls, document))

    def update(self, found: Found, text: Text) -> Found:
        """A draft that people have made ready stays ready."""
        title = _title(text._replace(draft=text.draft and found.draft))
        return _found(self.api.send("PATCH", f"{self._pulls}/{found.number}", {"title": title, "body": text.body}))

    def raw(self, branch: str, path: str) -> str:
        return f"{self._address.web}/raw/branch/{branch}/{path}"

    def _listed(self, state: str) -> list[Found]:
        found: list[Found] = []
        for page in range(1, _PAGES + 1):
            rows = self.api.get(self._pulls, state=state, sort="recentupdate", limit=_PAGE, page=page)
            found += map(_found, rows)
            if len(rows) < _PAGE:
                break
        return found


def _title(text: Text) -> str:
    return f"{DRAFT if text.draft else ''}{text.title}"


def _found(pull: dict[str, Any]) -> Found:
    state: State = "open" if pull["state"] == "open" else "merged" if pull.get("merged") else "closed"
    draft = bool(pull.get("draft", pull["title"].startswith(DRAFT)))
    return Found(pull["number"], pull["html_url"], state, pull["head"]["ref"], pull.get("body") or "", draft)
