"""An extended network must go on doing what the given one does: with its weights it computes the same.

New parts begin at doing nothing, so that trained weights keep what they were trained for.
"""

from collections.abc import Mapping

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.placing import placed
from neuromosaic.core.protocols import Program, Sandbox, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.validation.faults import fault

GATE = "unchanged"

_SUITE = '''"""The given network lives on in the new one."""

import torch
from model import Model

torch.set_num_threads(1)
GIVEN = {source!r}


def given() -> torch.nn.Module:
    made = {{"__name__": "given"}}
    exec(compile(GIVEN, "given.py", "exec"), made)
    torch.manual_seed(3)
    return made[{entry!r}]().eval()


def inputs() -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return {drawn}


def places(old: torch.nn.Module, new: torch.nn.Module) -> dict[str, str | None]:
    """Where each tensor of the old one is in the new one: under its own name, or below a part of its own."""
    shapes = {{name: tensor.shape for name, tensor in new.state_dict().items()}}
    found = {{}}
    for name, tensor in old.state_dict().items():
        fitting = [own for own in shapes if (own == name or own.endswith("." + name)) and shapes[own] == tensor.shape]
        found[name] = min(fitting, key=len, default=None)
    return found


def test_the_weights_of_the_given_network_have_their_place() -> None:
    lost = [name for name, place in places(given(), Model()).items() if place is None]
    assert not lost, f"no tensor of the same name and shape for {{', '.join(lost[:5])}} of the given network"


def test_with_these_weights_it_computes_what_the_given_network_computes() -> None:
    old, new = given(), Model().eval()
    state = old.state_dict()
    kept = {{place: state[name] for name, place in places(old, new).items() if place is not None}}
    new.load_state_dict({{**new.state_dict(), **kept}})
    with torch.no_grad():
        torch.testing.assert_close(new(inputs()), old(inputs()), rtol=1e-4, atol=1e-5)
'''


def suite_of(source: str, entry: str, spec: TensorSpec) -> str:
    """Tests that hold `Model` against the class `entry` of the given source, on drawn inputs."""
    shape = ", ".join(map(str, (4, *spec.shape)))
    ids = f"torch.randint({spec.upper or 2}, ({shape},), generator=draw)"
    drawn = ids if spec.dtype == "int64" else f"torch.randn({shape}, generator=draw)"
    return _SUITE.format(source=source, entry=entry, drawn=drawn)


def check_unchanged(
    program: Program, source: str, entry: str, spec: TensorSpec, sandbox: Sandbox, timeout: float = 120.0
) -> Verdict:
    """Both tests, in the sandbox. Raises InfrastructureError where the machine failed."""
    try:
        outcome = sandbox.test(suite_of(source, entry, spec), program, timeout)
    except (CandidateError, WorkerError) as error:
        return Verdict(GATE, (fault(GATE, error),))
    failed = [name for name, state in outcome.outcomes.items() if state != "passed"]
    return Verdict(GATE, tuple(_finding(name, outcome.messages.get(name, "no reason given")) for name in failed))


def with_weights(graph: Graph, weights: Mapping[str, TensorData]) -> Graph:
    """The graph with the given network's trained weights wherever one of its tensors has their name and shape, under
    that name or below a part of its own."""
    return Graph(graph.document, {**graph.tensors, **placed(weights, graph.tensors)})


def _finding(name: str, reason: str) -> Finding:
    what = "no longer computes what the given network does" if "computes" in name else "has lost weights"
    message = f"{what}: {reason}; keep the given class and its names, and let new parts begin at doing nothing"
    return Finding(gate=GATE, code="given-changed", message=message[:600])
