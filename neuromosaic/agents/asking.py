"""How every role asks: whatever the client, no reply passes unchecked."""

from typing import TypeVar

from pydantic import BaseModel

from neuromosaic.core.errors import ReplyError
from neuromosaic.core.proposals import Request
from neuromosaic.llm.protocols import ModelClient

T = TypeVar("T", bound=BaseModel)


def ask(client: ModelClient, request: Request[T]) -> T:
    """The client's reply. Raises ReplyError where it does not satisfy the request's own check.

    A chat client checks by itself, within its repair turn; others may not.
    """
    reply = client.ask(request)
    faults = request.check(reply) if request.check else ()
    if faults:
        told = "; ".join(faults)
        raise ReplyError(
            f"{client.name}, asked as {request.role} to {request.purpose!r}, gave no usable reply: {told}"
        )
    return reply
