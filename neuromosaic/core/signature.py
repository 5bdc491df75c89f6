"""What a network is called with and what it must return: the contract as the ladder needs it."""

import re
from typing import Final, Literal

from neuromosaic.core.brief import Contract, Generative, Task, TensorSpec, Value
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.recipe import Loss
from neuromosaic.core.tasks import FORMS

NOTATION: Final = re.compile(r"(?P<shape>\d+(x\d+)*)?(:(?P<dtype>float32|int64|bool))?(<(?P<upper>\d+))?")


class Signature(Value):
    """The tensors that `forward` takes and returns, in order, without their batch axis.

    `inputs`: empty where the file's own `get_inputs()` makes them. `outputs`: empty where nothing is promised; a
    single one is returned as a plain tensor, several as a tuple, list or dict. `batch_axes`: where the batch may
    lie, tried in this order; empty for a network without one. `task` and `loss`: None where nobody has said what
    the network is trained for; its gradients are then those of a random weighting of its outputs. `latent`: the
    numbers of a generative network's codes; `generative`: how it makes examples.
    """

    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    batch_axes: tuple[int, ...] = (0,)
    task: Task | None = None
    loss: Loss | None = None
    latent: int | None = None
    generative: Generative | None = None

    @property
    def severity(self) -> Literal["error", "warning"]:
        """Of what is a fault only in a network that is to learn from examples, each by itself."""
        return "error" if self.outputs or self.loss else "warning"


def signature_of(contract: Contract, loss: Loss | None = None) -> Signature:
    """The contract of a brief as a signature; without a loss, the usual one of its task."""
    return Signature(
        inputs=(_with_upper(contract),),
        outputs=(contract.output,),
        task=contract.task,
        loss=loss or FORMS[contract.task].losses[0],
        latent=contract.latent,
        generative=contract.generative,
    )


def _with_upper(contract: Contract) -> TensorSpec:
    """Token ids without a bound are those of the output's vocabulary."""
    spec = contract.input
    if spec.dtype != "int64" or spec.upper is not None:
        return spec
    return spec.model_copy(update={"upper": contract.output.shape[-1]})


def read_tensor(text: str) -> TensorSpec:
    """ "3x32x32" (float32), "64:int64<1000" (ids below 1000) or "16:bool", without the batch axis; ":bool" for none.

    Raises UsageError for anything else.
    """
    found = NOTATION.fullmatch(text.replace(" ", ""))
    if not found or not (found["shape"] or found["dtype"]):
        raise UsageError(f"{text!r} is no tensor: write its shape as 3x32x32, ids as 64:int64<1000, flags as 16:bool")
    shape = tuple(int(size) for size in found["shape"].split("x")) if found["shape"] else ()
    if 0 in shape:
        raise UsageError(f"{text!r} has an axis of size 0: every axis needs at least 1")
    return _spec(text, shape, found["dtype"] or "float32", found["upper"])


def _spec(text: str, shape: tuple[int, ...], dtype: str, upper: str | None) -> TensorSpec:
    if (dtype == "int64") != (upper is not None):
        raise UsageError(f"{text!r}: int64 needs a bound on its ids and other dtypes take none: write 64:int64<1000")
    return TensorSpec.model_validate({"shape": shape, "dtype": dtype, "upper": upper and int(upper)})


def write_tensor(spec: TensorSpec) -> str:
    """The notation that `read_tensor` reads."""
    shape = "x".join(map(str, spec.shape))
    if spec.dtype == "int64":
        return f"{shape}:int64<{spec.upper}"
    return shape if spec.dtype == "float32" and shape else f"{shape}:{spec.dtype}"
