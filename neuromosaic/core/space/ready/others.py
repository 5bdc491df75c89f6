"""Macro spaces over features, sequences and graphs."""

from typing import Any

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.ready.drawing import Drawing
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.space.topology import layer_parameters

WIDTH: dict[str, Any] = {"type": "int", "min": 16, "max": 256, "step": 16}
DROPOUT: dict[str, Any] = {"type": "ordinal", "values": [0.0, 0.1, 0.2, 0.3]}
ACTIVATION: dict[str, Any] = {"type": "categorical", "values": ["relu", "gelu", "silu"]}


def mlp(inputs: tuple[Input, ...], outputs: int, layers: int = 4) -> SearchSpace:
    """Up to `layers` linear layers, each with its width, norm, activation and dropout behind it."""
    norm: dict[str, Any] = {"type": "categorical", "values": ["none", "batch_norm", "layer_norm"]}

    def build(point: Point) -> ArchitectureSpec:
        drawing, here = Drawing(inputs), inputs[0].name
        if len(inputs[0].shape) > 1:
            here = drawing.add("flatten", here)
        for number in range(1, int(point["layers"]) + 1):
            here = drawing.add("linear", here, features=point[f"layer{number}_width"])
            if point["norm"] != "none":
                here = drawing.add(str(point["norm"]), here)
            here = drawing.add(str(point["activation"]), here)
            if point["dropout"]:
                here = drawing.add("dropout", here, p=point["dropout"])
        drawing.add("linear", here, features=outputs)
        return drawing.spec("mlp", point)

    chain = layer_parameters(layers, {"width": WIDTH})
    return SearchSpace({**chain, "norm": norm, "activation": ACTIVATION, "dropout": DROPOUT}, name="mlp", build=build)


def transformer(inputs: tuple[Input, ...], outputs: int, blocks: int = 4) -> SearchSpace:
    """Up to `blocks` pre-norm Transformer blocks over steps of features, or over ids; their mean is classified."""
    parameters: dict[str, Any] = {
        "width": {**WIDTH, "max": 128},
        "heads": {"type": "ordinal", "values": [1, 2, 4, 8]},
        "blocks": {"type": "int", "min": 1, "max": blocks},
        "expansion": {"type": "int", "min": 1, "max": 4},
        "positions": {"type": "categorical", "values": ["learned", "sinusoidal"]},
        "activation": ACTIVATION,
        "dropout": DROPOUT,
    }

    def build(point: Point) -> ArchitectureSpec:
        drawing = Drawing(inputs)
        here = _entered(drawing, inputs[0], int(point["width"]))
        here = drawing.add("positions", here, kind=point["positions"])
        own = {name: point[name] for name in ("heads", "expansion", "activation", "dropout")}
        for _ in range(int(point["blocks"])):
            here = drawing.add("transformer_block", here, **own)
        drawing.add("classification_head", drawing.add("layer_norm", here), classes=outputs)
        return drawing.spec("transformer", point)

    return SearchSpace(parameters, ["width % heads == 0"], name="transformer", build=build)


def rnn(inputs: tuple[Input, ...], outputs: int, layers: int = 3) -> SearchSpace:
    """Up to `layers` recurrent layers over steps of features, or over ids; the mean of the outputs is classified."""
    parameters: dict[str, Any] = {
        "kind": {"type": "categorical", "values": ["gru", "lstm"]},
        "width": {**WIDTH, "max": 128},
        "layers": {"type": "int", "min": 1, "max": layers},
        "bidirectional": {"type": "bool"},
        "dropout": DROPOUT,
    }

    def build(point: Point) -> ArchitectureSpec:
        drawing = Drawing(inputs)
        here = _entered(drawing, inputs[0], int(point["width"]))
        own = {name: point[name] for name in ("width", "layers", "bidirectional")}
        here = drawing.add(str(point["kind"]), here, **own)
        drawing.add("classification_head", here, classes=outputs, dropout=point["dropout"])
        return drawing.spec("rnn", point)

    return SearchSpace(parameters, name="rnn", build=build)


def tcn(inputs: tuple[Input, ...], outputs: int, blocks: int = 5) -> SearchSpace:
    """Up to `blocks` causal convolutional blocks, each twice as dilated (Bai et al., 2018, arXiv:1803.01271)."""
    parameters: dict[str, Any] = {
        "width": {**WIDTH, "max": 128},
        "blocks": {"type": "int", "min": 1, "max": blocks},
        "kernel": {"type": "ordinal", "values": [2, 3, 5]},
        "dropout": DROPOUT,
    }

    def build(point: Point) -> ArchitectureSpec:
        drawing = Drawing(inputs)
        here = _entered(drawing, inputs[0], int(point["width"]))
        own = {name: point[name] for name in ("width", "kernel", "dropout")}
        for number in range(int(point["blocks"])):
            here = drawing.add("tcn_block", here, dilation=2**number, **own)
        drawing.add("classification_head", here, classes=outputs)
        return drawing.spec("tcn", point)

    return SearchSpace(parameters, name="tcn", build=build)


def gnn(inputs: tuple[Input, ...], outputs: int, layers: int = 4) -> SearchSpace:
    """Up to `layers` graph convolutions or attentions over nodes [n, features] and adjacency [n, n]; their mean is
    classified.
    """
    parameters: dict[str, Any] = {
        "kind": {"type": "categorical", "values": ["graph_conv", "graph_attention"]},
        "heads": {"type": "ordinal", "values": [1, 2, 4], "when": {"kind": "graph_attention"}},
        "width": {**WIDTH, "max": 128},
        "layers": {"type": "int", "min": 1, "max": layers},
        "activation": ACTIVATION,
        "norm": {"type": "bool"},
    }

    def build(point: Point) -> ArchitectureSpec:
        drawing, (here, adjacency) = Drawing(inputs), (each.name for each in inputs)
        own = {name: point[name] for name in ("width", "heads") if name in point}
        for _ in range(int(point["layers"])):
            here = drawing.add(str(point["kind"]), here, adjacency, **own)
            here = drawing.add("layer_norm", here) if point["norm"] else here
            here = drawing.add(str(point["activation"]), here)
        drawing.add("classification_head", here, classes=outputs)
        return drawing.spec("gnn", point)

    return SearchSpace(parameters, ["width % heads == 0"], name="gnn", build=build)


def _entered(drawing: Drawing, given: Input, width: int) -> str:
    """Ids embedded, features projected."""
    if given.classes is not None:
        return drawing.add("embedding", given.name, width=width)
    return drawing.add("linear", given.name, features=width)
