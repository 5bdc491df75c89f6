"""Layers over images. Weights start normal with variance gain / fan_in (see `initialise`), norms at identity."""

from neuromosaic.core.architecture.calls import Call, Plan, call, module
from neuromosaic.core.architecture.operation import Activation, Count, Data, Kernel, Step, Width, operation
from neuromosaic.core.architecture.operations.naming import ACTIVATIONS
from neuromosaic.core.errors import ArchitectureError


@operation("image")
def conv(
    x: Data, channels: Width, kernel: Kernel = 3, stride: Step = 1, dilation: Step = 1, groups: Width = 1,
    bias: bool = True,
) -> Plan:  # fmt: skip
    """A convolution, padded by dilation * (kernel - 1) // 2: an odd kernel keeps the size at stride 1."""
    padding = dilation * (kernel - 1) // 2
    return module(
        "nn.Conv2d", x.width, channels, kernel, stride=stride, padding=padding, dilation=dilation, groups=groups,
        bias=bias,
    )  # fmt: skip


@operation("image")
def depthwise_conv(x: Data, kernel: Kernel = 3, stride: Step = 1, dilation: Step = 1, bias: bool = True) -> Plan:
    """A convolution of each channel by itself."""
    return conv(x, x.width, kernel, stride, dilation, x.width, bias)


@operation("image")
def conv_block(
    x: Data, channels: Width, kernel: Kernel = 3, stride: Step = 1, activation: Activation = "relu"
) -> Plan:
    """A convolution, batch norm, an activation."""
    return module(
        "ConvNormActivation",
        x.width,
        channels,
        kernel=_odd(kernel),
        stride=stride,
        activation=ACTIVATIONS[activation],
    )


@operation("image")
def separable_conv(x: Data, channels: Width, kernel: Kernel = 3, stride: Step = 1) -> Plan:
    """Filters each channel, mixes them, batch norm."""
    return module("SeparableConv", x.width, channels, kernel=_odd(kernel), stride=stride)


@operation("image")
def spectral_conv(x: Data, channels: Width, kernel: Kernel = 3, stride: Step = 1) -> Plan:
    """A convolution with its weight's largest singular value held at 1 (Miyato et al., 2018)."""
    layer = conv(x, channels, kernel, stride, 1, 1, True).modules[0][1]
    return Plan("{m}({0})", (("m", Call("nn.utils.parametrizations.spectral_norm", (layer,), ())),))


@operation("image")
def inverted_residual(
    x: Data, channels: Width, expansion: Count = 4, kernel: Kernel = 3, stride: Step = 1, squeeze_excite: bool = True,
    activation: Activation = "relu",
) -> Plan:  # fmt: skip
    """MobileNet's block: widens, filters, narrows, with squeeze-excite; adds its input where that fits."""
    return module(
        "InvertedResidual", x.width, channels, kernel=_odd(kernel), stride=stride, expansion=expansion,
        squeeze_excite=squeeze_excite, activation=ACTIVATIONS[activation],
    )  # fmt: skip


@operation("image")
def squeeze_excite(x: Data, reduction: Count = 4) -> Plan:
    """Scales each channel by what the whole image says."""
    return module("SqueezeExcite", x.width, reduction=reduction)


@operation("image")
def residual_block(x: Data, channels: Width, stride: Step = 1) -> Plan:
    """ResNet's basic block, with a projection where shapes differ."""
    return module("ResidualBlock", x.width, channels, stride=stride)


@operation("image")
def dense_block(x: Data, growth: Width, layers: Count = 2) -> Plan:
    """DenseNet's block: each layer adds `growth` channels and sees all before it."""
    return module("DenseBlock", x.width, growth, layers)


@operation("image")
def factorized_reduce(x: Data, channels: Width) -> Plan:
    """Halves an image without losing any pixel; its sides and `channels` are even."""
    if channels % 2 or x.shape[1] % 2 or x.shape[2] % 2:
        raise ArchitectureError(
            f"factorized_reduce needs even channels and sides, not {channels} and {x.shape[1]}x{x.shape[2]}"
        )
    return module("FactorizedReduce", x.width, channels)


@operation("image")
def transpose_conv(x: Data, channels: Width, kernel: Kernel = 2, stride: Step = 2) -> Plan:
    """A convolution that enlarges: (side - 1) * stride + kernel."""
    return module("nn.ConvTranspose2d", x.width, channels, kernel, stride=stride)


@operation("image")
def double_conv(x: Data, channels: Width) -> Plan:
    """A U-Net's level: two convolutions with norm and ReLU."""
    return module("DoubleConv", x.width, channels)


@operation("image")
def unet_down(x: Data, channels: Width) -> Plan:
    """A U-Net's level on the way down: halves the image, then two convolutions."""
    parts = (call("nn.MaxPool2d", 2), call("DoubleConv", x.width, channels))
    return Plan("{m}({0})", (("m", Call("nn.Sequential", parts, ())),))


@operation("image", "image")
def unet_up(x: Data, skip: Data, channels: Width) -> Plan:
    """A U-Net's level on the way up: doubles the first input, joins the second, two convolutions."""
    if skip.shape[1:] != (2 * x.shape[1], 2 * x.shape[2]):
        raise ArchitectureError(f"unet_up needs a skip twice as large as {list(x.shape)}, not {list(skip.shape)}")
    return Plan("{m}({0}, {1})", (("m", call("UNetUp", x.width, skip.width, channels)),))


@operation("image")
def segmentation_head(x: Data, classes: Width) -> Plan:
    """Scores of classes at each pixel: a 1x1 convolution."""
    return module("nn.Conv2d", x.width, classes, 1)


def _odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise ArchitectureError(f"the kernel must be odd here, not {kernel}")
    return kernel
