"""From the names that a user gives to the client that answers."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlsplit

from neuromosaic.core.errors import UsageError
from neuromosaic.core.proposals import RoleName
from neuromosaic.llm.chat import ChatClient
from neuromosaic.llm.completion import Connection, is_loopback
from neuromosaic.llm.fallback import Fallback, FallbackClient
from neuromosaic.llm.litellm_client import litellm_completion
from neuromosaic.llm.openai_client import openai_completion
from neuromosaic.llm.prices import FREE, price_of
from neuromosaic.llm.protocols import ModelClient, ReplyStore
from neuromosaic.llm.scripted import ScriptedClient
from neuromosaic.llm.spending import Limits, OnCall, Spending
from neuromosaic.prompts.roles import Role

FORMS = '"offline", "openai/NAME", "PROVIDER/NAME" or "scripted:FILE"'
SCRIPTED = "scripted:"


def client_for(
    names: Sequence[str],
    *,
    roles: Mapping[RoleName, Role],
    api_base: str | None = None,
    timeout: float = 600.0,
    retries: int = 3,
    store: ReplyStore | None = None,
    on_call: OnCall | None = None,
    on_fallback: Callable[[Fallback], None] | None = None,
    limits: Limits | None = None,
) -> FallbackClient:
    """One client that asks the named ones in order; nothing falls back to what is not named.

    "offline" is the built-in designer; "openai/NAME" is asked by the OpenAI SDK, any other "PROVIDER/NAME" by
    LiteLLM; "scripted:FILE" replays texts. `api_base` is the server of the first provider named; others are asked
    where they live. A role file's own `model` goes before all of them for that role. `timeout` in seconds for one
    answer. Nothing is contacted yet. Raises UsageError.
    """
    if not names:
        raise UsageError(f"no model is named: give {FORMS}")
    _check_base(api_base)
    connection = Connection(api_base, timeout, retries)
    chat = partial(ChatClient, roles=roles, store=store, on_call=on_call, spending=Spending(limits))
    client = cache(partial(_client, home=_first_provider(names), connection=connection, chat=chat))
    own = {role.name: [role.model, *names] for role in roles.values() if role.model}
    seated = {role: [client(name) for name in dict.fromkeys(line)] for role, line in own.items()}
    return FallbackClient([client(name) for name in dict.fromkeys(names)], seated, on_fallback)


def _first_provider(names: Sequence[str]) -> str:
    providers = (name.partition("/")[0] for name in names if "/" in name and not name.startswith(SCRIPTED))
    return next(providers, "openai")


def _client(name: str, home: str, connection: Connection, chat: Callable[..., ChatClient]) -> ModelClient:
    if name == "offline":
        from neuromosaic.llm.offline.designer import OfflineDesigner

        return OfflineDesigner()
    if name.startswith(SCRIPTED):
        return ScriptedClient.from_path(Path(name.removeprefix(SCRIPTED)))
    here = name.partition("/")[0] == home
    return _chat_client(name, connection if here else connection._replace(api_base=None), chat)


def _chat_client(name: str, connection: Connection, chat: Callable[..., ChatClient]) -> ChatClient:
    provider, _, model = name.partition("/")
    if not provider or not model:
        raise UsageError(f"{name!r} names no model: write {FORMS}" + (f', such as "openai/{name}"' if name else ""))
    completion_of = openai_completion if provider == "openai" else litellm_completion
    price = price_of(name) or (FREE if is_loopback(connection.api_base) else None)
    return chat(name, completion_of(name, connection), price=price)


def _check_base(api_base: str | None) -> None:
    if api_base is None:
        return
    parts = urlsplit(api_base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f'{api_base!r} is no address of a model server: write it like "http://127.0.0.1:8765/v1"')
