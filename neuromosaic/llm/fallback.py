"""Several clients as one: for each role the first that answers."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from neuromosaic.core.errors import ModelClientError, ModelUnavailableError, ReplyError
from neuromosaic.core.proposals import Request, RoleName
from neuromosaic.llm.ensemble import Ensemble
from neuromosaic.llm.protocols import ModelClient

Seated = ModelClient | Ensemble
"""One place in a line of fallbacks."""

T = TypeVar("T", bound=BaseModel)


class Fallback(NamedTuple):
    """`failed` gave no answer, for `reason`; `next` is asked instead."""

    role: RoleName
    purpose: str
    failed: str
    reason: str
    next: str


class FallbackClient:
    """Asks the clients of a request's role in order, until one answers.

    Goes on to the next where one is not available or gives no usable reply; a refusal (wrong key, wrong name) or a
    spending limit is for a person to mend and ends it. `on_fallback` is told of each step. `purposes` come before
    roles. Of an ensemble all members are asked, the most promising first.
    """

    def __init__(
        self,
        clients: Sequence[Seated],
        own: Mapping[RoleName, Sequence[Seated]] | None = None,
        on_fallback: Callable[[Fallback], None] | None = None,
        purposes: Mapping[str, Sequence[Seated]] | None = None,
    ) -> None:
        self._clients = tuple(clients)
        self._own = {role: tuple(seated) for role, seated in (own or {}).items()}
        self._on_fallback = on_fallback
        self._purposes = {purpose: tuple(seated) for purpose, seated in (purposes or {}).items()}
        self.name = _names(self._clients)

    def clients_of(self, role: RoleName) -> tuple[Seated, ...]:
        return self._own.get(role, self._clients)

    def name_of(self, role: RoleName) -> str:
        """The clients that answer for a role, in order: "openai/gpt-x, then offline"."""
        return _names(self.clients_of(role))

    def ask(self, request: Request[T]) -> T:
        return self.ask_named(request)[0]

    def ask_named(self, request: Request[T]) -> tuple[T, str]:
        """The reply and the name of the client that gave it. Raises the last client's error."""
        seated = self._purposes.get(request.purpose) or self.clients_of(request.role)
        clients = [client for one in seated for client in _members(one, request)]
        for client, following in itertools.pairwise(clients):
            try:
                return client.ask(request), client.name
            except (ModelUnavailableError, ReplyError) as error:
                self._tell(request, client, error, following)
        return clients[-1].ask(request), clients[-1].name

    def _tell(
        self, request: Request[T], failed: ModelClient, error: ModelClientError, following: ModelClient
    ) -> None:
        if self._on_fallback:
            self._on_fallback(Fallback(request.role, request.purpose, failed.name, str(error), following.name))


class Witness:
    """A view of a client for one conversation: `answered_by` names whoever gave the last reply.

    Made anew for each question (and thread), it tells the designer of a proposal although the roles' functions
    return the reply alone.
    """

    def __init__(self, client: ModelClient) -> None:
        self._client = client
        self.name = client.name
        self.answered_by = client.name

    def ask(self, request: Request[T]) -> T:
        if isinstance(self._client, FallbackClient):
            reply, self.answered_by = self._client.ask_named(request)
            return reply
        return self._client.ask(request)


def _members(seated: Seated, request: Request[Any]) -> Sequence[ModelClient]:
    return seated.order(request) if isinstance(seated, Ensemble) else (seated,)


def _names(clients: Sequence[Seated]) -> str:
    return ", then ".join(client.name for client in clients)
