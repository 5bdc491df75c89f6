"""The templates of the requests: built in, and the user's own, which come before them."""

import difflib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from neuromosaic.core.errors import RoleError
from neuromosaic.prompts.condense import FILTERS

if TYPE_CHECKING:
    from jinja2 import Environment

ENDING = ".j2"
ADVICE = f".advise{ENDING}"
"""Of a role of the user's own: `NAME.advise.j2`."""


@cache
def environment(own: Path | None = None) -> "Environment":
    """Finds templates in the folder `own`, then among the built-in ones; what they may do is sandboxed."""
    from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    built_in = PackageLoader("neuromosaic.prompts")
    found = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(own), built_in]) if own else built_in,
        autoescape=False,  # the output is no HTML; data are quoted as JSON by the filters
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(FILTERS)
    return found


def template_names() -> list[str]:
    """The built-in templates: `trainer.recipes.j2` for Trainer's request "recipes", and what several share."""
    folder = resources.files("neuromosaic.prompts").joinpath("templates")
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(ENDING))


def template_source(name: str) -> str:
    """The text of a built-in template. Raises RoleError with a suggestion."""
    known = template_names()
    if name not in known:
        raise RoleError(f"there is no template {name}: {_suggestion(name, known)}")
    return (resources.files("neuromosaic.prompts").joinpath("templates") / name).read_text(encoding="utf-8")


def template_fault(path: Path) -> tuple[int | None, str] | None:
    """What is wrong with a user's template, and in which line; None where it can be used."""
    from jinja2 import TemplateSyntaxError

    if path.name not in (known := template_names()) and not path.name.endswith(ADVICE):
        return None, f"no request has this template: {_suggestion(path.name, known)}"
    try:
        environment().parse(path.read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        return error.lineno, str(error.message)
    except (OSError, UnicodeDecodeError) as error:
        return None, f"cannot be read: {error}"
    return None


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
