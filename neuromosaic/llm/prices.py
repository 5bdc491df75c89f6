"""What a model's tokens cost, by the price list that comes with LiteLLM."""

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

PRICE_LIST = "model_prices_and_context_window_backup.json"


class Price(NamedTuple):
    """US dollars per token."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        return self.prompt * prompt_tokens + self.completion * completion_tokens


FREE = Price(0.0, 0.0)


def price_of(model: str) -> Price | None:
    """The list price of "provider/NAME", without discounts; None where the list does not know it."""
    provider, _, name = model.partition("/")
    entry = _prices().get(model) or _prices().get(name, {})
    if entry.get("litellm_provider", provider) != provider:
        return None
    prompt, completion = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    return None if prompt is None or completion is None else Price(float(prompt), float(completion))


@cache
def _prices() -> dict[str, dict[str, Any]]:
    # Found without importing LiteLLM, which takes seconds.
    spec = importlib.util.find_spec("litellm")
    path = Path(spec.origin).with_name(PRICE_LIST) if spec and spec.origin else None
    if path is None or not path.exists():
        return {}
    prices: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return prices
