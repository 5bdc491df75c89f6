"""`neuromosaic.toml`: which models answer, what they may cost and how is searched, where nothing else says so."""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from neuromosaic.core.brief import Value
from neuromosaic.core.errors import UsageError

FILE = Path("neuromosaic.toml")
MODELS = "NEUROMOSAIC_MODEL"
"""Environment: names as for --model, separated by blanks or commas."""

ROLES = ("TestArchitect", "NetworkArchitect", "ModelArchitect", "Trainer", "Compute", "Metrics")
PURPOSES = (
    "read-brief", "envelope", "plan", "judge", "suite", "propose", "extend", "repair", "recipes", "points", "advise",
)  # fmt: skip


class Models(Value):
    """`default`: in order of preference; `roles` and `purposes` likewise by name ("Trainer", "repair",
    "NetworkArchitect.repair")."""

    default: tuple[str, ...] = ()
    roles: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    purposes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    api_base: str | None = None


class Most(Value):
    """`cost_usd` in US dollars; `tokens` of prompts and replies; `seconds` of waiting; `at_once`: calls in flight."""

    cost_usd: float | None = Field(None, ge=0)
    calls: int | None = Field(None, ge=0)
    tokens: int | None = Field(None, ge=0)
    seconds: float | None = Field(None, ge=0)
    at_once: int | None = Field(None, ge=1)


class Search(Value):
    """`strategy`: by which the families of a design are searched."""

    strategy: str = "auto"


class Settings(Value):
    models: Models = Models()
    limits: Most = Most()
    search: Search = Search()


def settings(path: Path = FILE) -> Settings:
    """What the file says; nothing where there is none. Raises UsageError naming the file, the field and the fault.

    Whether there are such roles is for `check_seats` to say: who sits at the table hangs on the store.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        found = Settings.model_validate(document)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise UsageError(f"{path}: {faults}") from None
    return found


def names_given(said: list[str] | None) -> list[str]:
    """The model names of the command line, or else of the environment."""
    return said or os.environ.get(MODELS, "").replace(",", " ").split()


def check_seats(names: Iterable[str], where: str, agents: Path) -> None:
    """Raises UsageError for the first that is no role, no purpose and no ROLE.PURPOSE; the roles of one's own that
    have files in `agents` count as well."""
    named = [(name, *name.partition(".")) for name in names]
    roles = ROLES if all(name in ROLES or name in PURPOSES for name, *_ in named) else roles_of(agents)
    for name, role, dot, purpose in named:
        if name not in (*roles, *PURPOSES) and not (dot and role in roles and purpose in PURPOSES):
            raise UsageError(
                f"{where}: {name!r} is no role; roles are {', '.join(roles)}, and purposes (alone or as "
                f"ROLE.PURPOSE) {', '.join(PURPOSES)}"
            )


def roles_of(agents: Path) -> tuple[str, ...]:
    """The six seats, and the roles of one's own whose files are in the folder. Raises RoleError for a faulty one."""
    from neuromosaic.prompts.roles import load_roles

    return tuple(dict.fromkeys([*ROLES, *load_roles(agents)]))
