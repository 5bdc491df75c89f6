"""How long a run may take, by what the built-in designer would propose; nothing is measured but the machine."""

from collections.abc import Sequence

from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.proposals import Envelope
from neuromosaic.core.role_inputs import FamilyInputs
from neuromosaic.llm.offline.catalogue import family_of
from neuromosaic.llm.offline.choosing import ACCELERATOR_SHARE, CALL_MS, CPU_SHARE
from neuromosaic.llm.offline.costing import calls, flops
from neuromosaic.llm.offline.proposing import defaults_of, propose_family

BACKWARD = 3
"""A step of training, in forward passes."""
AROUND, PER_FAMILY = 20.0, 5.0
"""Seconds for what is no training: workers, suite and certificates; the ladder of a family."""
COMES_TO_ITS_END = 0.6
"""Of a trial's epochs, as trainings that lag behind the median are ended."""


def seconds_in_all(inputs: FamilyInputs, recipe: Recipe, envelope: Envelope, trials: int) -> float:
    """Of the search, as many random trials, the finalists of both in full, and what lies around them."""
    searched = 2 * trials * envelope.fidelity * COMES_TO_ITS_END
    trainings = (searched + 2 * envelope.finalists) * _training(inputs, recipe)
    return AROUND + PER_FAMILY * envelope.families + trainings / envelope.workers


def _training(inputs: FamilyInputs, recipe: Recipe) -> float:
    """Seconds of one in full: what the families' own points cost, on average."""
    costs = [_step_of_one(inputs.model_copy(update={"slot": slot})) for slot in range(inputs.slots)]
    arithmetic, starting = (float(sum(each)) / len(costs) for each in zip(*costs, strict=True))
    reached = CPU_SHARE if inputs.hardware.device == "cpu" else ACCELERATOR_SHARE
    examples = recipe.epochs * inputs.data.train
    steps: float = recipe.epochs * -(-inputs.data.train // recipe.batch_size)
    return BACKWARD * (examples * arithmetic / (reached * inputs.hardware.gflops * 1e9) + steps * starting)


def _step_of_one(inputs: FamilyInputs) -> Sequence[float]:
    """FLOPs of one example, and seconds in which layers are started, of a forward pass."""
    source = propose_family(inputs).source
    family, point = family_of(source), defaults_of(source)
    assert family is not None  # the designer's own
    return flops(family, inputs.contract, point), calls(family, inputs.contract, point) * CALL_MS / 1e3
