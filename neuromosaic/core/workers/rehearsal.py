"""A first look at the Python itself: what a graph of it can no longer show. Runs in the sandbox."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.examples import draw_inputs
from neuromosaic.core.protocols import Program
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory
from neuromosaic.core.workers.inspection import close, leaves
from neuromosaic.core.workers.source import FILE, attributed, construct, layer_of, load_model_class, seed_everything

EXAMPLES: Final = 2
LARGEST: Final = 256 * 10**6
"""Bytes of inputs, or of weights, above which only shapes are looked at."""

Inputs = tuple[Tensor, ...]
Bind = Callable[[nn.Module], nn.Module]
Severity = Literal["error", "warning"]


@dataclass
class Rehearsal:
    """A module that takes `inputs`; `outputs` are its answers in eval mode, None where they would take too much.

    `stated`: the inputs follow from the signature, with a batch that may be cut. `exhausted`: forward was tried, and
    there was not enough memory for it.
    """

    module: nn.Module
    inputs: Inputs
    stated: bool
    outputs: list[Tensor] | None
    findings: list[Finding]
    exhausted: bool = False


def rehearse(program: Program, signature: Signature, folder: Path) -> Rehearsal:
    """Builds the program, runs it, and looks whether it answers the same again, and after its state was loaded.

    Raises CandidateError "syntax", "import", "no-model", "constructor", "inputs" or "forward-raised".
    """
    made = load_model_class(program.source, folder, program.entry)
    module = construct(made, program, folder, program.seed)
    with attributed("inputs", folder / FILE):
        inputs, bind = _inputs(signature, program.seed)
    rehearsal = Rehearsal(bind(module), inputs, bool(signature.inputs), None, [])
    if any(isinstance(x, FakeTensor) for x in inputs):
        return rehearsal
    with attributed("forward-raised", folder / FILE, module):
        rehearsal.outputs = _answers(module, inputs, program.seed)
    if rehearsal.outputs is None:
        rehearsal.exhausted = True
        return rehearsal
    again = lambda: bind(construct(made, program, folder, program.seed + 1))  # noqa: E731
    rehearsal.findings += _repeatability(rehearsal, rehearsal.outputs, again, program.seed, signature.severity)
    return rehearsal


def bound(module: nn.Module, signature: Signature, seed: int) -> nn.Module:
    """The module as `rehearse` sees it: where the file makes its own inputs, it takes the tensors among them."""
    return _inputs(signature, seed)[1](module) if not signature.inputs else module


# ---------------------------------------------------------------- inputs


def _inputs(signature: Signature, seed: int) -> tuple[Inputs, Bind]:
    """Tensors, and what makes a module take these alone."""
    if signature.inputs:
        with _without_memory(_stated_size(signature)):
            return draw_inputs(signature, EXAMPLES, seed), _as_it_is
    make = getattr(sys.modules["model"], "get_inputs", None)
    if make is None:
        message = "model.py has no get_inputs(): state the inputs with --input, or add it"
        raise CandidateError(message, "no-inputs")
    seed_everything(seed)
    with _without_memory(_made_size(make)):
        leaves, structure = tree_flatten(list(make()))
    tensors = tuple(leaf for leaf in leaves if isinstance(leaf, Tensor))
    if not tensors:
        raise CandidateError("get_inputs() makes no tensor: a network needs one", "no-inputs")
    plain = len(tensors) == len(leaves) and structure == tree_flatten([None] * len(leaves))[1]
    return tensors, _as_it_is if plain else partial(_with_the_rest, leaves=leaves, structure=structure)


def _stated_size(signature: Signature) -> int:
    return sum(EXAMPLES * 4 * torch.Size(spec.shape).numel() for spec in signature.inputs)


def _made_size(make: Callable[[], Any]) -> int:
    """Bytes that a factory would fill, found out without filling any; 0 where it can only be run for real."""
    try:
        with torch.device("meta"):
            tensors = [leaf for leaf in tree_flatten(make())[0] if isinstance(leaf, Tensor)]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    except Exception:  # noqa: BLE001  (it will show again when it is run for real)
        return 0


def _without_memory(size: int) -> Any:
    """Large tensors have shapes and no values."""
    return torch.device("cpu") if size <= LARGEST else FakeTensorMode(allow_non_fake_inputs=True)


def _as_it_is(module: nn.Module) -> nn.Module:
    return module


def _with_the_rest(module: nn.Module, leaves: list[Any], structure: TreeSpec) -> nn.Module:
    """Whatever else forward takes becomes a part of it: a graph takes tensors."""
    forward = module.forward

    def of_tensors(*tensors: Tensor) -> Any:
        given = iter(tensors)
        filled = [next(given) if isinstance(one, Tensor) else one for one in leaves]
        return forward(*tree_unflatten(filled, structure))

    module.forward = of_tensors
    return module


# ---------------------------------------------------------------- what the Python shows


def _answers(module: nn.Module, inputs: Inputs, seed: int) -> list[Tensor] | None:
    """Outputs in eval mode, without a trace left; None where they take more memory than there is."""
    training = module.training
    seed_everything(seed)
    try:
        with torch.no_grad():
            return leaves(module.eval()(*(x.clone() for x in inputs)))
    except Exception as error:
        if is_out_of_memory(error):
            return None
        raise
    finally:
        module.train(training)


def _repeatability(
    rehearsal: Rehearsal, outputs: list[Tensor], again: Callable[[], nn.Module], seed: int, severity: Severity
) -> Iterator[Finding]:
    second = _answers(rehearsal.module, rehearsal.inputs, seed)
    if not _same(outputs, second):
        message = (
            "two eval-mode passes over the same examples with the same seed differ: what does it remember or read?"
        )
        yield _finding("non-deterministic", message)
    elif _weight_bytes(rehearsal.module) <= LARGEST:
        for fault in _reloaded(rehearsal, outputs, again, seed):
            yield fault.model_copy(update={"severity": severity})


def _reloaded(
    rehearsal: Rehearsal, outputs: list[Tensor], again: Callable[[], nn.Module], seed: int
) -> Iterator[Finding]:
    """Another network with this one's state must be this one."""
    try:
        other = again()
        other.load_state_dict(rehearsal.module.state_dict())
        answers = _answers(other, rehearsal.inputs, seed)
    except Exception as error:  # noqa: BLE001  (its own load_state_dict may raise anything)
        message = f"its state_dict cannot be loaded into a new copy: {first_line(error)}"
        yield _finding("state-dict", message, layer_of(error, rehearsal.module))
        return
    if not _same(outputs, answers):
        message = (
            "a new copy with the same state_dict answers differently: keep what is drawn or learnt in parameters "
            "or in buffers that are saved"
        )
        yield _finding("state-dict", message)


def _weight_bytes(module: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in module.parameters())


def _same(one: Sequence[Tensor], other: Sequence[Tensor] | None) -> bool:
    if other is None:
        return True
    return len(one) == len(other) and all(map(close, one, other))


def _finding(code: str, message: str, layer: str | None = None) -> Finding:
    return Finding(gate="behave", code=code, message=message, layer=layer)
