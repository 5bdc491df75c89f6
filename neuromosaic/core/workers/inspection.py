"""What a network costs, and whether what it returns is what was promised. Runs in a worker."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.evaluation import measuring
from neuromosaic.core.evaluation.losses import answer
from neuromosaic.core.graph.examples import draw_inputs, meta_inputs
from neuromosaic.core.graph.tensors import to_torch
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory
from neuromosaic.core.workers.generating import generative_faults
from neuromosaic.core.workers.source import layer_of

BATCHES = (1, 3)
NOTHING = 1e-4  # outputs that are smaller than this are what float32 leaves of a sum that comes to zero
TOLERANCE = 1e-3  # of the outputs' scale: kernels differ by far less between batches, a leak by far more
Inputs = tuple[Tensor, ...]


def inspect(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Parameters, FLOPs, memory and output shapes, and where the outputs break the promise.

    With the argument "described" nothing is computed: the network runs on the meta device, on inputs of these shapes.
    """
    signature = Signature.model_validate(job.arguments["signature"])
    device = "meta" if "described" in job.arguments else str(job.arguments.get("device", "cpu"))
    figures = {"parameters": float(measuring.parameters(module))}
    module.to(device)
    findings: dict[str, Finding] = {}
    returned: list[Any] = []
    for inputs in _batches(signature, job, device):
        returned, faults = _inspected(module, inputs, signature)
        findings = {fault.code: fault for fault in reversed(faults)} | findings
    if "forward-raised" in findings:
        returned = []
    if returned:
        figures |= _costs(module, signature, job, device)
    if returned and device != "meta" and (fault := _unlike_python(module, job, device)):
        findings[fault.code] = fault
    told = [finding.model_dump(mode="json") for finding in findings.values()]
    return Message({**figures, "outputs": returned, "findings": told})


def _batches(signature: Signature, job: Job, device: str) -> list[Inputs]:
    """Of one and of three examples; given inputs as they are."""
    given = given_inputs(job, device)
    if given or not signature.inputs:
        return [given]
    batches = BATCHES if signature.batch_axes else BATCHES[:1]
    return [tuple(x.to(device) for x in draw_inputs(signature, batch, seed=0)) for batch in batches]


def _unlike_python(module: nn.Module, job: Job, device: str) -> Finding | None:
    """Whether a graph answers otherwise than the Python that it was exported from."""
    inputs, wanted = tensors_of(job, "seen/", device), tensors_of(job, "said/", device)
    if not wanted:
        return None
    torch.manual_seed(job.arguments["seed"])
    with torch.no_grad():
        found = leaves(module.eval()(*inputs))
    if len(found) == len(wanted) and all(map(close, found, wanted)):
        return None
    message = "the exported graph answers otherwise than the Python: forward depends on more than its inputs"
    return _finding("graph-differs", message)


def given_inputs(job: Job, device: str) -> Inputs:
    """The inputs that came with a job: real ones, or their descriptions; empty where it brought none."""
    if "described" in job.arguments:
        return meta_inputs(job.arguments["described"])
    return tensors_of(job, "x/", device)


def tensors_of(job: Job, prefix: str, device: str) -> Inputs:
    """The job's tensors "x/0", "x/1"... in order."""
    count = sum(name.startswith(prefix) for name in job.tensors)
    return tuple(to_torch(job.tensors[f"{prefix}{number}"]).to(device) for number in range(count))


def _costs(module: nn.Module, signature: Signature, job: Job, device: str) -> dict[str, float]:
    """FLOPs of one example (of the given inputs, where there is no batch axis to cut), memory of a batch."""
    given = given_inputs(job, device)
    batch = job.arguments.get("batch", 1)
    inputs = given or tuple(x.to(device) for x in draw_inputs(signature, batch, seed=0))
    one = inputs if given else tuple(x.to(device) for x in draw_inputs(signature, 1, seed=0))
    memory = measuring.memory(module, inputs)
    return {
        "flops": measuring.flops(module, one), "peak_memory_mb": memory.peak / 1e6,
        "allocated_mb": memory.allocated / 1e6,
    }  # fmt: skip


def _inspected(module: nn.Module, inputs: Inputs, signature: Signature) -> tuple[list[Any], list[Finding]]:
    module.eval()
    try:
        with torch.no_grad():
            outputs = answer(module(*inputs))
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = f"forward of {described(inputs)} in eval mode raised {first_line(error)}"
        return [], [_finding("forward-raised", message, layer_of(error, module))]
    tensors = leaves(outputs)
    faults = [*_faults(outputs, tensors, inputs, signature), *generative_faults(module, inputs, signature)]
    return [_shape(tensor) for tensor in tensors], faults


def _faults(outputs: Any, tensors: list[Tensor], inputs: Inputs, signature: Signature) -> list[Finding]:
    wanted = signature.outputs
    if not tensors or (len(wanted) == 1 and not isinstance(outputs, Tensor)):
        message = f"forward returns a {type(outputs).__name__}; return {_promise(wanted)}"
        return [_finding("not-a-tensor", message)]
    if wanted and len(wanted) != len(tensors):
        message = f"forward returns {len(tensors)} tensors; the contract wants {len(wanted)}"
        return [_finding("output-count", message)]
    faults = [_misfit(*pair, inputs, signature) for pair in zip(tensors, wanted, strict=False)]
    if any(not tensor.isfinite().all() for tensor in tensors if not tensor.is_meta):
        message = f"for {described(inputs)} forward returns infinite numbers or NaN"
        faults.append(_finding("non-finite-output", message))
    return [fault for fault in faults if fault is not None]


def _promise(wanted: tuple[TensorSpec, ...]) -> str:
    return "one tensor of raw scores" if len(wanted) == 1 else "tensors"


def _misfit(output: Tensor, wanted: TensorSpec, inputs: Inputs, signature: Signature) -> Finding | None:
    expected = list(wanted.shape)
    for axis in signature.batch_axes[:1]:
        expected.insert(axis, inputs[0].shape[axis])
    shape = tuple(output.shape)
    if list(shape) != expected:
        message = f"for {described(inputs)} forward returns {_named(output)}; the contract wants the shape {expected}"
        return _finding("output-shape", message, shape=shape)
    if output.dtype != getattr(torch, wanted.dtype):
        message = f"forward returns {_named(output)}; the contract wants {wanted.dtype}"
        return _finding("output-dtype", message, shape=shape)
    return None


def close(one: Tensor, other: Tensor) -> bool:
    """Equal within what kernels differ by between batches of another size; NaN equals NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not one.numel() or not (one.is_floating_point() or one.is_complex()):
        return torch.equal(one, other)
    known = one.isfinite() & other.isfinite()
    if not torch.equal(one.isnan(), other.isnan()):
        return False
    scale = max(float((one * known).nan_to_num().abs().max()), NOTHING)
    return bool(((one - other).nan_to_num() * known).abs().max() <= TOLERANCE * scale)


def leaves(outputs: Any) -> list[Tensor]:
    """The tensors of whatever forward returned, in order; not the scalars that it declares beside its output."""
    return [leaf for leaf in tree_leaves(answer(outputs)) if isinstance(leaf, Tensor)]


def described(inputs: Inputs) -> str:
    return ", ".join(_named(tensor) for tensor in inputs)


def _named(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"


def _shape(tensor: Tensor) -> dict[str, Any]:
    return {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}


def _finding(code: str, message: str, layer: str | None = None, shape: tuple[int, ...] | None = None) -> Finding:
    return Finding(gate="shape", code=code, message=message, layer=layer, shape=shape)
