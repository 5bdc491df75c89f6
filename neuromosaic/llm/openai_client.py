"""OpenAI and every server that speaks its API, by the openai SDK."""

import os
from functools import cache
from typing import Any

from neuromosaic.core.errors import ModelRefusedError
from neuromosaic.llm.completion import Completion, Connection, Send, completion, is_loopback

OPENAI = "https://api.openai.com/v1"


def openai_completion(model: str, connection: Connection) -> Completion:
    """`model` is "openai/NAME". The key comes from OPENAI_API_KEY; a server on this machine needs none."""
    known, send = openai_sender(model, connection)
    return completion(model, known, send)


def openai_sender(model: str, connection: Connection) -> tuple[Connection, Send]:
    """The connection with its address, and the way to send one request over it."""
    base = connection.api_base or os.environ.get("OPENAI_BASE_URL") or None
    known = connection._replace(api_base=base)

    @cache
    def client() -> Any:
        from httpx import Limits
        from openai import DefaultHttpxClient, OpenAI

        # A proxy is no way to this machine; and calls are so rare that an open connection would only be left over.
        http = DefaultHttpxClient(trust_env=not is_loopback(base), limits=Limits(max_keepalive_connections=0))
        return OpenAI(
            api_key=_key(model, base),
            base_url=base or OPENAI,
            timeout=known.timeout,
            max_retries=0,  # completion.persistently retries, for every provider alike
            http_client=http,
        )

    def send(arguments: dict[str, Any]) -> Any:
        known_by = arguments if base else as_openai_names_it(arguments)
        return client().chat.completions.create(model=model.partition("/")[2], **known_by)

    return known, send


def as_openai_names_it(arguments: dict[str, Any]) -> dict[str, Any]:
    """The limit of tokens by the only name that OpenAI's newer models know; other servers know the old one."""
    return {"max_completion_tokens" if key == "max_tokens" else key: value for key, value in arguments.items()}


def _key(model: str, base: str | None) -> str:
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key and not is_loopback(base):
        raise ModelRefusedError(f"there is no key for {model}: set OPENAI_API_KEY")
    return key or "none"
