"""Macro spaces over images: MobileNet-like, ResNet-like, U-Net."""

from typing import Any

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.ready.drawing import Drawing
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.space.topology import layer_parameters

WIDTHS: dict[str, Any] = {"type": "int", "min": 8, "max": 64, "step": 8}


def resnet(inputs: tuple[Input, ...], outputs: int, stages: int = 4) -> SearchSpace:
    """ResNet-like: a stem, up to `stages` stages of one to three basic blocks, each stage twice as wide.

    (He et al., 2016, arXiv:1512.03385.) An image of side s has at most log2(s) stages.
    """
    block = {"blocks": {"type": "int", "min": 1, "max": 3}}
    chain = layer_parameters(_stages(inputs, stages), block)

    def build(point: Point) -> ArchitectureSpec:
        drawing, width = Drawing(inputs), int(point["width"])
        here = drawing.add("conv_block", inputs[0].name, channels=width)
        for stage in range(1, int(point["layers"]) + 1):
            for number in range(int(point[f"layer{stage}_blocks"])):
                stride = 2 if stage > 1 and number == 0 else 1
                here = drawing.add("residual_block", here, channels=width * 2 ** (stage - 1), stride=stride)
        drawing.add("classification_head", here, classes=outputs, dropout=point["dropout"])
        return drawing.spec("resnet", point)

    return SearchSpace({"width": WIDTHS, **chain, "dropout": _dropout()}, name="resnet", build=build)


def mobilenet(inputs: tuple[Input, ...], outputs: int, stages: int = 4) -> SearchSpace:
    """MobileNet-like: a stem, up to `stages` stages of inverted residuals, each with its own width and expansion.

    (Howard et al., 2019, arXiv:1905.02244: kernel, expansion and squeeze-excite per stage.)
    """
    stage: dict[str, Any] = {
        "width": WIDTHS,
        "blocks": {"type": "int", "min": 1, "max": 3},
        "expansion": {"type": "ordinal", "values": [1, 2, 3, 4, 6]},
        "kernel": {"type": "ordinal", "values": [3, 5]},
        "squeeze_excite": {"type": "bool"},
    }
    most = _stages(inputs, stages)
    rising = [f"layer{number}_width <= layer{number + 1}_width" for number in range(1, most)]

    def build(point: Point) -> ArchitectureSpec:
        drawing, act = Drawing(inputs), point["activation"]
        here = drawing.add("conv_block", inputs[0].name, channels=point["stem"], activation=act)
        for number in range(1, int(point["layers"]) + 1):
            own = {name: point[f"layer{number}_{name}"] for name in stage}
            width, blocks = own.pop("width"), int(own.pop("blocks"))
            for block in range(blocks):
                stride = 2 if number > 1 and block == 0 else 1
                here = drawing.add("inverted_residual", here, channels=width, stride=stride, activation=act, **own)
        drawing.add("classification_head", here, classes=outputs, dropout=point["dropout"])
        return drawing.spec("mobilenet", point)

    activation = {"type": "categorical", "values": ["relu", "hardswish", "silu"]}
    parameters: dict[str, Any] = {
        "stem": WIDTHS,
        "activation": activation,
        **layer_parameters(most, stage),
        "dropout": _dropout(),
    }
    return SearchSpace(parameters, rising, name="mobilenet", build=build)


def unet(inputs: tuple[Input, ...], outputs: int, levels: int = 3) -> SearchSpace:
    """A U-Net (Ronneberger et al., 2015, arXiv:1505.04597): scores of `outputs` classes at each pixel.

    Up to `levels` levels, as far as the image's sides can be halved.
    """
    most = levels
    while most > 1 and any(side % 2**most for side in inputs[0].shape[1:]):
        most -= 1

    def build(point: Point) -> ArchitectureSpec:
        drawing, width = Drawing(inputs), int(point["width"])
        here = drawing.add("double_conv", inputs[0].name, channels=width)
        passed = []
        for level in range(1, int(point["levels"]) + 1):
            passed.append(here)
            here = drawing.add("unet_down", here, channels=width * 2**level)
        for level, beside in reversed(list(enumerate(passed))):
            here = drawing.add("unet_up", here, beside, channels=width * 2**level)
        drawing.add("segmentation_head", here, classes=outputs)
        return drawing.spec("unet", point)

    parameters = {"width": {**WIDTHS, "max": 32}, "levels": {"type": "int", "min": 1, "max": most}}
    return SearchSpace(parameters, name="unet", build=build)


def _stages(inputs: tuple[Input, ...], most: int) -> int:
    return max(1, min(most, min(inputs[0].shape[1:]).bit_length() - 1))


def _dropout() -> dict[str, Any]:
    return {"type": "ordinal", "values": [0.0, 0.1, 0.2, 0.3]}
