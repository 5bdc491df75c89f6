"""One job from its request to its result: reports go one way, answers the other, failures end it.

A worker's frames are {"report": ...}, {"result": ...} or {"failed": {"kind", "message", "code", "line", "layer"}};
the host's are a request and, after each report, an answer.
"""

import os
import re
from collections.abc import Callable
from typing import Any, Final

from neuromosaic.core.errors import CandidateError, ExportError, WorkerError
from neuromosaic.core.protocols import Converse, Message
from neuromosaic.core.workers.wire import Channel, encode

MAX_MESSAGE: Final = 500

Work = Callable[[Message, Converse], Message]
"""A worker's side of a job: takes the request and a way to report, returns the result."""


class HostGone(Exception):
    """The host hung up in the middle of a job."""


class WorkerGone(Exception):
    """The worker hung up, or what it sends cannot be read."""


class WorkerLate(Exception):
    """The channel's deadline has passed."""


OUT_OF_MEMORY: Final = re.compile(
    r"can't allocate memory|not enough memory|bad_alloc|out of memory|cannot allocate memory", re.IGNORECASE
)


def hold(channel: Channel, request: Message, converse: Converse | None = None) -> Message:
    """The host's side: the result of a request, with every report on the way answered by `converse`.

    Raises CandidateError, ExportError or WorkerError as the worker says, but never "setup": who has been given work
    has been set up, and what says otherwise would pass for the machine's fault. WorkerGone and WorkerLate where it
    no longer says anything; whatever `converse` raises.
    """
    message = _exchange(channel, request)
    while True:
        match message.body:
            case {"result": dict(body)}:
                return Message(body, message.tensors)
            case {"report": dict(body)} if converse is not None:
                message = _exchange(channel, converse(Message(body, message.tensors)))
            case {"failed": dict(told)}:
                raise failure({**told, "kind": "crash"} if told.get("kind") == "setup" else told)
            case _:
                raise WorkerGone("a worker said something that is no reply")


def _exchange(channel: Channel, message: Message) -> Message:
    frame = list(encode(message))  # what cannot be sent is the caller's fault, not the worker's
    try:
        channel.send_frame(frame, [file.descriptor for file in message.files.values()])
        return channel.receive()
    except TimeoutError:
        raise WorkerLate("the worker took too long") from None
    except (EOFError, OSError, ValueError) as error:
        raise WorkerGone(str(error)) from None


def answer(channel: Channel, work: Work) -> None:
    """The worker's side: receives one request, does it and sends the result, or in what way it failed.

    Raises EOFError or OSError where the host is gone.
    """
    request = channel.receive()

    def report(message: Message) -> Message:
        try:
            channel.send(Message({"report": message.body}, message.tensors))
            return channel.receive()
        except (EOFError, OSError):
            raise HostGone("the host is gone") from None

    try:
        result = work(request, report)
        reply = Message({"result": result.body}, result.tensors)
    except HostGone:
        raise
    except BaseException as error:  # noqa: BLE001 (proposed code may raise anything, SystemExit too)
        reply = Message({"failed": describe_failure(error)})
    finally:
        for file in request.files.values():
            os.close(file.descriptor)
    channel.send(reply)


def describe_failure(error: BaseException) -> dict[str, Any]:
    """How a failure travels: its kind ("candidate", "export", or a WorkerError's cause) and where it happened."""
    if isinstance(error, WorkerError):
        return {"kind": error.cause, "message": str(error)}
    if is_out_of_memory(error) or is_out_of_memory(error.__cause__):
        return {"kind": "memory", "message": "it needs more memory than a worker may take"}
    if isinstance(error, CandidateError):
        kind = "export" if isinstance(error, ExportError) else "candidate"
        return {"kind": kind, "message": str(error), "code": error.code, "line": error.line, "layer": error.layer}
    return {"kind": "candidate", "message": first_line(error), "code": "raised"}


def is_out_of_memory(error: BaseException | None) -> bool:
    if isinstance(error, RuntimeError):
        return OUT_OF_MEMORY.search(str(error)) is not None
    return isinstance(error, MemoryError)


def first_line(error: BaseException) -> str:
    """An exception as "Type: the first line of its message"; never a traceback."""
    lines = _words(error).strip().splitlines()
    name = type(error).__name__
    return f"{name}: {lines[0]}"[:MAX_MESSAGE] if lines else name


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 (a proposed exception's __str__ is proposed code as well)
        return ""


def failure(told: dict[str, Any]) -> CandidateError | WorkerError:
    """The exception that a failure tells of; nothing in it is trusted to have the right type or length."""
    message = str(told.get("message", ""))[:MAX_MESSAGE]
    line, layer, code = told.get("line"), told.get("layer"), str(told.get("code", "raised"))[:60]
    where = (line if type(line) is int else None, layer[:200] if isinstance(layer, str) else None)
    match told.get("kind"):
        case "export":
            return ExportError(message, code, *where)
        case "memory" | "setup" | "timeout" | "crash" as cause:
            return WorkerError(message, cause)
        case _:
            return CandidateError(message, code, *where)
