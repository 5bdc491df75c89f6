"""The user's own roles: asked before a seat decides, heard by it, and never in its place."""

from functools import partial
from typing import TypeVar

from neuromosaic.agents.adviser import ask_advice
from neuromosaic.core.errors import ModelUnavailableError, ReplyError, SpendingLimitError
from neuromosaic.core.proposals import Advice, Adviser, Seat
from neuromosaic.core.role_inputs import AdviceInputs, Inputs, Remark
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.history import traces

Told = TypeVar("Told", bound=Inputs)
OFFLINE = "offline"


def advised(bench: Workbench, seat: Seat, inputs: Told, turn: int = 0) -> Told:
    """The inputs with what the seat's advisers say before its decision number `turn`; as they are where it has none.

    Each adviser is asked once for each seat and turn. Raises ModelRefusedError where a person must mend something.
    """
    advisers = advisers_of(bench, seat)
    if not advisers:
        return inputs
    told = [
        bench.share(f"advice {name}/{seat}/{turn}", partial(_remarks, bench, name, seat, turn)) for name in advisers
    ]
    return inputs.model_copy(update={"advice": tuple(remark for remarks in told for remark in remarks)})


def advisers_of(bench: Workbench, seat: Seat) -> list[Adviser]:
    """Nobody where the built-in designer sits there: it has no ear for advice."""
    names = [Adviser(name) for name, role in bench.roles.items() if seat in role.advises]
    if names and bench.client(seat).name_of(seat) == OFFLINE:
        bench.once(f"unheard/{seat}", lambda: _tell_unheard(bench, seat, names))
        return []
    return names


def _tell_unheard(bench: Workbench, seat: Seat, names: list[Adviser]) -> bool:
    bench.tell("note", text=f"{', '.join(names)} was not asked: the built-in designer at {seat} takes no advice.")
    return True


def _remarks(bench: Workbench, name: Adviser, seat: Seat, turn: int) -> list[Remark]:
    advice = bench.once_as(f"advice/{name}/{seat}/{turn}", Advice, lambda: _ask(bench, name, seat, turn))
    return [Remark(by=name, text=text) for text in advice.remarks]


def _ask(bench: Workbench, name: Adviser, seat: Seat, turn: int) -> Advice:
    """A run does not end for want of advice: that there was none is told."""
    bench.tell("role.started", role=name, purpose=f"advise {seat}")
    inputs = AdviceInputs(
        brief=bench.brief, contract=bench.dataset.contract, data=bench.dataset.summary, advised=seat,
        hardware=bench.hardware, round=turn, history=tuple(traces(bench)) if turn else (),
    )  # fmt: skip
    try:
        advice = ask_advice(bench.client(name), name, inputs)
    except (ReplyError, ModelUnavailableError, SpendingLimitError) as error:
        bench.tell("note", text=f"No advice from {name}: {error}.")
        return Advice()
    bench.tell("advice", by=name, to=seat, remarks=list(advice.remarks))
    return advice
