"""What went wrong between us and a provider, as one of our errors: for a person, and without keys."""

import json
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import openai

from neuromosaic.core.errors import ModelClientError, ModelRefusedError, ModelUnavailableError

PASSING = {408, 409, 429}
"""Client-side status codes after which another try may help; so it may after every 5xx."""

LONGEST_QUOTE = 300
"""So much of a server's own message is quoted, in characters."""

EXPECTED = (openai.OpenAIError, json.JSONDecodeError)
"""What a provider's client raises where a request fails; LiteLLM derives its errors from the SDK's."""


class Fault(NamedTuple):
    """`passing`: another try may help, after `wait` seconds where the server says how many. `lost`: the request was
    taken, and the provider may charge for an answer that never came whole."""

    error: ModelClientError
    passing: bool
    wait: float | None = None
    lost: bool = False


def fault_of(error: Exception, model: str, api_base: str | None, timeout: float) -> Fault:
    """What one of the `EXPECTED` errors means."""
    where = redacted(api_base) if api_base else "its provider"
    causes = list(_causes(error))
    if any(isinstance(cause, (httpx.ConnectError, httpx.UnsupportedProtocol)) for cause in causes):
        return Fault(_no_server(model, api_base), passing=True)
    if any(isinstance(cause, (openai.APITimeoutError, httpx.TimeoutException)) for cause in causes):
        late = ModelUnavailableError(f"{model} at {where} gave no answer within {timeout:g} s")
        return Fault(late, passing=True, lost=True)
    if any(isinstance(cause, (httpx.TransportError, json.JSONDecodeError)) for cause in causes):
        cut = ModelUnavailableError(f"the reply of {model} at {where} broke off in the middle")
        return Fault(cut, passing=True, lost=True)
    return _by_status(error, model, where)


def redacted(text: str) -> str:
    """The text without keys: those in the environment, and whatever looks like one."""
    for name, value in os.environ.items():
        if re.search(r"KEY|TOKEN|SECRET|PASSWORD", name) and len(value) >= 6:
            text = text.replace(value, "[key]")
    text = re.sub(r"(?<=://)[^/@\s]+@", "", text)
    text = re.sub(r"(?i)\bbearer\s+\S+", "Bearer [key]", text)
    return re.sub(r"\b(?:sk|pk|gsk|xai|hf)[-_][\w*.-]{6,}", "[key]", text)


def _by_status(error: Exception, model: str, where: str) -> Fault:
    status = getattr(error, "status_code", None)
    said = _quoted(error)
    code = getattr(error, "code", None)
    if status in (401, 403):
        return Fault(
            ModelRefusedError(f"the key was not accepted for {model} ({status}): set {key_name(model)}"), False
        )
    if status == 404:
        told = f"{where} knows no model {model.partition('/')[2]!r} (404: {said}): mend --model or --api-base"
        return Fault(ModelRefusedError(told), False)
    if code == "insufficient_quota":
        return Fault(ModelRefusedError(f"the account behind {key_name(model)} has no quota left for {model}"), False)
    if status in PASSING or (isinstance(status, int) and status >= 500):
        told = "is overloaded or limits its rate" if status == 429 else "failed"
        told = f"{model} at {where} {told} ({status}: {said}): try again later"
        return Fault(ModelUnavailableError(told), True, _retry_after(error))
    return Fault(
        ModelRefusedError(f"{model} at {where} did not accept the request ({status or 'no status'}: {said})"), False
    )


def key_name(model: str) -> str:
    """The environment variable that holds the key of a model's provider, by the usual naming."""
    return re.sub(r"\W", "_", model.partition("/")[0]).upper() + "_API_KEY"


def _no_server(model: str, api_base: str | None) -> ModelUnavailableError:
    if api_base is None:
        return ModelUnavailableError(f"the provider of {model} cannot be reached: check the network")
    return ModelUnavailableError(f"no model server answers at {redacted(api_base)}: start it or mend --api-base")


def _quoted(error: Exception) -> str:
    said = " ".join(redacted(str(getattr(error, "message", error))).split())
    return said if len(said) <= LONGEST_QUOTE else said[:LONGEST_QUOTE] + "..."


def _retry_after(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None  # a date: our own back-off serves as well


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
