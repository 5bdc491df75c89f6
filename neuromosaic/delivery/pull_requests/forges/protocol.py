"""What a forge can do for us."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

State = Literal["open", "closed", "merged"]


class Text(NamedTuple):
    """What a pull request says; `draft`: not to be merged yet."""

    title: str
    body: str
    draft: bool


class Found(NamedTuple):
    """A pull request as it is. `head`: the branch that it comes from."""

    number: int
    url: str
    state: State
    head: str
    body: str
    draft: bool


class Forge(Protocol):
    """One project on one server. Every method raises ForgeError with a sentence where it is refused.

    `of_branch` has the latest first; `open_ones` the latest hundred. `raw` is the address of a file on a branch.
    """

    def of_branch(self, branch: str) -> Sequence[Found]: ...

    def open_ones(self) -> Sequence[Found]: ...

    def create(self, branch: str, base: str, text: Text) -> Found: ...

    def update(self, found: Found, text: Text) -> Found: ...

    def raw(self, branch: str, path: str) -> str: ...
