"""GitHub and GitHub Enterprise (REST API version 2022-11-28)."""

from collections.abc import Sequence
from typing import Any

from neuromosaic.delivery.pull_requests.forges.address import Address, is_loopback
from neuromosaic.delivery.pull_requests.forges.api import Api, Refused
from neuromosaic.delivery.pull_requests.forges.protocol import Found, State, Text
from neuromosaic.delivery.pull_requests.forges.tokens import Token, hint


class GitHub:
    def __init__(self, address: Address, token: Token) -> None:
        headers = {
            "Authorization": f"Bearer {token.value}", "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }  # fmt: skip
        self._address = address
        self._pulls = f"/repos/{address.path}/pulls"
        self.api = Api(_base(address), token, headers, hint("github", address.host))

    def of_branch(self, branch: str) -> Sequence[Found]:
        head = f"{self._address.owner}:{branch}"
        return [_found(pull) for pull in self.api.get(self._pulls, head=head, state="all", per_page=100)]

    def open_ones(self) -> Sequence[Found]:
        return [_found(pull) for pull in self.api.get(self._pulls, state="open", per_page=100)]

    def create(self, branch: str, base: str, text: Text) -> Found:
        """Where the plan of the project knows no drafts it is opened as ready."""
        document = {"title": text.title, "body": text.body, "head": branch, "base": base, "draft": text.draft}
        try:
            return _found(self.api.send("POST", self._pulls, document))
        except Refused as refused:
            if not (text.draft and refused.status == 422 and "draft" in refused.said.lower()):
                raise
            return _found(self.api.send("POST", self._pulls, {**document, "draft": False}))

    def update(self, found: Found, text: Text) -> Found:
        """Title and text. Whether it is a draft is left to people: the REST API cannot change that."""
        return _found(
            self.api.send("PATCH", f"{self._pulls}/{found.number}", {"title": text.title, "body": text.body})
        )

    def raw(self, branch: str, path: str) -> str:
        return f"{self._address.web}/raw/{branch}/{path}"


def _base(address: Address) -> str:
    if address.host == "github.com" or address.host.endswith(".ghe.com"):
        return f"https://api.{address.host}"
    return f"{address.scheme if is_loopback(address.host) else 'https'}://{address.host}/api/v3"


def _found(pull: dict[str, Any]) -> Found:
    state: State = "open" if pull["state"] == "open" else "merged" if pull.get("merged_at") else "closed"
    head, draft = pull["head"]["ref"], bool(pull.get("draft"))
    return Found(pull["number"], pull["html_url"], state, head, pull.get("body") or "", draft)
