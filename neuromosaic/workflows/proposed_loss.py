"""A loss that NetworkArchitect proposes: up the ladder, mended at most once, then tried beside the usual one.

What it is worth is measured: the same networks are trained with each, and the metric on validation data decides.
"""

import ast
import math
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from neuromosaic.agents.network_architect import mend_loss
from neuromosaic.core.brief import Value
from neuromosaic.core.errors import ModelClientError
from neuromosaic.core.evaluation.recipe import Loss, Recipe
from neuromosaic.core.protocols import Program, Verdict
from neuromosaic.core.results import LossPair, LossResult
from neuromosaic.core.role_inputs import Finding, LossInputs
from neuromosaic.core.search.families import Choice, Families
from neuromosaic.core.syntax import parse
from neuromosaic.core.validation.own_loss import GATE, LossClimb, climb_loss
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate, admit, family_of, tell_verdicts
from neuromosaic.workflows.field import drawn_evenly
from neuromosaic.workflows.own_loss import own_loss
from neuromosaic.workflows.planning import common
from neuromosaic.workflows.trials import TrialRecord, fitness, train_all

STEP, TRIED = "proposed loss", "loss tried"
ENTRY = "Loss"
MOST_PAIRS = 4
"""Networks that are trained with each loss: the first ones of the search, whose trainings it then has already."""
SHARE = 0.1
"""Of a time budget, what the trial of a loss may take."""


MOST_SAID = 160
"""Characters of what a loss says of itself that are told on."""


class Proposed(Value):
    """A loss that climbed: `source` with the class `Loss`, `by` whom, its `graph` as `Recipe.loss_graph` holds it."""

    source: str
    by: str
    graph: str


class Offer(NamedTuple):
    """A source as it came, from the seat of a family."""

    seat: str
    by: str
    source: str


def asked_for(bench: Workbench, turn: int, slot: int, attempt: int) -> Loss | None:
    """The usual loss, for the one seat that may propose another; None for all others."""
    first = (turn, slot, attempt) == (0, 0, 0) and bench.options.extend is None
    free = bench.brief.loss is None and bench.dataset.contract.task != "generation"
    return bench.plan.loss if first and free else None


def choose_loss(bench: Workbench, recipe: Recipe, families: Sequence[str], seconds_per_epoch: float | None) -> Recipe:
    """The recipe with the proposed loss where that trains better networks, else as it was."""
    proposed = _settled(bench)
    if proposed is None:
        return recipe
    other = recipe.model_copy(update=replaced(proposed.graph))
    result = bench.once_as(
        TRIED, LossResult, lambda: _tried(bench, proposed.by, recipe, other, families, seconds_per_epoch)
    )
    bench.tell("loss.tried", kept="proposed" if result.won else "usual", text=in_words(result))
    bench.tell("note", text=in_words(result))
    return other if result.won else recipe


def replaced(graph: str) -> dict[str, Any]:
    """What a loss changes in a recipe: smoothing and weights of classes are then its own affair."""
    return {"loss_graph": graph, "label_smoothing": 0.0, "class_weights": None}


def loss_tried(bench: Workbench) -> LossResult | None:
    stored = bench.store.step(bench.run, TRIED)
    return LossResult.model_validate(stored) if stored else None


def trained_with(bench: Workbench) -> str:
    """The source of the loss that the run's networks were trained with; nothing where it was the usual one."""
    if (own := own_loss(bench)) is not None:
        return own.source
    stored = bench.store.step(bench.run, STEP)
    return Proposed.model_validate(stored["loss"]).source if stored and bench.recipe.loss_graph else ""


# ---------------------------------------------------------------- the ladder


def _settled(bench: Workbench) -> Proposed | None:
    stored = bench.once(STEP, lambda: {"loss": _climbed_loss(bench)})["loss"]
    return Proposed.model_validate(stored) if stored else None


def _climbed_loss(bench: Workbench) -> dict[str, str] | None:
    offers = list(_offers(bench))
    if not offers or bench.brief.loss is not None:
        return None
    offer = offers[0]
    bench.tell("loss.proposed", family=offer.seat, designed_by=offer.by, text=first_line(offer.source))
    graph = _climb(bench, offer)
    if graph.graph is None:
        source = _mended(bench, offer, graph.findings)
        offer = offer._replace(source=source)
        graph = _climb(bench, offer) if source else graph
    if graph.graph is None:
        fault = graph.findings[0].message
        text = f"A loss that NetworkArchitect ({offer.by}) proposed was refused and is not used: {fault}."
        bench.tell("note", text=text)
        return None
    return Proposed(source=offer.source, by=offer.by, graph=graph.graph).model_dump()


def first_line(source: str) -> str:
    """Of what its author says it is: the docstring of the file, else of its class; nothing where there is none."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""  # the ladder says so
    described: list[ast.Module | ast.ClassDef] = [tree]
    described += [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == ENTRY]
    said = next((text for node in described if (text := ast.get_docstring(node))), "")
    return said.partition("\n")[0].strip()[:MOST_SAID]


def _offers(bench: Workbench) -> Iterator[Offer]:
    """What came with the first round's families as they were first proposed, by seat."""
    for slot in range(bench.envelope.families):
        step = bench.store.step(bench.run, f"proposal/r0s{slot}/0") or {}
        if source := step.get("proposal", {}).get("loss"):
            yield Offer(f"r0s{slot}", step["designed_by"], source)


def _climb(bench: Workbench, offer: Offer) -> LossClimb:
    program = Program(offer.source, {}, bench.brief.seed, ENTRY)
    began = time.perf_counter()
    climb = climb_loss(program, bench.dataset.contract, bench.sandbox, bench.judge, strict=True)
    milliseconds = 1000 * (time.perf_counter() - began)
    tell_verdicts(bench, f"loss of {offer.seat}", (Verdict(GATE, climb.findings, milliseconds=milliseconds),))
    return climb


def _mended(bench: Workbench, offer: Offer, findings: tuple[Finding, ...]) -> str:
    """The source after the one try that there is; nothing where no usable reply came."""
    bench.tell("role.started", role="NetworkArchitect", purpose="mend-loss", seat=offer.seat)
    inputs = LossInputs.model_validate(
        {**common(bench), "loss": bench.plan.loss, "previous": offer.source, "findings": findings}
    )

    def ask() -> dict[str, str]:
        try:
            return mend_loss(bench.client("NetworkArchitect"), inputs).model_dump()
        except ModelClientError as error:
            return {"source": "", "failed": str(error)}

    return str(bench.once("mended loss", ask)["source"])


# ---------------------------------------------------------------- the trial


def _tried(
    bench: Workbench, by: str, usual: Recipe, other: Recipe, families: Sequence[str], per_epoch: float | None
) -> LossResult:
    named = usual.loss + (" with weights of classes" if usual.class_weights else "")
    known = {"by": by, "usual": named, "metric": bench.plan.primary}
    networks = _networks(bench, families)[: _affordable(bench, usual, per_epoch)]
    if not networks:
        return LossResult(**known, pairs=[], gain=None, won=False)
    fidelity = bench.envelope.fidelity
    records = [
        train_all(bench, [(name, network) for network in networks], recipe, fidelity)
        for name, recipe in (("usual_loss", usual), ("proposed_loss", other))
    ]
    pairs = [
        LossPair(name=network.name, usual=_value(bench, one), proposed=_value(bench, two))
        for network, one, two in zip(networks, *records, strict=True)
    ]
    gains = [fitness(bench, two) - fitness(bench, one) for one, two in zip(*records, strict=True)]
    gain, won = judged(gains, pairs)
    return LossResult(**known, pairs=pairs, gain=gain, won=won)


def judged(gains: Sequence[float], pairs: Sequence[LossPair]) -> tuple[float | None, bool]:
    """The mean gain where both came to something, and whether the proposed loss is the one to train with: it must be
    better by more than a standard error, and must not fail where the usual one does not."""
    both = [gain for gain, pair in zip(gains, pairs, strict=True) if None not in (pair.usual, pair.proposed)]
    doubt = statistics.stdev(both) / math.sqrt(len(both)) if len(both) > 1 else 0.0
    alone = any(pair.usual is None and pair.proposed is not None for pair in pairs)
    gain = sum(both) / len(both) if both else None
    return gain, not _fails(pairs) and (gain > doubt if gain is not None else alone)


def _fails(pairs: Sequence[LossPair]) -> bool:
    return any(pair.proposed is None and pair.usual is not None for pair in pairs)


def _networks(bench: Workbench, families: Sequence[str]) -> list[Candidate]:
    """Each family's own point, then draws from all: what the search begins with."""
    known = {name: family_of(bench, name) for name in sorted(families)}
    space = Families({name: family.proposal.searched for name, family in known.items()})
    choices = [Choice(family.id, family.default) for family in known.values()]
    choices += [space.choice(point) for point in drawn_evenly(space, bench.brief.seed)]
    most = min(MOST_PAIRS, max(1, bench.envelope.trials // 3))
    distinct: dict[str, Candidate] = {}
    for choice in choices:
        if len(distinct) < most and (candidate := admit(bench, known, choice)):
            distinct.setdefault(candidate.id, candidate)
    return list(distinct.values())


def _affordable(bench: Workbench, recipe: Recipe, per_epoch: float | None) -> int:
    """Networks that there is time for; all without a time budget."""
    seconds = bench.brief.budget.seconds
    if seconds is None or not per_epoch:
        return MOST_PAIRS
    pair = 2 * bench.envelope.fidelity * recipe.epochs * per_epoch / bench.envelope.workers
    return int(SHARE * seconds / pair)


def _value(bench: Workbench, record: TrialRecord) -> float | None:
    return record["metrics"].get(bench.plan.primary) if fitness(bench, record) > float("-inf") else None


def in_words(result: LossResult) -> str:
    """Which loss won, by how much, over how many trials."""
    who = f"NetworkArchitect ({result.by})"
    if not result.pairs:
        return f"There was no time to try the loss that {who} proposed: {result.usual} it is."
    number = len(result.pairs)
    over = f"over {number} {'network' if number == 1 else 'networks'} trained with each"
    stays = f"is used instead of {result.usual}" if result.won else f"is not used, {result.usual} stays"
    if result.gain is None:
        came = "only one of both came to anything" if result.won else "its trainings came to nothing"
        return f"The loss that {who} proposed {stays} ({came}, {over})."
    better = "better" if result.gain > 0 else "worse"
    why = "one came to nothing with it" if _fails(result.pairs) else "no more than chance may give"
    unsure = f", {why}" if result.gain > 0 and not result.won else ""
    by_much = f"{abs(result.gain):.3g} {better}" if result.gain else "the same"
    metric = f"validation {result.metric.replace('_', ' ')}"
    return f"The loss that {who} proposed {stays}: with it {metric} came out {by_much} on average, {over}{unsure}."
