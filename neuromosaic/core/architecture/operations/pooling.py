"""Pooling, and changes of size without weights."""

from typing import Literal

from neuromosaic.core.architecture.calls import Plan, call, module, sequence
from neuromosaic.core.architecture.operation import Data, Kernel, Step, operation


@operation("image")
def max_pool(x: Data, kernel: Kernel = 2, stride: Step = 2, norm: bool = False) -> Plan:
    """The largest of each window, with batch norm behind it on demand; an odd kernel is padded by half its size."""
    pool = call("nn.MaxPool2d", kernel, stride, padding=_padding(kernel))
    return sequence(pool, call("nn.BatchNorm2d", x.width) if norm else None)


@operation("image")
def avg_pool(x: Data, kernel: Kernel = 2, stride: Step = 2, norm: bool = False) -> Plan:
    """The mean of each window (without its padding), with batch norm behind it on demand."""
    padding = _padding(kernel)
    counted = {"count_include_pad": False} if padding else {}
    pool = call("nn.AvgPool2d", kernel, stride, padding=padding, **counted)
    return sequence(pool, call("nn.BatchNorm2d", x.width) if norm else None)


@operation("sequence|image")
def global_pool(x: Data, kind: Literal["avg", "max"] = "avg") -> Plan:
    """The mean or the largest over all pixels or steps: [width]."""
    axes = "(2, 3)" if len(x.shape) == 3 else "1"
    return Plan(f"{{0}}.{'mean' if kind == 'avg' else 'amax'}({axes})", ())


@operation("image")
def upsample(x: Data, scale: Step = 2, mode: Literal["nearest", "bilinear"] = "nearest") -> Plan:
    """Enlarges an image `scale` times."""
    return module("nn.Upsample", scale_factor=scale, mode=mode)


def _padding(kernel: int) -> int:
    return kernel // 2 if kernel % 2 else 0
