"""The seam between the roles and whatever answers them."""

from typing import Protocol, TypeVar

from pydantic import BaseModel

from neuromosaic.core.proposals import Request

T = TypeVar("T", bound=BaseModel)


class ModelClient(Protocol):
    """Answers requests. `name` is what reports call it: "offline", "openai/gpt-x".

    Raises `ReplyError` where no usable reply came, also after the repair turn; `ModelUnavailableError`,
    `ModelRefusedError` or `SpendingLimitError` where none could come.
    """

    name: str

    def ask(self, request: Request[T]) -> T: ...


class ReplyStore(Protocol):
    """Where replies are kept by the hash of what was asked; `core.store.Store` is one."""

    def reply(self, key: str) -> str | None: ...

    def keep_reply(self, key: str, text: str) -> None: ...
