"""What was asked and spent, and the limits on it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from neuromosaic.core.errors import SpendingLimitError
from neuromosaic.core.proposals import RoleName
from neuromosaic.llm.prices import Price


@dataclass(frozen=True)
class CallRecord:
    """One answered call. A `cached` one came from the reply store and cost nothing: no tokens are counted.

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


OnCall = Callable[[CallRecord], None]
"""Told of each call, in the thread that asked."""


@dataclass(frozen=True)
class Limits:
    """None: not limited. A cached answer counts for neither."""

    cost_usd: float | None = None
    calls: int | None = None


class Spending:
    """Counts calls and cost over all clients of a run; safe to use from many threads.

    A call is booked at its highest likely cost before it is made, so that calls at once cannot exceed a limit
    together, and corrected when the answer is there.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self.calls = 0
        self.cost_usd = 0.0

    def book(self, model: str, price: Price | None, prompt_tokens: int, completion_tokens: int) -> float:
        """Books a call and returns the cost booked. Raises SpendingLimitError where it would exceed a limit."""
        with self._lock:
            self._check_calls(model)
            cost = self._checked_cost(model, price, prompt_tokens, completion_tokens)
            self.calls += 1
            self.cost_usd += cost
            return cost

    def settle(self, booked: float, cost: float) -> None:
        """Replaces what was booked by what it cost."""
        with self._lock:
            self.cost_usd += cost - booked

    def cancel(self, booked: float) -> None:
        """A call that was never answered."""
        with self._lock:
            self.calls -= 1
            self.cost_usd -= booked

    def _check_calls(self, model: str) -> None:
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
