"""What a person may want in a conversation."""

from typing import Literal, NamedTuple

from neuromosaic.core.brief import Brief
from neuromosaic.core.proposals import RoleName

Subject = Literal["best", "why", "status", "pareto", "tests", "budget", "brief", "diff", "models", "help"]


class Question(NamedTuple):
    """`about`: the family or candidate that a "why" is about."""

    subject: Subject
    about: str = ""


class Resize(NamedTuple):
    """The network so many times as large ("parameters", "memory_mb"), or as slow ("latency_ms", "flops")."""

    factor: float
    what: Literal["parameters", "memory_mb", "latency_ms", "flops"] = "parameters"


class GoOnFrom(NamedTuple):
    """By place in the table of results, name or id."""

    candidate: str


class Spend(NamedTuple):
    """So much more: one of the three."""

    seconds: float | None = None
    trials: int | None = None
    cost_usd: float | None = None


class UseModel(NamedTuple):
    """`role` None: for every role that has no model of its own."""

    model: str
    role: RoleName | None = None


class Amend(NamedTuple):
    """Fields of the brief; `unread`: what was said besides, and not understood."""

    brief: Brief
    unread: tuple[str, ...] = ()


class Order(NamedTuple):
    what: Literal["approve", "stop", "undo"]


class Export(NamedTuple):
    folder: str


class Unclear(NamedTuple):
    """`phrases` that nobody understood."""

    phrases: tuple[str, ...]


Wish = Question | Resize | GoOnFrom | Spend | UseModel | Amend | Order | Export | Unclear
