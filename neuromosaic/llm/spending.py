"""What was asked and spent, and the limits on it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from neuromosaic.core.errors import SpendingLimitError
from neuromosaic.core.proposals import RoleName
from neuromosaic.llm.prices import Price


@dataclass(frozen=True)
class CallRecord:
    """One call. A `cached` answer came from the reply store and cost nothing: no tokens are counted. `lost`: requests
    that were taken and whose answers never came whole; `cost_usd` has what they may have cost at most.

    `prompt_hash` is the key of the reply in the store. `cost_usd` None: not known. `repaired`: this was the repair
    turn. A client that is no model (the offline designer) makes no calls.
    """

    role: RoleName
    purpose: str
    model: str
    prompt_hash: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    seconds: float
    cached: bool
    repaired: bool
    lost: int = 0
    temperature: float | None = None
    max_tokens: int | None = None


OnCall = Callable[[CallRecord], None]
"""Told of each call, in the thread that asked."""


@dataclass(frozen=True)
class Limits:
    """None: not limited. A cached answer counts for none of them.

    `tokens`: of prompts and replies together; `seconds`: of waiting for models, calls at once counted each;
    `at_once`: calls in flight.
    """

    cost_usd: float | None = None
    calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    at_once: int | None = None


class Booking(NamedTuple):
    """What was set aside for a call in flight: US dollars, tokens."""

    cost_usd: float
    tokens: int


class Spending:
    """Counts calls and cost over all clients of a run; safe to use from many threads.

    A call is booked at its highest likely cost before it is made, so that calls at once cannot exceed a limit
    together, and corrected when the answer is there.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(self._limits.at_once) if self._limits.at_once else None
        self.calls = 0
        self.cost_usd = 0.0
        self.tokens = 0
        self.seconds = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until a further call may be in flight, and counts the time it takes."""
        with self._turns or nullcontext():
            began = time.monotonic()
            try:
                yield
            finally:
                with self._lock:
                    self.seconds += time.monotonic() - began

    def book(self, model: str, price: Price | None, prompt_tokens: int, completion_tokens: int) -> Booking:
        """Books a call. Raises SpendingLimitError where it would exceed a limit."""
        tokens = prompt_tokens + completion_tokens
        with self._lock:
            self._check_counts(model, tokens)
            cost = self._checked_cost(model, price, prompt_tokens, completion_tokens)
            self.calls += 1
            self.cost_usd += cost
            self.tokens += tokens
            return Booking(cost, tokens)

    def settle(self, booked: Booking, cost: float, tokens: int, lost: int = 0) -> None:
        """Replaces what was booked by what it came to, and by what `lost` requests before it may have."""
        with self._lock:
            self.calls += lost
            self.cost_usd += cost + (lost - 1) * booked.cost_usd
            self.tokens += tokens + (lost - 1) * booked.tokens

    def cancel(self, booked: Booking, lost: int = 0) -> None:
        """A call that was never answered; `lost` requests of it were taken, and count as if they had been."""
        self.settle(booked, 0.0, 0, lost)
        with self._lock:
            self.calls -= 1

    def _check_counts(self, model: str, tokens: int) -> None:
        most = self._limits
        if most.tokens is not None and self.tokens + tokens > most.tokens:
            raise SpendingLimitError(
                f"the next call to {model} may take {tokens:,} tokens, which with {self.tokens:,} used exceeds the "
                f"limit of {most.tokens:,}: raise the limit, or set max_tokens in the role's file"
            )
        if most.seconds is not None and self.seconds >= most.seconds:
            raise SpendingLimitError(f"the limit of {most.seconds:g} s for models is reached: {model} is not asked")
        if self._limits.calls is not None and self.calls >= self._limits.calls:
            raise SpendingLimitError(
                f"the limit of {self._limits.calls} model calls is reached: {model} is not asked"
            )

    def _checked_cost(self, model: str, price: Price | None, prompt_tokens: int, completion_tokens: int) -> float:
        limit = self._limits.cost_usd
        if price is None:
            if limit is not None:
                raise SpendingLimitError(
                    f"the price of {model} is not known, so the limit of ${limit:g} cannot be kept: "
                    "limit the calls instead, or use a model with a list price"
                )
            return 0.0
        cost = price.of(prompt_tokens, completion_tokens)
        if limit is not None and self.cost_usd + cost > limit:
            raise SpendingLimitError(
                f"the next call to {model} may cost ${cost:.4f}, which with ${self.cost_usd:.4f} spent exceeds the "
                f"limit of ${limit:g}: raise the limit, or use a cheaper model"
            )
        return cost
