"""What makes a suite fit to judge: it can be collected, says enough, and fails on hollow networks."""

from typing import Any

import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import WorkerError
from neuromosaic.core.protocols import SuiteOutcome
from neuromosaic.core.validation.suite import green, red, stub_source, stubs

RED = SuiteOutcome({"test_a": "passed", "test_b": "passed", "test_c": "failed"})
GREEN = SuiteOutcome({"test_a": "passed", "test_b": "passed", "test_c": "passed"})
CONTRACTS = {
    "classification": ("image", (1, 8, 8), "float32", (10,)),
    "regression": ("tabular", (5,), "float32", (1,)),
    "language_modelling": ("text", (12,), "int64", (12, 7)),
}


def made(task: str, name: str | None = None) -> tuple[nn.Module, torch.Tensor]:
    """The stub, built in this process, and a batch of three for it."""
    kind, shape, dtype, scores = CONTRACTS[task]
    input_spec = TensorSpec(shape=shape, dtype=dtype, upper=7 if dtype == "int64" else None)
    contract = Contract(task=task, input=input_spec, output=TensorSpec(shape=scores), kind=kind)
    scope: dict[str, Any] = {}
    exec(stubs(contract)[name] if name else stub_source(contract), scope)
    return scope["Model"](), torch.zeros((3, *shape), dtype=getattr(torch, dtype))


@pytest.mark.parametrize("task", list(CONTRACTS))
@pytest.mark.parametrize("name", [None, "returns zeros", "returns random numbers"])
def test_a_stub_has_the_shape_the_dtype_and_a_parameter_that_learns(task: str, name: str | None) -> None:
    module, x = made(task, name)
    outputs = module(x)
    outputs.sum().backward()
    assert outputs.shape == (3, *CONTRACTS[task][3])
    assert outputs.dtype == torch.float32
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert list(module.parameters())


def test_a_stub_for_text_takes_a_shorter_text() -> None:
    module, x = made("language_modelling")
    assert module(x[:, :4]).shape == (3, 4, 7)


def test_stubs_are_hollow_each_in_its_way() -> None:
    ignoring, x = made("classification")
    assert torch.equal(ignoring(x), ignoring(x + 1))
    zeros, _ = made("classification", "returns zeros")
    assert not zeros(x).any()
    noise, _ = made("classification", "returns random numbers")
    assert not torch.equal(noise(x), noise(x))


def test_a_suite_that_fails_on_every_stub_is_red(scripted: Any, contract: Contract) -> None:
    worker = scripted(outcome=RED)
    verdict = red("suite", worker, contract)
    assert (verdict.gate, verdict.findings) == ("red", ())
    assert verdict.figures["tests"] == 3
    assert [program.source for _, program in worker.programs] == list(stubs(contract).values())


def test_a_suite_that_passes_on_a_stub_is_told_which(scripted: Any, contract: Contract) -> None:
    worker = scripted(outcome=lambda program: GREEN if "0.0 *" in program.source else RED)
    (finding,) = red("suite", worker, contract).findings
    assert finding.code == "green-on-stub"
    assert "returns zeros" in finding.message


def test_a_suite_that_skips_on_a_stub_has_not_failed_there(scripted: Any, contract: Contract) -> None:
    outcome = SuiteOutcome({"test_a": "skipped", "test_b": "skipped", "test_c": "skipped"})
    verdict = red("suite", scripted(outcome=outcome), contract)
    assert [finding.code for finding in verdict.findings] == ["green-on-stub"] * 3


def test_a_suite_of_two_tests_is_too_small(scripted: Any, contract: Contract) -> None:
    outcome = SuiteOutcome({"test_a": "failed", "test_b": "failed"})
    (finding,) = red("suite", scripted(outcome=outcome), contract).findings
    assert finding.code == "too-few-tests"


def test_a_suite_that_cannot_be_collected_says_why(scripted: Any, contract: Contract) -> None:
    outcome = SuiteOutcome({"collection": "error"}, {"collection": "ModuleNotFoundError: numpyro"})
    (finding,) = red("suite", scripted(outcome=outcome), contract).findings
    assert finding.code == "suite-not-collectable"
    assert "numpyro" in finding.message


def test_a_suite_that_hangs_is_a_finding(scripted: Any, contract: Contract) -> None:
    (finding,) = red("suite", scripted(outcome=WorkerError("too late", "timeout")), contract).findings
    assert (finding.gate, finding.code) == ("red", "timeout")


def test_green_is_at_least_one_passed_and_none_failed() -> None:
    assert green(GREEN)
    assert not green(RED)
    assert not green(SuiteOutcome({"test_a": "skipped"}))
