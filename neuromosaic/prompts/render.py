"""From a request to the messages that a chat model is sent."""

from pathlib import Path
from typing import Any, Literal, TypedDict

from neuromosaic.core.errors import RoleError
from neuromosaic.core.proposals import Request
from neuromosaic.prompts.requests import ENDING, environment
from neuromosaic.prompts.roles import Role
from neuromosaic.prompts.seats import snake

ADVISER = "adviser"
"""Whose templates serve any role of the user's own that has none."""


class ChatMessage(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


def messages(role: Role, request: Request[Any]) -> list[ChatMessage]:
    """The role's own prompt as system message, the request by its template as user message.

    Raises RoleError where there is no template for the request's role and purpose.
    """
    name = f"{snake(request.role)}.{request.purpose}{ENDING}"
    text = _render(name, role.folder, inputs=request.inputs, reply=request.reply)
    return [{"role": "system", "content": role.prompt}, {"role": "user", "content": text}]


def mend(request: Request[Any], fault: str) -> ChatMessage:
    """The one repair turn: quotes the exact fault and asks for the whole reply again."""
    return {"role": "user", "content": _render("mend.j2", fault=fault, files=list(request.files))}


def _render(template: str, own: Path | None = None, **values: Any) -> str:
    from jinja2 import TemplateError, TemplateNotFound

    of_any_adviser = ADVISER + template[template.index(".") :]
    try:
        text = environment(own).select_template([template, of_any_adviser]).render(values)
    except TemplateNotFound:
        raise RoleError(f"there is no prompt template {template}: role or purpose of the request is wrong") from None
    except TemplateError as error:
        where = f"{template} (yours, in {own}, if it is there)" if own else template
        raise RoleError(f"the prompt template {where} cannot be filled in: {error}") from None
    return text.strip() + "\n"
