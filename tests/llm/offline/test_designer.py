"""The offline designer answers every role; what it answers passes the roles' own checks."""

import pytest

from neuromosaic.agents.compute import plan_envelope
from neuromosaic.agents.intake import read_brief
from neuromosaic.agents.metrics import judge_round, plan_metrics
from neuromosaic.agents.trainer import propose_recipes
from neuromosaic.core.brief import Brief, Budget, Constraints, Contract
from neuromosaic.core.errors import ReplyError
from neuromosaic.core.evaluation.metrics import available
from neuromosaic.core.proposals import Envelope, MetricsPlan, RecipeProposal, Request
from neuromosaic.core.role_inputs import (  # fmt: skip
    BriefInputs,
    ComputeInputs,
    Hardware,
    Inputs,
    JudgementInputs,
    MetricsInputs,
    RecipeInputs,
    Trace,
)
from neuromosaic.core.tasks import FORMS
from neuromosaic.llm.offline.designer import OfflineDesigner
from neuromosaic.llm.offline.planning import UNLIMITED, training_seconds
from tests.llm.offline.contracts import (
    ACCELERATOR,
    COLOUR,
    CONTRACTS,
    DIGITS,
    FLOWERS,
    HOUSES,
    LAPTOP,
    LETTERS,
    MNIST,
    MOTION,
    contract,
    summary,
)  # fmt: skip

DESIGNER = OfflineDesigner()


def envelope(brief: Brief, hardware: Hardware = LAPTOP, train: int = 1_257) -> Envelope:
    data = summary(DIGITS, train)
    return plan_envelope(DESIGNER, ComputeInputs(brief=brief, contract=DIGITS, data=data, hardware=hardware))


def plan(contract: Contract, brief: Brief | None = None, counts: tuple[int, ...] = ()) -> MetricsPlan:
    data = summary(contract, class_counts=counts)
    names = available(contract.task)
    return plan_metrics(
        DESIGNER, MetricsInputs(brief=brief or Brief(), contract=contract, data=data, available=names)
    )


def recipes(contract: Contract, train: int = 1_257, hardware: Hardware = LAPTOP, **more: object) -> RecipeProposal:
    given = {
        "brief": Brief(), "contract": contract, "data": summary(contract, train), "hardware": hardware,
        "families": ("small CNN",), "loss": FORMS[contract.task].losses[0], **more,
    }  # fmt: skip
    return propose_recipes(DESIGNER, RecipeInputs.model_validate(given))


def judgement(history: tuple[Trace, ...] = (), round: int = 1, rounds: int = 3, **more: object) -> str:
    given = {"brief": Brief(), "contract": DIGITS, "data": summary(DIGITS), **more}
    inputs = JudgementInputs.model_validate({**given, "round": round, "rounds": rounds, "history": history})
    return judge_round(DESIGNER, inputs).decision


def trace(accuracy: float, outcome: str = "accepted") -> Trace:
    return Trace.model_validate(
        {"family": "f", "designed_by": "offline", "outcome": outcome, "metrics": {"accuracy": accuracy}}
    )


# ---------------------------------------------------------------- Compute


def test_without_a_budget_small_data_get_more_trials() -> None:
    assert envelope(Brief()).trials > envelope(Brief(), train=50_000).trials == 12
    usual = envelope(Brief())
    assert (usual.workers, usual.families, usual.rounds, usual.finalists) == (2, 3, 2, 2)
    assert 0.3 <= usual.fidelity <= 0.5


def test_a_budget_of_trials_is_kept() -> None:
    assert envelope(Brief(budget=Budget(trials=30))).trials == 30
    tiny = envelope(Brief(budget=Budget(trials=1)))
    assert (tiny.trials, tiny.families, tiny.rounds, tiny.finalists) == (1, 1, 1, 1)
    few = envelope(Brief(budget=Budget(trials=5)))
    assert (few.families, few.rounds) == (2, 1)


def test_little_time_is_for_one_round() -> None:
    hurried = envelope(Brief(budget=Budget(seconds=30)))
    assert (hurried.families, hurried.rounds) == (2, 1)
    assert "30 seconds" in hurried.reason


def test_workers_follow_the_machine() -> None:
    assert envelope(Brief(), ACCELERATOR).workers == 1
    assert envelope(Brief(), ACCELERATOR.model_copy(update={"devices": 4})).workers == 4
    assert envelope(Brief(), LAPTOP.model_copy(update={"cores": 32})).workers == 4
    assert envelope(Brief(), LAPTOP.model_copy(update={"memory_gb": 0.5})).workers == 1


def test_a_full_training_takes_its_share_of_the_time() -> None:
    data = summary(DIGITS)
    assert training_seconds(Brief(), LAPTOP, data) == UNLIMITED
    short, long = (training_seconds(Brief(budget=Budget(seconds=s)), LAPTOP, data) for s in (600.0, 1200.0))
    assert 0 < short < 100
    assert long == pytest.approx(2 * short)


# ---------------------------------------------------------------- Metrics


@pytest.mark.parametrize(
    ("contract", "loss", "primary"),
    [
        (DIGITS, "cross_entropy", "accuracy"),
        (HOUSES, "mse", "rmse"),
        (LETTERS, "cross_entropy", "bits_per_character"),
        (COLOUR, "mse", "rmse"),
    ],
)
def test_the_metrics_fit_the_task(contract: Contract, loss: str, primary: str) -> None:
    made = plan(contract)
    assert (made.loss, made.primary, made.weighted_loss) == (loss, primary, False)
    assert primary not in made.report


def test_imbalance_asks_for_balanced_metrics_and_loss() -> None:
    made = plan(FLOWERS, counts=(300, 60, 20))
    assert made.weighted_loss
    assert made.primary == "balanced_accuracy"
    assert "macro_f1" in made.report
    assert "15.0 times" in made.reason


def test_a_bounded_metric_ranks() -> None:
    made = plan(DIGITS, Brief(constraints=Constraints(metrics={"macro_f1": 0.9})))
    assert made.primary == "macro_f1"
    assert "bounds" in made.reason


def test_an_unknown_set_of_metrics_is_taken_as_it_is() -> None:
    inputs = MetricsInputs(brief=Brief(), contract=DIGITS, data=summary(DIGITS), available=("top_5",))
    request = Request[MetricsPlan](role="Metrics", purpose="plan", inputs=inputs, reply=MetricsPlan)
    assert DESIGNER.ask(request).primary == "top_5"


def test_it_certifies_when_no_round_is_left() -> None:
    assert judgement((trace(0.9),), round=2, rounds=3, unmet=("accuracy",)) == "certify"


def test_it_goes_on_while_there_is_something_to_gain() -> None:
    assert judgement((trace(0, "rejected"),)) == "continue"
    assert judgement((trace(0.9),), unmet=("accuracy 0.9, at least 0.95 wanted",)) == "continue"
    assert judgement((trace(0.9), trace(0.8)), beats_baseline=False) == "continue"
    assert judgement((trace(0.9),), round=0) == "continue"
    assert judgement((trace(0.8), trace(0.9))) == "continue"


def test_it_certifies_when_the_last_round_brought_nothing() -> None:
    assert judgement((trace(0.9), trace(0.8)), beats_baseline=True) == "certify"
    assert judgement((trace(0.9), trace(float("nan")))) == "certify"


# ---------------------------------------------------------------- Trainer


@pytest.mark.parametrize("name", CONTRACTS)
def test_recipes_are_accepted_and_differ(name: str) -> None:
    calm, bold = recipes(CONTRACTS[name]).recipes
    assert calm.learning_rate < bold.learning_rate
    assert calm.class_weights is None


def test_digits_are_trained_long_shifted_and_never_mirrored() -> None:
    recipe = recipes(DIGITS).recipes[0]
    assert 60 <= recipe.epochs <= 80
    assert recipe.batch_size <= 64
    assert recipe.augment == ("shift",)
    assert recipe.label_smoothing > 0


def test_larger_data_get_fewer_epochs() -> None:
    assert recipes(MNIST, 48_000).recipes[0].epochs < 8 < recipes(MNIST, 10_000).recipes[0].epochs


def test_colour_images_of_things_may_be_mirrored() -> None:
    photos = contract("classification", "image", (3, 32, 32), (2,))
    things = summary(photos, classes=("cat", "horse"))
    assert "flip" in recipes(photos, data=things).recipes[0].augment
    assert "flip" not in recipes(photos, data=things, brief=Brief(sentence="read house numbers")).recipes[0].augment
    assert "flip" not in recipes(photos, data=summary(photos, classes=("0", "1"))).recipes[0].augment


def test_time_limits_epochs() -> None:
    timed = recipes(DIGITS, seconds=6.0, seconds_per_epoch=0.5).recipes[0].epochs
    assert timed < 20
    assert recipes(DIGITS, seconds=1.0, seconds_per_epoch=100.0).recipes[0].epochs == 0.5
    assert recipes(DIGITS, seconds=1e6, seconds_per_epoch=0.1).recipes[0].epochs == recipes(DIGITS).recipes[0].epochs


def test_attention_is_trained_more_carefully() -> None:
    usual, careful = (recipes(MOTION, families=(name,)).recipes[0] for name in ("GRU", "Transformer, round 2"))
    assert careful.learning_rate < usual.learning_rate


def test_an_accelerator_takes_larger_batches_of_large_data() -> None:
    assert recipes(MNIST, 48_000, ACCELERATOR).recipes[0].batch_size > recipes(MNIST, 48_000).recipes[0].batch_size


# ---------------------------------------------------------------- the client itself


def test_it_reads_briefs_under_what_is_known() -> None:
    inputs = BriefInputs(sentence="classify 8x8 grey images on CPU", known=Brief(data="digits", device="cuda"))
    draft = read_brief(DESIGNER, inputs)
    assert draft.brief.task == "classification"
    assert draft.brief.device == "cuda"


def test_a_request_that_it_has_no_answer_to_is_refused_by_name() -> None:
    inputs = Inputs(brief=Brief(), contract=DIGITS, data=summary(DIGITS))
    request = Request[Envelope](role="ModelArchitect", purpose="extend", inputs=inputs, reply=Envelope)
    with pytest.raises(ReplyError, match="cannot answer ModelArchitect's request 'extend'"):
        DESIGNER.ask(request)


def test_a_request_for_another_reply_is_refused() -> None:
    inputs = BriefInputs(sentence="", known=Brief())
    request = Request[Envelope](role="Compute", purpose="envelope", inputs=inputs, reply=Envelope)
    with pytest.raises(ReplyError, match="cannot answer Compute's request"):
        DESIGNER.ask(request)
