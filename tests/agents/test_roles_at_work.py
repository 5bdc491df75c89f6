"""Each role's function asks the right question and lets no unfit reply pass."""

from typing import Any

import pytest

from neuromosaic.agents import compute, intake, metrics, network_architect, test_architect, trainer
from neuromosaic.core.brief import Brief, Budget, Constraints, Contract, TensorSpec
from neuromosaic.core.errors import ReplyError
from neuromosaic.core.proposals import Envelope, FamilyProposal
from neuromosaic.core.role_inputs import (
    BriefInputs,
    ComputeInputs,
    FamilyInputs,
    Finding,
    JudgementInputs,
    MetricsInputs,
    RecipeInputs,
    SuiteInputs,
)
from neuromosaic.testing import ScriptedClient, example_hardware, example_task

ROWS = Contract(task="regression", input=TensorSpec(shape=(8,)), output=TensorSpec(shape=(1,)), kind="tabular")


def task(**change: Any) -> dict[str, Any]:
    return example_task() | change


def test_the_brief_as_known_stands_whatever_the_reply_says() -> None:
    reply = """{"brief": {"sentence": "mine", "data": "other", "seed": 9, "device": "cpu",
        "constraints": {"parameters": 5, "latency_ms": 1.0}}, "questions": ["which?"]}"""
    known = Brief(data="digits", seed=3, constraints=Constraints(parameters=20_000))
    client = ScriptedClient({"Metrics/read-brief": reply})
    draft = intake.read_brief(client, BriefInputs(sentence="digits under 1 ms", known=known))
    assert draft.brief == Brief(
        sentence="digits under 1 ms",
        data="digits",
        seed=3,
        device="cpu",
        constraints=Constraints(parameters=20_000, latency_ms=1.0),
    )
    assert draft.questions == ("which?",)


def test_the_envelope_stays_within_budget_and_machine() -> None:
    inputs = ComputeInputs(**task(brief=Brief(budget=Budget(trials=5))), hardware=example_hardware())
    good = ScriptedClient({"Compute/envelope": '{"workers": 2, "trials": 5}'})
    assert compute.plan_envelope(good, inputs) == Envelope(workers=2, trials=5)
    bad = ScriptedClient({"Compute/envelope": '{"workers": 8, "trials": 50}'})
    with pytest.raises(ReplyError, match=r"trials is 50, but the budget holds 5; workers is 8, but .* 2 cores"):
        compute.plan_envelope(bad, inputs)
    free = ComputeInputs(**task(brief=Brief()), hardware=example_hardware())
    assert compute.plan_envelope(ScriptedClient({"Compute/envelope": '{"trials": 50}'}), free).trials == 50


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (
            '{"loss": "cross_entropy", "primary": "rmse"}',
            "'rmse' is not among the metrics for this task: accuracy, auroc",
        ),
        ('{"loss": "cross_entropy", "primary": "accuracy", "report": ["joy"]}', "'joy' is not among"),
        ('{"loss": "mse", "primary": "accuracy"}', "loss 'mse' does not fit classification: choose cross_entropy"),
    ],
)
def test_a_plan_that_cannot_be_measured_is_refused(reply: str, told: str) -> None:
    inputs = MetricsInputs(**task(), available=("accuracy", "auroc"))
    with pytest.raises(ReplyError, match=told):
        metrics.plan_metrics(ScriptedClient({"Metrics/plan": reply}), inputs)
    mended = {"Metrics/plan": reply, "Metrics/plan/mend": '{"loss": "cross_entropy", "primary": "auroc"}'}
    assert metrics.plan_metrics(ScriptedClient(mended), inputs).primary == "auroc"


def test_weights_by_class_are_for_classes() -> None:
    inputs = MetricsInputs(**task(contract=ROWS), available=("rmse",))
    reply = '{"loss": "huber", "primary": "rmse", "weighted_loss": true}'
    with pytest.raises(ReplyError, match="weighted_loss is for classification, not for regression"):
        metrics.plan_metrics(ScriptedClient({"Metrics/plan": reply}), inputs)


def test_a_round_is_judged() -> None:
    inputs = JudgementInputs(**task(), round=0, rounds=2, history=())
    client = ScriptedClient({"Metrics/judge": '{"decision": "continue"}'})
    assert metrics.judge_round(client, inputs).decision == "continue"


def recipes(**change: Any) -> RecipeInputs:
    known = {"hardware": example_hardware(), "families": ("a",), "loss": "cross_entropy"}
    return RecipeInputs(**task() | known | change)


@pytest.mark.parametrize(
    ("recipe", "change", "told"),
    [
        ('{"loss": "mse"}', {}, "recipes.0: loss must be 'cross_entropy', not 'mse'"),
        ('{"class_weights": [1, 2]}', {}, r"recipes\.0: class_weights: 2 given; .* 10"),
        ('{"loss": "mse", "augment": ["flip"]}', {"contract": ROWS, "loss": "mse"}, "'flip' does not fit tabular"),
        (
            '{"loss": "mse", "label_smoothing": 0.1}',
            {"contract": ROWS, "loss": "mse"},
            "label_smoothing is for cross",
        ),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(recipe: str, change: dict[str, Any], told: str) -> None:
    client = ScriptedClient({"Trainer/recipes": f'{{"recipes": [{recipe}]}}'})
    with pytest.raises(ReplyError, match=told):
        trainer.propose_recipes(client, recipes(**change))


def test_fitting_recipes_pass() -> None:
    reply = '{"recipes": [{"augment": ["shift", "noise"], "label_smoothing": 0.1}, {"optimizer": "sgd"}]}'
    assert len(trainer.propose_recipes(ScriptedClient({"Trainer/recipes": reply}), recipes()).recipes) == 2


SUITE = "{imports}\nfrom model import Model\n\ndef test_a():\n    assert Model()\n"


@pytest.mark.parametrize("imports", ["import torch", "import math, pytest", "from torch.nn import functional as F"])
def test_a_suite_may_import_torch_and_pytest(imports: str) -> None:
    text = f"```python test_model.py\n{SUITE.format(imports=imports)}```"
    proposal = test_architect.write_suite(ScriptedClient({"TestArchitect/suite": text}), SuiteInputs(**task()))
    assert proposal.source == SUITE.format(imports=imports)


@pytest.mark.parametrize("imports", ["import os", "import torch, time", "from numpy import array", "from . import x"])
def test_a_suite_that_imports_more_is_refused(imports: str) -> None:
    text = f"```python test_model.py\n{SUITE.format(imports=imports)}```"
    with pytest.raises(ReplyError, match=r"test_model\.py, line 1: imports (os|time|numpy|\.), but may import only"):
        test_architect.write_suite(ScriptedClient({"TestArchitect/suite": text}), SuiteInputs(**task()))


SPACE = '{"name": "net", "parameters": {"width": {"type": "int", "min": 8, "max": 64, "step": 8}}}'


def family(constructor: str, space: str = SPACE, head: str = "") -> str:
    code = f"{head}class Model(nn.Module):\n    {constructor}\n"
    return f"```python model.py\n{code}```\n```json space.json\n{space}\n```"


def proposed(*texts: str) -> FamilyProposal:
    replies = dict(zip(("NetworkArchitect/propose", "NetworkArchitect/propose/mend"), texts, strict=False))
    return network_architect.propose_family(ScriptedClient(replies), family_inputs())


def family_inputs(**change: Any) -> FamilyInputs:
    return FamilyInputs(**task() | {"hardware": example_hardware(), "slot": 0, "slots": 1} | change)


@pytest.mark.parametrize(
    "constructor",
    [
        "def __init__(self, width: int = 32): ...",
        "def __init__(self, *, width: int = 8, other: float = 0.5): ...",
        "def __init__(self, depth=2, width=64, *args, **kwargs): ...",
    ],
)
def test_a_space_that_fits_the_constructor_passes(constructor: str) -> None:
    assert proposed(family(constructor)).name == "net"


def test_an_inherited_constructor_counts() -> None:
    base = "class Base(nn.Module):\n    def __init__(self, width: int = 16): ...\n\n\n"
    text = family("pass", head=base).replace("class Model(nn.Module)", "class Model(Base)")
    assert proposed(text).name == "net"


def test_a_network_without_degrees_of_freedom_passes() -> None:
    assert proposed(family("x = 1", '{"name": "net", "parameters": {}}')).space == {}


@pytest.mark.parametrize(
    ("constructor", "told"),
    [
        (
            "def __init__(self, depth: int = 2): ...",
            "space.json: 'width' is no argument of Model.__init__, which has depth",
        ),
        ("def __init__(self): ...", "'width' is no argument of Model.__init__, which has none"),
        ("def __init__(self, width: int): ...", "line 2: argument 'width' of Model.__init__ has no default"),
        ("def __init__(self, width=8, /): ...", "'width' is no argument of Model.__init__, which has none"),
        ("def __init__(self, *, width): ...", "argument 'width' of Model.__init__ has no default"),
        (
            "def __init__(self, width: int = 30): ...",
            "line 2: the default of 'width', 30, is outside its space .*\"max\":64",
        ),
        ("def __init__(self, width: int = 128): ...", "the default of 'width', 128, is outside"),
        ("def __init__(self, width: float = 32.0): ...", "the default of 'width', 32.0, is outside"),
        ("def __init__(self, width: int = WIDTH): ...", "the default of 'width' must be a literal, not WIDTH"),
        ("x = 1", "class Model has no __init__ of its own"),
    ],
)
def test_a_space_that_does_not_fit_is_refused_after_one_repair(constructor: str, told: str) -> None:
    with pytest.raises(ReplyError, match=told):
        proposed(family(constructor))
    assert proposed(family(constructor), family("def __init__(self, width: int = 32): ...")).name == "net"


def test_classes_that_inherit_in_a_circle_are_refused() -> None:
    head = "class Base(Model): ...\n\n\n"
    text = family("pass", head=head).replace("class Model(nn.Module)", "class Model(Base)")
    with pytest.raises(ReplyError, match="no __init__ of its own"):
        proposed(text)


def test_a_source_with_findings_is_to_be_repaired() -> None:
    client = ScriptedClient({"NetworkArchitect/repair": family("def __init__(self, width: int = 32): ...")})
    finding = Finding(gate="shape", code="output-shape", message="gives [2, 9]")
    network_architect.propose_family(client, family_inputs(previous="class Model: ...", findings=(finding,)))
    assert [request.purpose for request in client.requests] == ["repair"]


class Careless:
    """A client that answers without looking at the request's check."""

    name = "careless"

    def __init__(self, reply: Any) -> None:
        self.reply = reply

    def ask(self, request: Any) -> Any:
        return self.reply


def test_a_client_that_checks_nothing_is_checked_all_the_same() -> None:
    inputs = ComputeInputs(**task(brief=Brief(budget=Budget(trials=5))), hardware=example_hardware())
    with pytest.raises(
        ReplyError, match="careless, asked as Compute to 'envelope', gave no usable reply: trials is 9"
    ):
        compute.plan_envelope(Careless(Envelope(trials=9)), inputs)
