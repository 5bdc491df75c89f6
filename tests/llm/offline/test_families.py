"""Every family on every contract that it is for: builds, runs, learns, exports, and reads well."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation.losses import answer
from neuromosaic.core.graph.examples import draw_inputs
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.protocols import Program
from neuromosaic.core.signature import signature_of
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.validation.model_class import check_model
from neuromosaic.core.validation.policy import check_policy
from neuromosaic.core.workers.generating import methods
from neuromosaic.llm.offline.catalogue import CATALOGUE, family_named, family_of
from neuromosaic.llm.offline.costing import Cost, flops, parameters
from neuromosaic.llm.offline.family import Family
from neuromosaic.llm.offline.fitting import Fit, fit, refit
from neuromosaic.llm.offline.writing import write_source
from tests.llm.offline.contracts import CONTRACTS

SMALL = Cost(parameters=12_000)
SPECIAL = {"motion": CATALOGUE[-3], "colour": CATALOGUE[-2], "digits": CATALOGUE[-1]}
"""Those that are only for sets, for images whatever their place, and for graphs."""
CASES = {
    f"{name}-{family.name}": (family, contract)
    for name, contract in CONTRACTS.items()
    for family in CATALOGUE
    if family.suits(contract) and name not in ("mnist", "flowers") and not family.special
} | {f"{name}-{family.name}": (family, CONTRACTS[name]) for name, family in SPECIAL.items()}
ONE_OF_EACH = {family.name: case for case, (family, _) in CASES.items()}.values()
each_case = pytest.mark.parametrize("case", CASES)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@cache
def fitted(case: str) -> tuple[Family, Contract, Fit, str]:
    family, contract = CASES[case]
    small = fit(family, contract, SMALL, Cost())
    return family, contract, small, write_source(family, contract, small.defaults)


def build(source: str, **values: Any) -> nn.Module:
    namespace: dict[str, Any] = {"__name__": "model"}
    exec(source, namespace)
    model = namespace["Model"](**values)
    assert isinstance(model, nn.Module)
    return model


def examples(contract: Contract, batch: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    if contract.input.upper is not None:
        return torch.randint(contract.input.upper, (batch, *contract.input.shape), generator=draw)
    return torch.randn(batch, *contract.input.shape, generator=draw)


def loss(returned: Any, contract: Contract) -> Tensor:
    """A network's own, or a random weighting of its outputs."""
    if isinstance(returned, dict):
        return returned["loss"]
    return (returned * torch.randn(8, *contract.output.shape)).mean()


def points(small: Fit, number: int) -> list[Point]:
    return SearchSpace(small.space).sample_many(number, seed=0)


@each_case
def test_the_defaults_are_the_contract_and_a_point_of_the_space(case: str) -> None:
    _, contract, small, source = fitted(case)
    assert all(parameter.contains(small.defaults[name]) for name, parameter in small.space.items())
    outputs = answer(build(source).eval()(examples(contract, 3)))
    assert outputs.shape == (3, *contract.output.shape)
    assert outputs.dtype == torch.float32


@each_case
def test_points_of_the_space_build_and_run(case: str) -> None:
    family, contract, small, source = fitted(case)
    for values in points(small, 20):
        model = build(source, **values)
        assert answer(model.eval()(examples(contract, 1))).shape == (1, *contract.output.shape)
        counted = sum(parameter.numel() for parameter in model.parameters())
        assert counted == parameters(family, contract, {**small.defaults, **values})


@pytest.mark.parametrize("case", ONE_OF_EACH)
def test_points_of_a_refined_space_build_and_run(case: str) -> None:
    family, contract, small, source = fitted(case)
    for bold in (False, True):
        refined = refit(family, contract, small.defaults, SMALL, bold=bold)
        assert all(parameter.contains(refined.defaults[name]) for name, parameter in refined.space.items())
        for values in points(refined, 3):
            assert answer(build(source, **values)(examples(contract, 2))).shape == (2, *contract.output.shape)


@each_case
def test_each_parameter_gets_gradient_after_a_step(case: str) -> None:
    _, contract, small, source = fitted(case)
    for values in [small.defaults, *points(small, 1)]:
        model = build(source, **values).train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for seed in range(3):
            model.zero_grad()
            loss(model(examples(contract, 8, seed)), contract).backward()
            optimizer.step()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.any(), name


@each_case
def test_outputs_start_quietly(case: str) -> None:
    _, contract, small, source = fitted(case)
    for values in [small.defaults, *points(small, 1)]:
        outputs = answer(build(source, **values).train()(examples(contract, 32)))
        assert 0.05 < outputs.std() < 3


@each_case
def test_no_example_sees_another(case: str) -> None:
    _, contract, _, source = fitted(case)
    model = build(source)
    model(examples(contract, 8))
    x = examples(contract, 4)
    with torch.no_grad():
        torch.testing.assert_close(answer(model.eval()(x))[2:3], answer(model(x[2:3])), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("colour")])
def test_the_graph_is_the_network(case: str) -> None:
    _, contract, _, source = fitted(case)
    model = build(source)
    graph = rebuild(export_module(model, draw_inputs(signature_of(contract), 3, 0)))
    x = examples(contract, 5)
    with torch.no_grad():
        torch.testing.assert_close(graph.eval()(x), model.eval()(x))


@pytest.mark.parametrize(
    ("case", "draws"), [("flow-RealNVP", (4, 6)), ("diffusion_of_pictures-diffusion U-Net", (4, 1, 8, 8))]
)
def test_the_graph_has_the_methods_of_the_network(case: str, draws: tuple[int, ...]) -> None:
    _, contract, _, source = fitted(case)
    model, x = build(source).eval(), examples(contract, 5)
    given = methods(model, (x[:2],), signature_of(contract))
    graph: Any = rebuild(export_module(model, (x[:2],), methods=given)).eval()
    level = torch.linspace(0.1, 0.9, 5)
    with torch.no_grad():
        assert model.sample(4).shape == draws
        for name in given:
            inputs = {"encode": (x,), "decode": (x.flatten(1),), "denoise": (x, level)}[name]
            torch.testing.assert_close(getattr(graph, name)(*inputs), getattr(model, name)(*inputs))


@pytest.mark.parametrize("family", CATALOGUE, ids=lambda family: family.name)
def test_flops_and_parameters_between_the_counted_widths_are_exact_enough(family: Family) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    case = next(name for name in CASES if CASES[name][0] is family)
    _, contract, small, source = fitted(case)
    model = build(source)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(examples(contract, 1))
    # fused recurrent layers and attention are counted differently than their parts
    close = 0.25 if family.name in ("GRU", "Transformer") else 1e-3
    assert flops(family, contract, small.defaults) == pytest.approx(counter.get_total_flops(), rel=close)


# ---------------------------------------------------------------- the text itself


@each_case
def test_a_source_stands_alone(case: str) -> None:
    family, contract, _, source = fitted(case)
    tree = ast.parse(source)
    program = Program(source, {}, 0)
    assert [*check_policy(tree), *check_model(tree, program, signature_of(contract))] == []
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= {"torch", "math", "typing"}
    assert family_of(source) is family


@each_case
def test_a_source_explains_itself(case: str) -> None:
    *_, source = fitted(case)
    tree = ast.parse(source)
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            assert ast.get_docstring(node), node.name
    model = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Model")
    explained = ast.get_docstring(model) or ""
    init = next(node for node in model.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    assert len(init.args.defaults) == len(init.args.args) - 1
    for argument in init.args.args[1:]:
        assert argument.annotation is not None
        assert f"    {argument.arg}: " in explained, argument.arg


def test_sources_are_formatted_and_clean(tmp_path: Path) -> None:
    for number, case in enumerate(CASES):
        (tmp_path / f"model_{number}.py").write_text(fitted(case)[3])
    options = ["--isolated", "--line-length", "100", str(tmp_path)]
    rules = ["--select", "E,F,I,B,UP,SIM,N,PIE,RET,C4,PERF", "--ignore", "N812"]
    for command in (["format", "--diff"], ["check", *rules]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_proposals_name_leads_back_to_its_family() -> None:
    assert all(family_named(family.name) is family for family in CATALOGUE)
    small = family_named("small CNN, round 2, wider")
    assert small is not None
    assert small.template == "small_cnn"
    assert family_named("somebody's net") is None
    assert family_of("import torch\n") is None
