"""From a request to the messages that a chat model is sent."""

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from neuromosaic.core.errors import RoleError
from neuromosaic.core.proposals import Request
from neuromosaic.prompts.condense import FILTERS
from neuromosaic.prompts.roles import Role, snake

if TYPE_CHECKING:
    from jinja2 import Environment


class ChatMessage(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


def messages(role: Role, request: Request[Any]) -> list[ChatMessage]:
    """The role's own prompt as system message, the request by its template as user message.

    Raises RoleError where there is no template for the request's role and purpose.
    """
    text = _render(f"{snake(request.role)}.{request.purpose}.j2", inputs=request.inputs, reply=request.reply)
    return [{"role": "system", "content": role.prompt}, {"role": "user", "content": text}]


def mend(request: Request[Any], fault: str) -> ChatMessage:
    """The one repair turn: quotes the exact fault and asks for the whole reply again."""
    return {"role": "user", "content": _render("mend.j2", fault=fault, files=list(request.files))}


def _render(template: str, **values: Any) -> str:
    from jinja2 import TemplateNotFound

    try:
        text = _environment().get_template(template).render(values)
    except TemplateNotFound:
        raise RoleError(f"there is no prompt template {template}: role or purpose of the request is wrong") from None
    return text.strip() + "\n"


@cache
def _environment() -> "Environment":
    from jinja2 import PackageLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("neuromosaic.prompts"),
        autoescape=False,  # the output is no HTML; data are quoted as JSON by the filters
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment
