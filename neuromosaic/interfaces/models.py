"""`neuromosaic models check`: what each model can do, by trying."""

import json
from collections.abc import Sequence

from neuromosaic.core.errors import UsageError
from neuromosaic.interfaces.settings import settings
from neuromosaic.llm.abilities import Ability, abilities
from neuromosaic.llm.completion import Connection
from neuromosaic.llm.litellm_client import litellm_sender
from neuromosaic.llm.openai_client import openai_sender

NEEDED = ("answers", "code blocks")
"""Without these a model cannot hold a role; decisions may come by schema, tool or prompt."""


def check(models: Sequence[str], api_base: str | None, timeout: float, *, as_json: bool) -> int:
    """0 where every model can do what the roles need."""
    said = settings().models
    names = list(models) or _configured(said.default, *said.roles.values(), *said.purposes.values())
    if not names:
        raise UsageError("no model is named: give some, such as openai/NAME, or set them in neuromosaic.toml")
    found = {name: _abilities(name, Connection(api_base or said.api_base, timeout, retries=0)) for name in names}
    if as_json:
        print(json.dumps({name: [ability._asdict() for ability in each] for name, each in found.items()}, indent=2))
    else:
        for name, each in found.items():
            _print(name, each)
    return 0 if all(_suffices(each) for each in found.values()) else 1


def _configured(*lines: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(name for line in lines for name in line) if "/" in name]


def _abilities(name: str, connection: Connection) -> list[Ability]:
    provider, _, model = name.partition("/")
    if not provider or not model or ":" in provider:
        raise UsageError(f"{name!r} is no model to try: write openai/NAME or PROVIDER/NAME")
    if provider == "openai":
        return list(abilities(name, *openai_sender(name, connection)))
    return list(abilities(name, connection, litellm_sender(name, connection)))


def _suffices(found: Sequence[Ability]) -> bool:
    return {ability.name for ability in found if ability.works} >= set(NEEDED)


def _print(name: str, found: Sequence[Ability]) -> None:
    print(name)
    for ability in found:
        said = "yes" if ability.works else f"no: {ability.why}"
        print(f"  {ability.name:24} {said} ({ability.seconds:.1f} s)")
