"""GitLab (REST API v4): a pull request is a merge request there, and a draft is one whose title says so."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from neuromosaic.delivery.pull_requests.forges.address import Address
from neuromosaic.delivery.pull_requests.forges.api import Api
from neuromosaic.delivery.pull_requests.forges.protocol import Found, State, Text
from neuromosaic.delivery.pull_requests.forges.tokens import Token, hint

DRAFT = "Draft: "
_STATES: dict[str, State] = {"opened": "open", "locked": "open", "merged": "merged"}


class GitLab:
    def __init__(self, address: Address, token: Token) -> None:
        self._address = address
        self._requests = f"/projects/{quote(address.path, safe='')}/merge_requests"
        base = f"{address.scheme}://{address.host}/api/v4"
        self.api = Api(base, token, {"Authorization": f"Bearer {token.value}"}, hint("gitlab", address.host))

    def of_branch(self, branch: str) -> Sequence[Found]:
        return [_found(one) for one in self.api.get(self._requests, source_branch=branch, state="all", per_page=100)]

    def open_ones(self) -> Sequence[Found]:
        return [_found(one) for one in self.api.get(self._requests, state="opened", per_page=100)]

    def create(self, branch: str, base: str, text: Text) -> Found:
        document = {"source_branch": branch, "target_branch": base, "title": _title(text), "description": text.body}
        return _found(self.api.send("POST", self._requests, document))

    def update(self, found: Found, text: Text) -> Found:
        """A draft that people have made ready stays ready."""
        title = _title(text._replace(draft=text.draft and found.draft))
        return _found(
            self.api.send("PUT", f"{self._requests}/{found.number}", {"title": title, "description": text.body})
        )

    def raw(self, branch: str, path: str) -> str:
        return f"{self._address.web}/-/raw/{branch}/{path}"


def _title(text: Text) -> str:
    return f"{DRAFT if text.draft else ''}{text.title}"


def _found(one: dict[str, Any]) -> Found:
    draft = bool(one.get("draft", one["title"].startswith(DRAFT)))
    state = _STATES.get(one["state"], "closed")
    return Found(one["iid"], one["web_url"], state, one["source_branch"], one.get("description") or "", draft)
