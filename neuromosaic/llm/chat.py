"""The client for language models: prompt, cache, limits and repair around one completion function."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from neuromosaic.core.errors import ModelUnavailableError
from neuromosaic.core.proposals import Request, RoleName
from neuromosaic.llm.completion import Answer, Completion, Settings
from neuromosaic.llm.prices import Price
from neuromosaic.llm.protocols import ReplyStore
from neuromosaic.llm.spending import CallRecord, OnCall, Spending
from neuromosaic.llm.structured import Said, settle
from neuromosaic.prompts.narrowing import narrowed
from neuromosaic.prompts.render import ChatMessage, mend, messages
from neuromosaic.prompts.roles import Role
from neuromosaic.prompts.schema import json_schema

T = TypeVar("T", bound=BaseModel)

LIKELY_COMPLETION = 8192
"""Tokens that a reply is booked at where a role sets no `max_tokens`."""


class ChatClient:
    """Answers requests by a chat model. Safe to use from many threads.

    `complete` asks the model once. Replies are kept in `store` and never asked for again; `on_call` is told of each
    call; `spending` holds the limits (shared among the clients of a run); `price` None: not known.
    """

    def __init__(
        self,
        name: str,
        complete: Completion,
        roles: Mapping[RoleName, Role],
        *,
        store: ReplyStore | None = None,
        on_call: OnCall | None = None,
        spending: Spending | None = None,
        price: Price | None = None,
    ) -> None:
        self.name = name
        self._complete = complete
        self._roles = roles
        self._store = store
        self._on_call = on_call
        self._spending = spending or Spending()
        self._price = price

    def __repr__(self) -> str:
        return f"ChatClient({self.name!r})"

    def ask(self, request: Request[T]) -> T:
        """Raises ReplyError, ModelUnavailableError, ModelRefusedError or SpendingLimitError."""
        exchange = _Exchange(self, request)
        reply = settle(request, exchange.say, self.name)
        exchange.keep()
        return reply

    def settings(self, request: Request[Any]) -> Settings:
        role = self._roles[request.role]
        schema = None if request.files else json_schema(request.reply, narrowed(request.inputs))
        return Settings(role.temperature, role.max_tokens, schema)

    def prompt(self, request: Request[Any]) -> list[ChatMessage]:
        return messages(self._roles[request.role], request)

    def known(self, key: str) -> str | None:
        return self._store.reply(key) if self._store is not None else None

    def keep(self, key: str, text: str) -> None:
        if self._store is not None:
            self._store.keep_reply(key, text)

    def tell(self, record: CallRecord) -> None:
        if self._on_call is not None:
            self._on_call(record)

    def paid(self, talk: Sequence[ChatMessage], settings: Settings) -> tuple[Answer, float | None]:
        """The model's answer within the limits, and its cost, with what lost requests may have cost."""
        booked = self._spending.book(self.name, self._price, *_likely(talk, settings))
        try:
            with self._spending.turn():
                answer = self._complete(talk, settings)
        except BaseException as error:
            self._spending.cancel(booked, getattr(error, "lost", 0))
            raise
        cost = answer.cost_usd
        if cost is None and self._price is not None:
            cost = self._price.of(answer.prompt_tokens, answer.completion_tokens)
        self._spending.settle(booked, cost or 0.0, answer.prompt_tokens + answer.completion_tokens, answer.lost)
        return answer, None if cost is None else cost + answer.lost * booked.cost_usd

    def cost_of_lost(self, lost: int, talk: Sequence[ChatMessage], settings: Settings) -> float | None:
        """The most that requests may have cost whose answers never came whole; None: the price is not known."""
        return lost * self._price.of(*_likely(talk, settings)) if self._price else None


def _likely(talk: Sequence[ChatMessage], settings: Settings) -> tuple[int, int]:
    """Tokens of a prompt, and of its answer."""
    prompt = sum(len(message["content"]) for message in talk) // 3
    return prompt, settings.max_tokens or LIKELY_COMPLETION


class _Exchange:
    """The one or two turns about one request.

    A first reply is kept at once; a repaired one only after it proved usable: else a failed exchange would be
    repeated from the store for ever. What is empty or cut off is never kept.
    """

    def __init__(self, client: ChatClient, request: Request[Any]) -> None:
        self._client = client
        self._request = request
        self._settings = client.settings(request)
        self._talk = client.prompt(request)
        self._repaired: tuple[str, str] | None = None

    def say(self, fault: str | None) -> Said:
        if fault is not None:
            self._talk.append(mend(self._request, fault))
        key = reply_key(self._client.name, self._talk, self._settings, self._request)
        said = self._said(key, repaired=fault is not None)
        self._talk.append({"role": "assistant", "content": said.text or "(empty)"})
        return said

    def keep(self) -> None:
        if self._repaired:
            self._client.keep(*self._repaired)

    def _said(self, key: str, repaired: bool) -> Said:
        started = time.monotonic()
        if (text := self._client.known(key)) is not None:
            self._tell(key, Answer(text, 0, 0), 0.0, started, cached=True, repaired=repaired)
            return Said(text)
        try:
            answer, cost = self._client.paid(self._talk, self._settings)
        except ModelUnavailableError as error:
            if error.lost:
                self._tell_lost(key, error.lost, started, repaired)
            raise
        whole = bool(answer.text.strip()) and not answer.truncated
        if whole and repaired:
            self._repaired = key, answer.text
        elif whole:
            self._client.keep(key, answer.text)
        self._tell(key, answer, cost, started, cached=False, repaired=repaired)
        return Said(answer.text, answer.truncated)

    def _tell_lost(self, key: str, lost: int, started: float, repaired: bool) -> None:
        cost = self._client.cost_of_lost(lost, self._talk, self._settings)
        self._tell(key, Answer("", 0, 0, lost=lost), cost, started, cached=False, repaired=repaired)

    def _tell(
        self, key: str, answer: Answer, cost: float | None, started: float, cached: bool, repaired: bool
    ) -> None:
        self._client.tell(
            CallRecord(
                role=self._request.role,
                purpose=self._request.purpose,
                model=self._client.name,
                prompt_hash=key,
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
                cost_usd=cost,
                seconds=time.monotonic() - started,
                cached=cached,
                repaired=repaired,
                lost=answer.lost,
                temperature=self._settings.temperature,
                max_tokens=self._settings.max_tokens,
            )
        )


def reply_key(model: str, talk: Sequence[ChatMessage], settings: Settings, request: Request[Any]) -> str:
    """SHA-256 of everything that the reply depends on: model, messages, settings and the form wanted."""
    form = settings.schema if settings.schema is not None else dict(request.files)
    document = [model, list(talk), settings.temperature, settings.max_tokens, form]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
