"""How long a run may take is guessed from what would be trained."""

from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.proposals import Envelope
from neuromosaic.llm.offline.durations import AROUND, seconds_in_all
from tests.llm.offline.contracts import DIGITS, LAPTOP, family_inputs, summary

ENVELOPE = Envelope(workers=2, families=2, finalists=2)
RECIPE = Recipe(epochs=20, batch_size=32)


def guess(trials: int = 12, epochs: float = 20, workers: int = 2, **more: object) -> float:
    inputs = family_inputs(DIGITS, slots=2, **more)
    recipe, envelope = RECIPE.model_copy(update={"epochs": epochs}), ENVELOPE.model_copy(update={"workers": workers})
    return seconds_in_all(inputs, recipe, envelope, trials)


def test_digits_on_a_laptop_take_minutes_and_not_hours() -> None:
    assert 30 < guess() < 600


def test_twice_the_epochs_take_twice_the_training() -> None:
    once, twice, fixed = guess(epochs=20), guess(epochs=40), guess(epochs=0)
    assert abs((twice - fixed) - 2 * (once - fixed)) < 1e-6 * twice
    assert fixed >= AROUND


def test_more_trials_take_longer_and_more_workers_shorter() -> None:
    assert guess(trials=48) > guess(trials=12) > guess(trials=12, workers=4)


def test_more_examples_and_a_slower_machine_take_longer() -> None:
    many = summary(DIGITS).model_copy(update={"train": 10 * summary(DIGITS).train})
    slow = LAPTOP.model_copy(update={"gflops": 6.0})
    assert guess(data=many) > guess()
    assert guess(hardware=slow) > guess()
