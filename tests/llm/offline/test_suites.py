"""The suites: red on hollow stubs, green on the families, and not to be fooled by broken networks."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from neuromosaic.agents.test_architect import write_suite
from neuromosaic.core.brief import Brief, Constraints, Contract
from neuromosaic.core.role_inputs import Finding, SuiteInputs
from neuromosaic.core.validation.stubs import stub_source, stubs
from neuromosaic.llm.offline.catalogue import family_named
from neuromosaic.llm.offline.costing import Cost
from neuromosaic.llm.offline.designer import OfflineDesigner
from neuromosaic.llm.offline.fitting import fit
from neuromosaic.llm.offline.suites import propose_suite
from neuromosaic.llm.offline.writing import write_source
from tests.llm.offline.contracts import (
    COLOUR,
    COLOURS_IN_TURN,
    CONTRACTS,
    DIFFUSION,
    DIFFUSION_OF_PICTURES,
    DIGITS,
    FLOW,
    GAN,
    GAN_OF_PICTURES,
    HOUSES,
    IN_TURN,
    LETTERS,
    MOLECULES,
    MOTION,
    NETWORK,
    PIXELS,
    PIXELS_IN_TURN,
    REVIEWS,
    ROWS,
    STEPS,
    TAGS,
    TINY,
    summary,
)
from tests.llm.offline.suite_runner import Outcomes, failed, read_outcomes, run_suites
from tests.once import made_once

Case = tuple[str, str]  # a suite, and a model.py
LIMIT = 9_000
SURVIVED = Finding(gate="mutants", code="mutant-survived", message="no test noticed this change of a good network: x")


def suite(contract: Contract, *findings: Finding, previous: str | None = None, limit: int | None = LIMIT) -> str:
    inputs = SuiteInputs(
        brief=Brief(constraints=Constraints(parameters=limit)),
        contract=contract,
        data=summary(contract),
        findings=findings,
        previous=previous,
    )
    return write_suite(OfflineDesigner(), inputs).source


def source(contract: Contract, name: str) -> str:
    family = family_named(name)
    assert family is not None
    return write_source(family, contract, fit(family, contract, Cost(parameters=LIMIT), Cost()).defaults)


def names_in(suite: str) -> set[str]:
    return {node.name for node in ast.parse(suite).body if isinstance(node, ast.FunctionDef) and "test" in node.name}


def blame(test: str) -> Finding:
    return Finding(gate="test", code="test-failed", message=f"{test}[2] failed: AssertionError: too bad")


GOOD = {
    "digits-small CNN": (DIGITS, "small CNN"),
    "tiny-MobileNet": (TINY, "MobileNet"),
    "colour-ConvNeXt": (COLOUR, "ConvNeXt"),
    "digits-ResNet": (DIGITS, "ResNet"),
    "tags-small CNN": (TAGS, "small CNN"),
    "steps-GRU": (STEPS, "GRU"),
    "steps-TCN": (STEPS, "TCN"),
    "pixels-U-Net": (PIXELS, "U-Net"),
    "pixels-dilated CNN": (PIXELS, "dilated CNN"),
    "molecules-GNN": (MOLECULES, "GNN"),
    "network-GNN": (NETWORK, "GNN"),
    "rows-VAE": (ROWS, "VAE"),
    "flow-RealNVP": (FLOW, "RealNVP"),
    "diffusion-MLP": (DIFFUSION, "diffusion MLP"),
    "diffusion-U-Net": (DIFFUSION_OF_PICTURES, "diffusion U-Net"),
    "in-turn-MADE": (IN_TURN, "MADE"),
    "pixels-in-turn-PixelCNN": (PIXELS_IN_TURN, "PixelCNN"),
    "colours-in-turn-PixelCNN": (COLOURS_IN_TURN, "PixelCNN"),
    "gan-GAN": (GAN, "GAN"),
    "gan-convolutional GAN": (GAN_OF_PICTURES, "convolutional GAN"),
    "houses-periodic MLP": (HOUSES, "periodic MLP"),
    "motion-GRU": (MOTION, "GRU"),
    "reviews-TCN": (REVIEWS, "TCN"),
    "letters-Transformer": (LETTERS, "Transformer"),
    "letters-TCN": (LETTERS, "TCN"),
}
STUBBED = {
    "houses": HOUSES, "letters": LETTERS, "tags": TAGS, "steps": STEPS, "pixels": PIXELS, "network": NETWORK,
    "rows": ROWS, "flow": FLOW, "diffusion": DIFFUSION, "gan": GAN,
    "in_turn": IN_TURN, "colours_in_turn": COLOURS_IN_TURN,
}  # fmt: skip

STRICT = (
    "digits-small CNN", "tags-small CNN", "steps-TCN", "pixels-U-Net", "houses-periodic MLP", "letters-TCN",
    "flow-RealNVP", "diffusion-MLP", "gan-GAN", "in-turn-MADE", "colours-in-turn-PixelCNN",
)  # fmt: skip

# what the end of a good network's forward becomes, and a test that must notice
BROKEN = {
    "leak": ("return {0} + {0}.mean(0)", "test_an_example_does_not_depend_on_the_others_in_its_batch"),
    "small-leak": ("return {0} + 0.001 * {0}.mean(0)", "test_an_example_does_not_depend_on_the_others_in_its_batch"),
    "detached": ("return {0}.detach() + self.head.bias", "test_the_gradient_reaches_every_parameter"),
    "constant": ("return 0 * {0} + self.head.bias", "test_different_examples_get_different_outputs"),
    "noise": ("return {0} + 0.01 * torch.randn_like({0})", "test_evaluation_is_deterministic"),
    "softmax": ("return {0}.softmax(-1)", "test_outputs_are_raw_scores_not_probabilities"),
    "log-softmax": ("return {0}.log_softmax(-1)", "test_outputs_are_raw_scores_not_probabilities"),
    "wide": ("return torch.cat([{0}, {0}], -1)", "test_output_has_the_shape_and_type_of_the_contract"),
    "double": ("return {0}.double()", "test_output_has_the_shape_and_type_of_the_contract"),
    "loud": ("return 50 * {0}", "test_output_starts_on_a_sensible_scale"),
    "memory": (
        "self.head.bias.data += 0.1 * (not self.training)\n        return {0}",
        "test_evaluation_changes_nothing",
    ),
}
BROKEN_TEXTS = {
    "early": ("return torch.roll({0}, -1, 1)", "test_no_step_sees_a_later_one"),
    "late": ("return torch.roll({0}, 1, 1)", "test_each_step_sees_its_own_input"),
    "bag": ("return {0}.mean(1, keepdim=True).expand_as({0})", "test_no_step_sees_a_later_one"),
}


def broken(source: str, change: str) -> str:
    before, _, value = source.partition("        return self.head(")
    value, _, after = value.partition("\n\n\n")
    assert value
    return f"{before}        outputs = self.head({value}\n        {change.format('outputs')}\n\n\n{after}"


def frozen(source: str) -> str:
    line = "        self.apply(initialise)\n"
    return source.replace(line, line + "        self.head.weight.requires_grad_(False)\n")


def good_cases() -> dict[str, Case]:
    return {name: (suite(contract), source(contract, family)) for name, (contract, family) in GOOD.items()}


def strict_cases() -> dict[str, Case]:
    return {name: (suite(GOOD[name][0], SURVIVED), source(*GOOD[name])) for name in STRICT}


def hollow_cases() -> dict[str, Case]:
    cases = {name: (suite(contract), stub_source(contract)) for name, contract in STUBBED.items()}
    return cases | {what: (suite(DIGITS), text) for what, text in stubs(DIGITS).items()}


# what is done to a network that makes values one after another, and a test that must notice
BROKEN_IN_TURN = {
    "peeks at itself": ("+ 1, -1", ", 0", "test_no_value_is_told_of_itself_or_of_what_comes_later"),
    "normed over the image": (
        "seen = rows + row\n",
        "seen = nn.functional.layer_norm(rows + row, x.shape[-2:])\n",
        "test_no_value_is_told_of_itself_or_of_what_comes_later",
    ),
    "blind": ("= rows + row", "= 0 * (rows + row)", "test_every_value_matters_to_some_that_come_later"),
    "draws something else": (
        "= drawn(self.given(x)[..., place])", "= torch.randn(n)", "test_draws_are_spread_as_the_mixtures_say",
    ),
    "draws too timidly": (
        "means + widths.exp() * torch.randn_like(means)", "means", "test_draws_are_spread_as_the_mixtures_say",
    ),
    "tells another likelihood": (
        "- widths - 0.5", "- 0.5 * widths - 0.5", "test_the_loss_is_the_negative_log_likelihood",
    ),
}  # fmt: skip
OF_ROWS = ("draws something else", "draws too timidly", "tells another likelihood")


def broken_in_turn_cases() -> dict[str, Case]:
    cases = {}
    for what, (before, after, _) in BROKEN_IN_TURN.items():
        contract, name = (IN_TURN, "MADE") if what in OF_ROWS else (COLOURS_IN_TURN, "PixelCNN")
        plain = source(contract, name)
        assert before in plain, before
        cases[what] = (suite(contract), plain.replace(before, after))
    return cases


def broken_cases() -> dict[str, Case]:
    plain, recurrent, graphs = source(DIGITS, "MLP"), source(LETTERS, "TCN"), source(MOLECULES, "GNN")
    cases = {what: (suite(DIGITS), broken(plain, change)) for what, (change, _) in BROKEN.items()}
    cases |= {what: (suite(LETTERS), broken(recurrent, change)) for what, (change, _) in BROKEN_TEXTS.items()}
    order = "torch.linspace(-1, 1, states.shape[1]).unsqueeze(-1)"
    ordered = graphs.replace("states.mean(1), ", f"(states * {order}).mean(1), ")
    edgeless = graphs.replace("x[..., self.in_features :]\n", "0 * x[..., self.in_features :]\n")
    return cases | {
        "ordered": (suite(MOLECULES), ordered),
        "edgeless": (suite(MOLECULES), edgeless),
        "frozen": (suite(DIGITS), frozen(plain)),
        "too large": (suite(DIGITS, limit=500), plain),
    }


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcomes]:
    """Of the cases that `about` makes, in one process; groups of them run beside each other."""
    cases = request.param()
    made = made_once(tmp_path_factory, request.param.__name__, lambda place: run_suites(cases, place))
    return read_outcomes(made, cases)


def about(cases: Callable[[], dict[str, Case]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("outcomes", [cases], indirect=True, ids=[""])


@about(good_cases)
@pytest.mark.parametrize("name", GOOD)
def test_a_suite_is_green_on_a_good_network(outcomes: dict[str, Outcomes], name: str) -> None:
    assert len(outcomes[name]) > 15
    assert failed(outcomes[name]) == set()


@about(strict_cases)
@pytest.mark.parametrize("name", STRICT)
def test_a_strict_suite_is_green_on_a_good_network_too(outcomes: dict[str, Outcomes], name: str) -> None:
    assert failed(outcomes[name]) == set()
    contract = GOOD[name][0]
    assert names_in(suite(contract, SURVIVED)) > names_in(suite(contract))


@about(hollow_cases)
@pytest.mark.parametrize("name", [*STUBBED, *stubs(DIGITS)])
def test_a_suite_is_red_on_a_hollow_stub(outcomes: dict[str, Outcomes], name: str) -> None:
    assert len(failed(outcomes[name])) >= 3


@about(broken_cases)
@pytest.mark.parametrize("what", [*BROKEN, *BROKEN_TEXTS])
def test_a_broken_network_is_noticed(outcomes: dict[str, Outcomes], what: str) -> None:
    assert (BROKEN | BROKEN_TEXTS)[what][1] in failed(outcomes[what])


@about(broken_in_turn_cases)
@pytest.mark.parametrize("what", BROKEN_IN_TURN)
def test_a_network_that_looks_ahead_or_draws_otherwise_is_noticed(outcomes: dict[str, Outcomes], what: str) -> None:
    assert BROKEN_IN_TURN[what][2] in failed(outcomes[what])


@about(broken_cases)
def test_a_frozen_parameter_is_noticed(outcomes: dict[str, Outcomes]) -> None:
    assert "test_every_parameter_is_trainable" in failed(outcomes["frozen"])


@about(broken_cases)
def test_a_network_that_goes_by_the_order_of_the_nodes_is_noticed(outcomes: dict[str, Outcomes]) -> None:
    assert failed(outcomes["ordered"]) == {"test_the_order_of_the_nodes_does_not_matter"}


@about(broken_cases)
def test_a_network_that_ignores_the_edges_is_noticed(outcomes: dict[str, Outcomes]) -> None:
    assert "test_the_edges_matter" in failed(outcomes["edgeless"])


@about(broken_cases)
def test_a_limit_on_parameters_is_tested(outcomes: dict[str, Outcomes]) -> None:
    assert failed(outcomes["too large"]) == {"test_parameters_are_within_the_limit"}


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_suite_is_formatted_python_for_its_contract(name: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    file = tmp_path / "test_model.py"
    file.write_text(suite(CONTRACTS[name], SURVIVED))
    for command in (["format", "--diff"], ["check", "--select", "E,F,B,UP,SIM,N,PIE,RET,C4,PERF"]):
        options = ["--isolated", "--line-length", "100"]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options, str(file)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_impossible_limit_is_left_to_the_gates() -> None:
    test = "test_parameters_are_within_the_limit"
    assert test in names_in(suite(DIGITS))
    assert test not in names_in(suite(DIGITS, limit=0))
    assert test not in names_in(suite(DIGITS, limit=None))


# ---------------------------------------------------------------- what findings change


def test_survivors_bring_sharper_tests() -> None:
    usual, strict = suite(DIGITS), suite(DIGITS, SURVIVED, previous=suite(DIGITS))
    assert names_in(strict) > names_in(usual)
    assert "LEARNT = 0.7" in usual
    assert "LEARNT = 0.5" in strict


def test_a_test_that_good_networks_fail_goes_for_good() -> None:
    test = "test_every_quarter_of_the_image_matters"
    once = suite(DIGITS, blame(test), previous=suite(DIGITS))
    assert names_in(once) == names_in(suite(DIGITS)) - {test}
    twice = suite(DIGITS, SURVIVED, previous=once)
    assert test not in names_in(twice)
    assert names_in(twice) > names_in(once)


def test_too_much_to_learn_is_first_relaxed_then_dropped() -> None:
    test = "test_it_learns_one_small_batch"
    relaxed = suite(DIGITS, blame(test), previous=suite(DIGITS))
    assert "LEARNT = 0.95" in relaxed
    assert test in names_in(relaxed)
    assert test not in names_in(suite(DIGITS, blame(test), previous=relaxed))


def test_a_survivors_own_words_blame_no_test() -> None:
    named = SURVIVED.model_copy(update={"message": "passed test_output_is_finite"})
    assert "test_output_is_finite" in names_in(suite(DIGITS, named, previous=suite(DIGITS)))


def test_blaming_every_test_leaves_the_suite_whole() -> None:
    everything = " ".join(sorted(names_in(suite(DIGITS))))
    finding = Finding(gate="test", code="test-failed", message=everything)
    relaxed = suite(DIGITS, finding, previous=suite(DIGITS))
    assert names_in(suite(DIGITS, finding, previous=relaxed)) == names_in(suite(DIGITS))


def test_the_suite_of_another_is_replaced() -> None:
    other = "from model import Model\n\n\ndef test_it():\n    Model()\n"
    assert names_in(suite(DIGITS, blame("test_it"), previous=other)) == names_in(suite(DIGITS))


def test_the_same_request_gets_the_same_suite() -> None:
    inputs = SuiteInputs(brief=Brief(), contract=DIGITS, data=summary(DIGITS))
    assert propose_suite(inputs) == propose_suite(inputs)
