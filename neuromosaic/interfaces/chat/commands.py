"""The slash commands: short names for what can be said in words as well."""

from collections.abc import Callable
from typing import NamedTuple

from neuromosaic.core.errors import UsageError
from neuromosaic.interfaces.chat.reading import read, role_named
from neuromosaic.interfaces.chat.wishes import Export, Order, Question, UseModel, Wish


class Command(NamedTuple):
    """`wish` of the words behind the name; `usage` shows them."""

    usage: str
    help: str
    wish: Callable[[str], Wish]


def _question(subject: str) -> Callable[[str], Wish]:
    return lambda rest: Question(subject)  # type: ignore[arg-type]


def _why(rest: str) -> Wish:
    if not rest:
        raise UsageError("/why NAME: name a family or a candidate; /pareto and /status name them")
    return Question("why", rest)


def _budget(rest: str) -> Wish:
    return read(f"spend {rest}" if rest[0].isdigit() or rest[0] == "$" else rest) if rest else Question("budget")


def _brief(rest: str) -> Wish:
    return read(rest) if rest else Question("brief")


def _model(rest: str) -> Wish:
    """ "/model NAME", "/model ROLE=NAME"."""
    if not rest:
        return Question("models")
    role, separator, name = rest.partition("=")
    return UseModel(name, role_named(role.strip())) if separator else UseModel(rest)


def _export(rest: str) -> Wish:
    if not rest:
        raise UsageError("/export FOLDER: name a folder that is not there yet")
    return Export(rest)


COMMANDS = {
    "/brief": Command("/brief [WORDS]", "the brief as understood, or a change to it", _brief),
    "/status": Command("/status", "where the run stands", _question("status")),
    "/pareto": Command("/pareto", "the certified networks", _question("pareto")),
    "/diff": Command("/diff", "what this run changed against the one before", _question("diff")),
    "/tests": Command("/tests", "the test suite and what it caught", _question("tests")),
    "/why": Command("/why NAME", "what became of a family or candidate", _why),
    "/budget": Command("/budget [5 more minutes]", "what is spent, or more of it", _budget),
    "/model": Command("/model [ROLE=]NAME", "who answers for the roles", _model),
    "/approve": Command("/approve", "begin, or go on", lambda rest: Order("approve")),
    "/stop": Command("/stop", "end the work with the best so far", lambda rest: Order("stop")),
    "/undo": Command("/undo", "back to the run before the last change", lambda rest: Order("undo")),
    "/export": Command("/export FOLDER", "copy what was delivered", _export),
    "/help": Command("/help", "this list", _question("help")),
}
IN_WORDS = (
    '"under 20k parameters", "make it half as big", "make it twice as fast", "go on from candidate 2", '
    '"spend 5 more minutes", "10 more trials", "use openai/NAME for tests", "why was NAME dropped?", '
    '"what is the best so far?"'
)


def parse(text: str) -> Wish | None:
    """The wish of a line that begins with a slash; None for no command. Raises UsageError, BriefError."""
    name, _, rest = text.strip().partition(" ")
    command = COMMANDS.get(name.lower())
    return command.wish(rest.strip()) if command else None


def overview() -> str:
    listed = "\n".join(f"  {command.usage:26}{command.help}" for command in COMMANDS.values())
    return (
        f"You can say things like {IN_WORDS}; or:\n{listed}\n  {'/quit':26}end the conversation; Ctrl-D does as well"
    )
