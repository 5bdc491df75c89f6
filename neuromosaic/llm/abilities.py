"""What a model can do, found out by trying: each ability is one small question with one right answer."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from neuromosaic.core.errors import ModelClientError
from neuromosaic.llm.completion import Connection, Send, answered, response_format, tool
from neuromosaic.llm.fences import FenceError, files_in

WORD = "tessera"
SCHEMA = {
    "type": "object", "properties": {"word": {"type": "string"}, "number": {"type": "integer"}},
    "required": ["word", "number"], "additionalProperties": False,
}  # fmt: skip
WANTED = {"word": WORD, "number": 42}
CONTEXT_TOKENS = 8000
"""About the longest request that a role makes, reply included."""


class Ability(NamedTuple):
    """`why` not, where the answer was not the right one; `seconds` it took."""

    name: str
    works: bool
    why: str
    seconds: float


class Question(NamedTuple):
    """`asks` is the prompt, `form` what else is sent; `fault` says what is wrong with an answer, or None."""

    name: str
    asks: str
    form: dict[str, Any]
    fault: Callable[[str], str | None]


def abilities(model: str, connection: Connection, send: Send) -> Iterator[Ability]:
    """Tries one after the other; a model that does not answer at all is asked nothing more."""
    for question in QUESTIONS:
        found = _try(model, connection, send, question)
        yield found
        if question.name == "answers" and not found.works:
            return


def _try(model: str, connection: Connection, send: Send, question: Question) -> Ability:
    began = time.monotonic()
    arguments = {"messages": [{"role": "user", "content": question.asks}], **question.form}
    try:
        answer = answered(model, connection, send, arguments)
        why = question.fault(answer.text)
    except ModelClientError as error:
        why = str(error)
    return Ability(question.name, why is None, why or "", time.monotonic() - began)


def _lacks_word(text: str) -> str | None:
    return None if WORD in text.lower() else f"it did not say {WORD!r}: {_short(text)}"


def _is_not_wanted(text: str) -> str | None:
    try:
        return None if json.loads(text) == WANTED else f"not the object asked for: {_short(text)}"
    except json.JSONDecodeError:
        return f"no bare JSON object: {_short(text)}"


def _is_no_file(text: str) -> str | None:
    try:
        files, _ = files_in(text, {"model.py": "python"})
    except FenceError as error:
        return str(error)
    return None if f'WORD = "{WORD}"' in files["model.py"].replace("'", '"') else "the file holds other code"


def _short(text: str) -> str:
    said = " ".join(text.split())
    return repr(said if len(said) <= 60 else said[:60] + "...")


_OBJECT = f"Give the word {WORD} and the number 42 as a JSON object with the keys word and number."
_FILE = f'Write a file model.py with the single line WORD = "{WORD}", in a block opened as ```python model.py'
_LONG = (
    f"The secret word is {WORD}.\n" + "It rained all day. " * (CONTEXT_TOKENS // 5) + "\nWhich is the secret word?"
)
QUESTIONS = (
    Question("answers", f"Say the word {WORD}.", {}, _lacks_word),
    Question("schema", _OBJECT, response_format(SCHEMA), _is_not_wanted),
    Question("tools", _OBJECT, tool(SCHEMA), _is_not_wanted),
    Question("prompted JSON", f"{_OBJECT} Send nothing but that object.", {}, _is_not_wanted),
    Question("code blocks", _FILE, {}, _is_no_file),
    Question(f"{CONTEXT_TOKENS} tokens of context", _LONG, {}, _lacks_word),
)
