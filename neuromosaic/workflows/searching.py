"""Trainer's recipes, and the search over the families beside its random baseline."""

from neuromosaic.agents.metrics import judge_round
from neuromosaic.agents.trainer import propose_recipes
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.proposals import Judgement, RecipeProposal
from neuromosaic.core.role_inputs import FamilySketch, JudgementInputs, RecipeInputs
from neuromosaic.core.search.families import Choice
from neuromosaic.core.validation.constraints import in_words, judge_constraints
from neuromosaic.workflows.advising import advised
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate, Family, admit, family_of
from neuromosaic.workflows.field import BASELINE, CONTESTANTS, SEARCH, SEARCH_SHARE, Trials, play
from neuromosaic.workflows.history import traces
from neuromosaic.workflows.own_loss import own_loss
from neuromosaic.workflows.planning import common
from neuromosaic.workflows.precision import in_precision
from neuromosaic.workflows.proposed_loss import choose_loss, replaced
from neuromosaic.workflows.state import DesignState
from neuromosaic.workflows.trials import TrialRecord, fitness, train_all

FULL_SHARE = 0.4
"""Of a time budget: what the full trainings may take together."""


def recipes(bench: Workbench, state: DesignState) -> DesignState:
    """Has recipes proposed and keeps the one that trains the first family's own network best at low fidelity; a loss
    that was proposed takes the place of its own where that trains better."""
    if bench.store.step(bench.run, "recipe") is None:
        bench.once_as("recipe", Recipe, lambda: _choose_recipe(bench, sorted(state["families"])))
    bench.tell("recipe", **bench.recipe.model_dump(mode="json"))
    return {}


def _choose_recipe(bench: Workbench, families: list[str]) -> Recipe:
    bench.tell("role.started", role="Trainer", purpose="propose-recipes")
    inputs = _recipe_inputs(bench, families)
    proposal = bench.once_as(
        "recipes", RecipeProposal, lambda: propose_recipes(bench.client("Trainer"), advised(bench, "Trainer", inputs))
    )
    recipe = _best_recipe(bench, [_fitted(bench, recipe, inputs) for recipe in proposal.recipes], inputs, families)
    return choose_loss(bench, recipe, families, inputs.seconds_per_epoch)


def _best_recipe(bench: Workbench, options: list[Recipe], inputs: RecipeInputs, families: list[str]) -> Recipe:
    first = family_of(bench, families[0])
    candidate = admit(bench, {first.id: first}, Choice(first.id, first.default))
    if len(options) == 1 or candidate is None or inputs.seconds is not None:
        return in_precision(bench, options[0], candidate)
    tried = [train_all(bench, [("recipe", candidate)], recipe, bench.envelope.fidelity)[0] for recipe in options]
    best = max(zip(options, tried, strict=True), key=lambda pair: fitness(bench, pair[1]))[0]
    return in_precision(bench, best, candidate)


def _recipe_inputs(bench: Workbench, families: list[str]) -> RecipeInputs:
    """Speed is told only under a time budget: otherwise nothing may depend on a clock."""
    seconds, per_epoch = bench.brief.budget.seconds, None
    known = [family_of(bench, family) for family in families]
    if seconds is not None:
        steps = len(bench.dataset.train.x) / 32
        per_epoch = sum(family.seconds_per_step for family in known) / len(known) * steps
        waves = -(-2 * bench.envelope.finalists // bench.envelope.workers)
        seconds = FULL_SHARE * seconds / waves
    return RecipeInputs.model_validate(
        {
            **common(bench), "hardware": bench.hardware, "loss": bench.plan.loss,
            "families": tuple(family.proposal.name for family in known),
            "sketches": tuple(_sketch(bench, family) for family in known),
            "trials": bench.envelope.trials, "fidelity": bench.envelope.fidelity,
            "seconds_per_epoch": per_epoch, "seconds": seconds,
        }
    )  # fmt: skip


def _sketch(bench: Workbench, family: Family) -> FamilySketch:
    """The default point is the first that the search admits: this only looks at it earlier."""
    candidate = admit(bench, {family.id: family}, Choice(family.id, family.default))
    parameters = candidate.parameters if candidate else None
    return FamilySketch(name=family.proposal.name, rationale=family.proposal.rationale, parameters=parameters)


def _fitted(bench: Workbench, recipe: Recipe, inputs: RecipeInputs) -> Recipe:
    """The recipe held to the loss that Metrics fixed, the class weights it asked for, and the time there is.

    In float32, until it is settled in which precision the run trains.
    """
    changes: dict[str, object] = {"loss": bench.plan.loss, "precision": "float32"}
    counts = bench.dataset.summary.class_counts
    if bench.plan.weighted_loss and counts:
        changes["class_weights"] = tuple(sum(counts) / (len(counts) * max(1, count)) for count in counts)
    if (own := own_loss(bench)) is not None:
        changes |= replaced(own.graph)
    if inputs.seconds is not None and inputs.seconds_per_epoch:
        changes["epochs"] = max(0.05, min(recipe.epochs, inputs.seconds / inputs.seconds_per_epoch))
    return recipe.model_copy(update=changes)


def search(bench: Workbench, state: DesignState) -> DesignState:
    """Every round so far, from the store where it has been played already."""
    contestants = play(bench, state["round"], state["families"])
    best = max((fitness(bench, record) for _, record in contestants[SEARCH]), default=None)
    bench.tell("round.finished", round=state["round"], trials=len(contestants[SEARCH]), best=best)
    return {}


def judge(bench: Workbench, state: DesignState) -> DesignState:
    """Metrics decides whether another round is worth it, while rounds and time are left."""
    turn, rounds = state["round"], bench.envelope.rounds
    left = bench.seconds_left(SEARCH_SHARE)
    if turn + 1 >= rounds or bench.look_for_stop() or (left is not None and left <= 0):
        return {"decision": "certify"}
    bench.tell("role.started", role="Metrics", purpose="judge-round")
    judgement = bench.once_as(f"judgement/{turn}", Judgement, lambda: _judge(bench, state))
    bench.tell("judgement", round=turn, decision=judgement.decision, reason=judgement.reason)
    return {"decision": judgement.decision, "round": turn + 1 if judgement.decision == "continue" else turn}


def _judge(bench: Workbench, state: DesignState) -> Judgement:
    played = play(bench, state["round"], state["families"])
    best, baseline = (
        max((fitness(bench, record) for _, record in played[name]), default=None) for name in CONTESTANTS
    )
    done, planned = len(played[SEARCH]), bench.envelope.trials
    inputs = JudgementInputs.model_validate(
        {
            **common(bench), "round": state["round"], "rounds": bench.envelope.rounds,
            "history": tuple(traces(bench)), "unmet": tuple(_unmet(bench, played[SEARCH])),
            "beats_baseline": None if best is None or baseline is None else best > baseline,
            "metric": bench.plan.primary, "best": _value(bench, played[SEARCH]),
            "baseline": _value(bench, played[BASELINE]), "figures": _figures(bench, played[SEARCH]),
            "trials": done, "trials_left": max(0, planned - done), "fidelity": bench.envelope.fidelity,
        }
    )  # fmt: skip
    return judge_round(bench.client("Metrics"), advised(bench, "Metrics", inputs, state["round"] + 1))


def _best(bench: Workbench, trials: Trials) -> tuple[Candidate, TrialRecord]:
    return max(trials, key=lambda trial: fitness(bench, trial[1]))


def _value(bench: Workbench, trials: Trials) -> float | None:
    """The best trial's primary metric, in its own direction; None where no trial came to anything."""
    record = _best(bench, trials)[1] if trials else None
    return record["metrics"][bench.plan.primary] if record and fitness(bench, record) > float("-inf") else None


def _figures(bench: Workbench, trials: Trials) -> dict[str, float]:
    """What the constraints may limit, of the best candidate; its latency is not measured before the end."""
    if not trials:
        return {}
    candidate = _best(bench, trials)[0]
    return {"parameters": candidate.parameters, "flops": candidate.flops, "memory_mb": candidate.peak_memory_mb}


def _unmet(bench: Workbench, trials: Trials) -> list[str]:
    """What the best candidate so far misses of the brief, as far as trials tell."""
    if not trials:
        return []
    record = _best(bench, trials)[1]
    judged = judge_constraints(bench.brief.constraints, _figures(bench, trials), record["metrics"])
    return [in_words(result) for result in judged if not result.met and result.value is not None]
