"""A user's own operation."""

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from neuromosaic.core.architecture import library
from neuromosaic.core.architecture.calls import Plan, module
from neuromosaic.core.architecture.operation import (
    RANKS,
    Data,
    Operation,
    Width,
    add,
    costed,
    find,
    from_function,
    operations,
    planned,
    remove,
)  # fmt: skip
from neuromosaic.core.errors import ArchitectureError


class OwnOperation(Protocol):
    """What `register_operation` takes: how a layer is made, and how many parameters it has."""

    def to_layer_config(self, in_channels: int, out_channels: int) -> Mapping[str, Any]:
        """{"type": an operation, "config": its fields} of those that there are, or a block of one's own:
        {"module": an nn.Module class or its name, "arguments": {...}, "source": its text for a name}.
        """

    def get_parameter_count(self, in_channels: int, out_channels: int) -> int:
        """Trainable parameters of that layer."""


def register_operation(name: str, own: OwnOperation, takes: str = "image", sample: Sequence[int] = (8, 16)) -> None:
    """Makes `own` an operation with the field `channels`; `takes` "image", "sequence", "vector" or some with "|".

    The source of a block of one's own uses `torch`, `nn`, `Tensor`, `math` and blocks that exist; it is inferred by
    PyTorch's shadow, runs in `to_model()` in this process, and travels into `to_source()`.
    Checked at once on `sample` (in, out) channels: raises ArchitectureError naming the method and the fault.
    """
    if name in operations():
        raise ArchitectureError(f"there is an operation {name!r} already: choose another name")
    if not name.isidentifier():
        raise ArchitectureError(f"an operation's name is letters, digits and underscores, not {name!r}")
    found = _operation(name, own, takes)
    _check(found, own, *sample)
    add(found)


def _operation(name: str, own: OwnOperation, takes: str) -> Operation:
    def plan(x: Data, channels: Width) -> Plan:
        return _plan(own.to_layer_config(x.width, channels), x)

    plan.__doc__ = inspect.getdoc(own)
    return from_function(name, (takes,), plan)


def _plan(config: Mapping[str, Any], x: Data) -> Plan:
    if "type" in config:
        fields = find(config["type"], "to_layer_config: type").check(config.get("config", {}), "to_layer_config")
        return planned(config["type"], tuple(fields.items()), (x,))
    if unknown := set(config) - {"module", "arguments", "source"} or "module" not in config:
        raise ArchitectureError(f"to_layer_config returns type and config, or module, arguments, source: {unknown}")
    block = config["module"]
    library.add_source(config.get("source") or textwrap.dedent(inspect.getsource(block)))
    return module(block if isinstance(block, str) else block.__name__, **config.get("arguments", {}))


def _check(found: Operation, own: OwnOperation, inputs: int, outputs: int) -> None:
    data = Data({1: (inputs,), 2: (8, inputs), 3: (inputs, 8, 8)}[RANKS[found.takes[0].split("|")[0]]])
    try:
        add(found)
        counted = costed(found.name, (("channels", outputs),), (data,)).parameters
    except (TypeError, AttributeError, KeyError, SyntaxError) as error:
        raise ArchitectureError(f"{found.name}.to_layer_config({inputs}, {outputs}): {error}") from None
    finally:
        remove(found.name)
    told = own.get_parameter_count(inputs, outputs)
    if told != counted:
        raise ArchitectureError(
            f"{found.name}.get_parameter_count({inputs}, {outputs}) says {told}, but the layer has {counted}"
        )
