"""One completion by a provider's chat API: what is sent, what comes back, when to try again."""

import ipaddress
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from neuromosaic.core.errors import ModelRefusedError, ModelUnavailableError
from neuromosaic.prompts.render import ChatMessage

TOOL = "reply"
"""The name of the tool by which a decision may be handed in."""

LONGEST_WAIT = 60.0
"""Seconds; a server that asks to wait longer counts as not available."""


class Settings(NamedTuple):
    """What of a role's settings is sent along. `schema`: of the decision wanted; None: fenced files are wanted."""

    temperature: float | None = None
    max_tokens: int | None = None
    schema: dict[str, Any] | None = None


class Answer(NamedTuple):
    """`cost_usd` None: the provider does not say. `truncated`: it ended at the limit of tokens. `lost`: requests
    before it whose answers never came whole."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None = None
    truncated: bool = False
    lost: int = 0


Completion = Callable[[Sequence[ChatMessage], Settings], Answer]
"""Asks a model once. Raises ModelUnavailableError or ModelRefusedError."""

Send = Callable[[dict[str, Any]], Any]
"""A provider: from keyword arguments (messages, ...) to a response in OpenAI's form."""


class Connection(NamedTuple):
    """How a model server is reached.

    `timeout`: seconds without an answer. `retries` after the first try, where another may help; waits `backoff`
    seconds before the first, twice as long before each further one, or as long as the server asks.
    """

    api_base: str | None = None
    timeout: float = 600.0
    retries: int = 3
    backoff: float = 1.0


def completion(model: str, connection: Connection, send: Send) -> Completion:
    """The completion function of a model, given the way to send one request to its provider."""
    ways = list(WAYS)

    def complete(messages: Sequence[ChatMessage], settings: Settings) -> Answer:
        arguments: dict[str, Any] = {"messages": list(messages)} | _given(settings)
        schema = settings.schema or {}
        for way in tuple(ways) if schema else ():
            try:
                return answered(model, connection, send, arguments | way(schema))
            except ModelRefusedError as error:
                if not _is_about_format(error):
                    raise
                if way in ways:  # learnt once, by whichever thread comes first
                    ways.remove(way)
        # The prompt holds the schema as well: without native support the reply is only less sure to fit.
        return answered(model, connection, send, arguments)

    return complete


def answered(model: str, connection: Connection, send: Send, arguments: dict[str, Any]) -> Answer:
    """The answer to one request. Raises ModelUnavailableError or ModelRefusedError."""
    response, lost = persistently(model, connection, send, arguments)
    return answer_of(model, response)._replace(lost=lost)


def persistently(model: str, connection: Connection, send: Send, arguments: dict[str, Any]) -> tuple[Any, int]:
    """The response, after as many tries as make sense, and how many of these were lost.

    Raises ModelUnavailableError or ModelRefusedError.
    """
    from neuromosaic.llm.faults import EXPECTED, fault_of

    refuse_beyond_this_machine(model, connection.api_base)
    lost = 0
    for attempt in range(connection.retries + 1):
        try:
            return send(arguments), lost
        except EXPECTED as error:
            fault = fault_of(error, model, connection.api_base, connection.timeout)
        lost += fault.lost
        wait = fault.wait if fault.wait is not None else connection.backoff * 2**attempt
        if not fault.passing or wait > LONGEST_WAIT or attempt == connection.retries:
            break
        time.sleep(wait)
    if isinstance(fault.error, ModelUnavailableError):
        fault.error.lost = lost
    raise fault.error


def answer_of(model: str, response: Any) -> Answer:
    """The first choice's text. Raises ModelUnavailableError where there is none, ModelRefusedError where the response
    is no chat completion."""
    if getattr(response, "choices", None) == []:  # as gateways have it whose own model failed
        raise ModelUnavailableError(f"{model} sent a chat completion without any text: try again later")
    try:
        choice = response.choices[0]
        text = _said(choice.message)
    except (AttributeError, IndexError, TypeError):
        raise ModelRefusedError(
            f"what answers as {model} sent no chat completion: mend --api-base, which usually ends in /v1"
        ) from None
    usage = response.usage
    return Answer(
        text=text,
        prompt_tokens=getattr(usage, "prompt_tokens", 0) or 0,
        completion_tokens=getattr(usage, "completion_tokens", 0) or 0,
        cost_usd=_cost(usage),
        truncated=choice.finish_reason == "length",
    )


def _said(message: Any) -> str:
    """The text, or the arguments of a call to the one tool that is ours; other calls were asked for by nobody."""
    if message.content:
        return str(message.content)
    called = [call.function for call in getattr(message, "tool_calls", None) or () if hasattr(call, "function")]
    ours = [function.arguments for function in called if function.name == TOOL]
    return str(ours[0] if ours else getattr(message, "refusal", None) or "")


def is_loopback(api_base: str | None) -> bool:
    host = (urlsplit(api_base).hostname or "") if api_base else ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_beyond_this_machine(model: str, api_base: str | None) -> None:
    """Raises ModelRefusedError where `ALLOW_MODEL_REQUESTS` is off and the model is not on this machine."""
    from neuromosaic import llm

    if not llm.ALLOW_MODEL_REQUESTS and not is_loopback(api_base):
        raise ModelRefusedError(
            f"{model} would be asked over the network, but neuromosaic.llm.ALLOW_MODEL_REQUESTS is False: "
            "set it to True, or use a model on this machine"
        )


def _given(settings: Settings) -> dict[str, Any]:
    sent = {"temperature": settings.temperature, "max_tokens": settings.max_tokens}
    return {key: value for key, value in sent.items() if value is not None}


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    # Strict mode knows no defaults and no free keys, which our decisions have.
    return {
        "response_format": {
            "type": "json_schema", "json_schema": {"name": TOOL, "schema": schema, "strict": False}
        }
    }  # fmt: skip


def tool(schema: dict[str, Any]) -> dict[str, Any]:
    function = {"name": TOOL, "description": "Hands in the decision.", "parameters": schema}
    return {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": TOOL}},
    }


WAYS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (response_format, tool)
"""How a decision is asked for, the surest way first; after these the prompt alone."""


def _is_about_format(error: ModelRefusedError) -> bool:
    words = (
        "tool",
        "response_format",
        "response format",
        "json_schema",
        "json schema",
        "structured output",
        "grammar",
    )
    return any(word in str(error).lower() for word in words)


def _cost(usage: Any) -> float | None:
    cost = getattr(usage, "cost", None)
    return float(cost) if isinstance(cost, (int, float)) else None
