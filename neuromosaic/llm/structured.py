"""From a model's text to a typed reply."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from neuromosaic.core.errors import ReplyError
from neuromosaic.core.proposals import Request
from neuromosaic.llm.edits import EditError, applied, are_edits
from neuromosaic.llm.fences import FenceError, files_in, json_blocks, without_thinking

T = TypeVar("T", bound=BaseModel)

LONGEST_REPLY = 1_000_000
"""Characters; a longer reply is some fault of the model or server, and reading it would take minutes."""

MOST_STARTS = 100
"""So many braces are tried as the beginning of an object."""

MOST_FAULTS = 8
"""So many faults of one reply are quoted; mending these first is enough."""


class ReplyFault(Exception):
    """What is wrong with a reply, in words for whoever wrote it: quoted in the repair turn."""


class Said(NamedTuple):
    """One message of a model. `truncated`: it ended at the limit of tokens, not by itself."""

    text: str
    truncated: bool = False


def settle(request: Request[T], say: Callable[[str | None], Said], who: str) -> T:
    """The typed reply, after at most one repair turn.

    `say(None)` asks; `say(fault)` asks again, telling what was wrong. Raises ReplyError where both fail.
    """
    drafts = dict(request.originals)
    try:
        return read(request, say(None), drafts)
    except ReplyFault as fault:
        first = str(fault)
    try:
        return read(request, say(first), drafts)
    except ReplyFault as fault:
        raise ReplyError(
            f"{who}, asked as {request.role} to {request.purpose!r}, gave no usable reply, nor after one repair "
            f"turn: {fault}. Try again, or another --model"
        ) from None


def read(request: Request[T], said: Said, drafts: dict[str, str] | None = None) -> T:
    """The reply that was wanted, checked. Raises ReplyFault.

    `drafts`: the files that edits are of; a whole file takes its place there, also where the reply has a fault.
    """
    try:
        if len(said.text) > LONGEST_REPLY:
            raise ReplyFault(
                f"the reply has {len(said.text):,} characters, more than the {LONGEST_REPLY:,} that are read"
            )
        text = without_thinking(said.text)
        if not text.strip():
            raise ReplyFault("the reply is empty")
        reply = (
            _from_files(request, text, {} if drafts is None else drafts)
            if request.files
            else _decision(request.reply, text)
        )
        faults = request.check(reply) if request.check else ()
        if faults:
            raise ReplyFault("; ".join(faults[:MOST_FAULTS]))
        return reply
    except (ReplyFault, FenceError) as fault:
        cut = "the reply was cut off at the limit of tokens, so be shorter: " if said.truncated else ""
        raise ReplyFault(f"{cut}{fault}") from None


def _from_files(request: Request[T], text: str, drafts: dict[str, str]) -> T:
    sent, prose = files_in(text, request.files, request.optional)
    files = {name: _whole(name, content, drafts.get(name)) for name, content in sent.items()}
    drafts.update({name: content for name, content in sent.items() if not are_edits(content)})
    try:
        reply: T = request.reply.from_files(files, prose)  # type: ignore[attr-defined]
    except ValidationError as error:
        raise ReplyFault(_faults(error)) from None
    except ValueError as error:
        raise ReplyFault(str(error)) from None
    return reply


def _whole(name: str, content: str, draft: str | None) -> str:
    """The file that was sent, or that edits make of the draft."""
    if not are_edits(content):
        return content
    if draft is None:
        raise ReplyFault(f"{name}: there is nothing yet to be edited: send the whole file")
    try:
        return applied(content, draft)
    except EditError as error:
        raise ReplyFault(f"{name}: {error}") from None


def _decision(reply: type[T], text: str) -> T:
    """The one JSON object in `text` that is valid: bare, fenced, or with prose around it."""
    documents = _objects(text)
    if not documents:
        raise ReplyFault("the reply holds no JSON object" + _why_not_json(text))
    valid: list[T] = []
    faults: list[ReplyFault] = []
    for document in documents:
        try:
            valid.append(_validated(reply, document))
        except ReplyFault as fault:
            faults.append(fault)
    if not valid:
        raise faults[-1]
    if any(other != valid[0] for other in valid):
        raise ReplyFault(f"the reply holds {len(valid)} different JSON objects: send exactly one")
    return valid[0]


def _validated(reply: type[T], document: dict[str, Any]) -> T:
    try:
        return reply.model_validate(document)
    except ValidationError as error:
        raise ReplyFault(f"the JSON object does not fit the schema: {_faults(error)}") from None


def _faults(error: ValidationError) -> str:
    """Each fault with its path and, where it is short, the value that was sent; those of a `source` name its file."""
    told = []
    for fault in error.errors()[:MOST_FAULTS]:
        path = ".".join(map(str, fault["loc"])) if fault["loc"] != ("source",) else ""
        message = fault["msg"].removeprefix("Value error, ")
        value = repr(fault["input"])
        sent = (
            f" (not {value})"
            if fault["type"] != "missing" and fault["type"] != "value_error" and len(value) < 60
            else ""
        )
        told.append(f"{path}: {message}{sent}" if path else message)
    return "; ".join(told)


def _objects(text: str) -> list[dict[str, Any]]:
    """JSON objects, the likeliest reading first that yields any: the whole text, its fences, anywhere in it."""
    for pieces in ([text], json_blocks(text)):
        found = [document for piece in pieces if (document := _loaded(piece)) is not None]
        if found:
            return found
    return _scattered(text)


def _loaded(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _scattered(text: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    found: list[dict[str, Any]] = []
    at = text.find("{")
    for _ in range(MOST_STARTS):
        if at < 0:
            break
        try:
            document, end = decoder.raw_decode(text, at)
            found.append(document)
        except ValueError:
            end = at + 1
        except RecursionError:
            break  # nothing that deep is an answer
        at = text.find("{", end)
    return found


def _why_not_json(text: str) -> str:
    start = text.find("{")
    if start < 0:
        return ""
    try:
        json.JSONDecoder(parse_constant=_refuse).raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        return f" that can be read: {error}"
    return ""


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
