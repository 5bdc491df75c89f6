"""Hundreds of random networks: what is inferred, built and emitted is one and the same."""

import random

import pytest
import torch

from neuromosaic.core.architecture.emission import emit
from neuromosaic.core.architecture.operation import operations
from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.evaluation import measuring
from tests.core.architecture.random_specs import random_spec

pytestmark = pytest.mark.no_cover  # hundreds of turns on the same lines, which the other tests count
SEEDS = range(10)
EACH = 50


def specs(seed: int) -> list[ArchitectureSpec]:
    draw = random.Random(seed)
    return [random_spec(draw) for _ in range(EACH)]


def inputs(spec: ArchitectureSpec, batch: int = 1) -> tuple[torch.Tensor, ...]:
    return tuple(
        torch.randint(0, x.classes, (batch, *x.shape)) if x.classes else torch.rand(batch, *x.shape)
        for x in spec.inputs
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_shapes_parameters_and_flops_are_pytorchs_own(seed: int) -> None:
    for spec in specs(seed):
        model, given = spec.to_model().eval(), inputs(spec)
        with torch.no_grad():
            found = model(*given)
        shapes = tuple(tuple(x.shape[1:]) for x in (found if isinstance(found, tuple) else (found,)))
        measured = (measuring.parameters(model), measuring.flops(model, given), shapes)
        assert (spec.infer().parameters, spec.infer().flops, spec.infer().outputs) == measured


@pytest.mark.parametrize("seed", SEEDS)
def test_the_emitted_class_equals_the_built_module_under_equal_weights(seed: int) -> None:
    for spec in specs(seed):
        names: dict[str, object] = {"__name__": "model"}
        exec(compile(emit(spec), "model.py", "exec"), names)
        emitted, built = names["Model"](), spec.to_model()  # type: ignore[operator]
        emitted.load_state_dict(built.state_dict())
        given = inputs(spec, batch=2)
        with torch.no_grad():
            torch.testing.assert_close(emitted.eval()(*given), built.eval()(*given))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_document_gives_the_same_network_back(seed: int) -> None:
    for spec in specs(seed):
        again = ArchitectureSpec.from_dict(spec.to_dict())
        assert again == spec
        assert again.id == spec.id


def test_the_random_networks_use_every_operation() -> None:
    used = {layer.type for seed in SEEDS for spec in specs(seed) for layer in spec.layers}
    assert {name for name, found in operations().items() if found.plan.__module__.startswith("neuromosaic")} <= used
