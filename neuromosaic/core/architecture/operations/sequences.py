"""Layers over sequences. Linear layers start normal with variance gain / fan_in, recurrent weights orthogonal."""

from typing import Literal

from neuromosaic.core.architecture.calls import Plan, call, module
from neuromosaic.core.architecture.operation import Activation, Count, Data, Kernel, Share, Width, operation
from neuromosaic.core.architecture.operations.naming import ACTIVATIONS
from neuromosaic.core.errors import ArchitectureError


@operation("tokens")
def embedding(x: Data, width: Width) -> Plan:
    """A trained vector for each id: [time] to [time, width]; variance 1 at the start."""
    return module("nn.Embedding", x.classes, width)


@operation("sequence")
def positions(x: Data, kind: Literal["learned", "sinusoidal"] = "learned") -> Plan:
    """Adds what tells the steps apart; learned ones start at a standard deviation of 0.1."""
    if kind == "learned":
        return module("LearnedPositions", *x.shape)
    if x.width % 2:
        raise ArchitectureError(f"sinusoidal positions need an even width, not {x.width}")
    return module("SinusoidalPositions", *x.shape)


@operation("sequence")
def attention(x: Data, heads: Count = 4, causal: bool = False) -> Plan:
    """Multi-head self-attention; `causal`: no step sees a later one."""
    return module("Attention", _divided(x.width, heads), heads, causal=causal)


@operation("sequence", "sequence")
def cross_attention(x: Data, memory: Data, heads: Count = 4) -> Plan:
    """Multi-head attention of the first input to the second."""
    return Plan("{m}({0}, {1})", (("m", call("CrossAttention", _divided(x.width, heads), memory.width, heads)),))


@operation("sequence")
def transformer_block(
    x: Data, heads: Count = 4, expansion: Count = 4, causal: bool = False, dropout: Share = 0.0,
    activation: Activation = "gelu",
) -> Plan:  # fmt: skip
    """Attention and a perceptron, each behind layer norm and beside the identity."""
    return module(
        "TransformerBlock", _divided(x.width, heads), heads, expansion=expansion, causal=causal, dropout=dropout,
        activation=ACTIVATIONS[activation],
    )  # fmt: skip


@operation("sequence")
def gru(x: Data, width: Width, layers: Count = 1, bidirectional: bool = False) -> Plan:
    """A gated recurrent unit's outputs at all steps: [time, width], twice as wide where bidirectional."""
    return _recurrent("nn.GRU", x, width, layers, bidirectional)


@operation("sequence")
def lstm(x: Data, width: Width, layers: Count = 1, bidirectional: bool = False) -> Plan:
    """A long short-term memory's outputs at all steps: [time, width], twice as wide where bidirectional."""
    return _recurrent("nn.LSTM", x, width, layers, bidirectional)


@operation("sequence")
def tcn_block(x: Data, width: Width, kernel: Kernel = 3, dilation: Count = 1, dropout: Share = 0.0) -> Plan:
    """Two causal dilated convolutions beside the identity."""
    return module("TemporalBlock", x.width, width, kernel=kernel, dilation=dilation, dropout=dropout)


def _recurrent(name: str, x: Data, width: int, layers: int, bidirectional: bool) -> Plan:
    layer = call(name, x.width, width, num_layers=layers, batch_first=True, bidirectional=bidirectional)
    return Plan("{m}({0})[0]", (("m", layer),))


def _divided(width: int, heads: int) -> int:
    if width % heads:
        raise ArchitectureError(f"the width {width} is no multiple of {heads} heads")
    return width
