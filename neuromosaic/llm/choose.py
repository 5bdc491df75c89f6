"""From the names that a user gives to the client that answers."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlsplit

from neuromosaic.core.errors import UsageError
from neuromosaic.core.proposals import RoleName
from neuromosaic.llm.chat import ChatClient
from neuromosaic.llm.completion import Connection, is_loopback
from neuromosaic.llm.ensemble import Ensemble
from neuromosaic.llm.fallback import Fallback, FallbackClient, Seated
from neuromosaic.llm.litellm_client import litellm_completion
from neuromosaic.llm.openai_client import openai_completion
from neuromosaic.llm.prices import FREE, price_of
from neuromosaic.llm.protocols import ModelClient, ReplyStore
from neuromosaic.llm.scripted import ScriptedClient
from neuromosaic.llm.spending import Limits, OnCall, Spending
from neuromosaic.prompts.roles import Role

FORMS = '"offline", "openai/NAME", "PROVIDER/NAME", "ensemble:NAME+NAME", "scripted:FILE" or "MODULE:FACTORY"'
SCRIPTED = "scripted:"
ENSEMBLE = "ensemble:"
"""Then names joined by `+`: each is asked as often as its proposals have earned for their cost."""


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
    spending: Spending | None = None,
    purposes: Mapping[str, Sequence[str]] | None = None,
) -> FallbackClient:
    """One client that asks the named ones in order; nothing falls back to what is not named.

    "offline" is the built-in designer; "openai/NAME" is asked by the OpenAI SDK, any other "PROVIDER/NAME" by
    LiteLLM; "ensemble:NAME+NAME" asks the most promising; "scripted:FILE" replays texts; "MODULE:FACTORY" is a client
    of the user's own, made without arguments.
    `api_base` is the server of the first provider named; others are asked where they live. A role file's own `model`
    goes before all of them for that role; `purposes` names others for a request's purpose ("repair"). `timeout` in
    seconds for one answer. `spending` is shared by all clients of a run; `limits` make a new one. Nothing is
    contacted yet. Raises UsageError.
    """
    if not names:
        raise UsageError(f"no model is named: give {FORMS}")
    _check_base(api_base)
    connection = Connection(api_base, timeout, retries)
    chat = partial(ChatClient, roles=roles, store=store, on_call=on_call, spending=spending or Spending(limits))
    single = cache(partial(_client, home=_first_provider(names), connection=connection, chat=chat))
    client = partial(_seated, single=single)
    own = {role.name: [role.model, *names] for role in roles.values() if role.model}
    seated = {role: [client(name) for name in dict.fromkeys(line)] for role, line in own.items()}
    special = {purpose: [client(name) for name in line] for purpose, line in (purposes or {}).items()}
    return FallbackClient([client(name) for name in dict.fromkeys(names)], seated, on_fallback, special)


def _seated(name: str, single: Callable[[str], ModelClient]) -> Seated:
    members = _members(name)
    if members == [name]:
        return single(name)
    if len(set(members)) < 2:
        raise UsageError(f"{name!r} is no ensemble: name several models, such as {ENSEMBLE}openai/one+openai/other")
    return Ensemble([single(member) for member in dict.fromkeys(members)])


def _members(name: str) -> list[str]:
    return name.removeprefix(ENSEMBLE).split("+") if name.startswith(ENSEMBLE) else [name]


def _first_provider(names: Sequence[str]) -> str:
    single = (member for name in names for member in _members(name) if not member.startswith(SCRIPTED))
    return next((name.partition("/")[0] for name in single if "/" in name), "openai")


def _client(name: str, home: str, connection: Connection, chat: Callable[..., ChatClient]) -> ModelClient:
    if name == "offline":
        from neuromosaic.llm.offline.designer import OfflineDesigner

        return OfflineDesigner()
    if name.startswith(SCRIPTED):
        return ScriptedClient.from_path(Path(name.removeprefix(SCRIPTED)))
    if ":" in name and "/" not in name:
        return _own_client(name)
    here = name.partition("/")[0] == home
    return _chat_client(name, connection if here else connection._replace(api_base=None), chat)


def check_name(name: str) -> None:
    """Raises UsageError for what cannot be the name of a client; nothing is made or contacted."""
    for member in _members(name):
        if member != "offline" and not (":" in member and "/" not in member.partition(":")[0]):
            _check_model(member)


def _check_model(name: str) -> str:
    """The provider of "PROVIDER/NAME"."""
    provider, _, model = name.partition("/")
    if not provider or not model:
        raise UsageError(f"{name!r} names no model: write {FORMS}" + (f', such as "openai/{name}"' if name else ""))
    return provider


def _chat_client(name: str, connection: Connection, chat: Callable[..., ChatClient]) -> ChatClient:
    provider = _check_model(name)
    completion_of = openai_completion if provider == "openai" else litellm_completion
    price = price_of(name) or (FREE if is_loopback(connection.api_base) else None)
    return chat(name, completion_of(name, connection), price=price)


def _own_client(name: str) -> ModelClient:
    """What the user's factory makes; the module is found as Python finds it, the current folder included."""
    module, _, factory = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        client: ModelClient = getattr(importlib.import_module(module), factory)()
    except Exception as error:  # noqa: BLE001 - whatever the user's own code raises is told with its name
        raise UsageError(f"cannot make the model client {name!r}: {type(error).__name__}: {error}") from None
    if not isinstance(getattr(client, "name", None), str) or not callable(getattr(client, "ask", None)):
        raise UsageError(f"{name!r} made no model client: it needs `name` and `ask(request)`, see docs/models.md")
    return client


def _check_base(api_base: str | None) -> None:
    if api_base is None:
        return
    parts = urlsplit(api_base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f'{api_base!r} is no address of a model server: write it like "http://127.0.0.1:8765/v1"')
