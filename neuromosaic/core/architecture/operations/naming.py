"""PyTorch's names for what configs call by a word."""

from neuromosaic.core.architecture.calls import Name

ACTIVATIONS = {
    "relu": Name("nn.ReLU"), "gelu": Name("nn.GELU"), "silu": Name("nn.SiLU"), "tanh": Name("nn.Tanh"),
    "elu": Name("nn.ELU"), "hardswish": Name("nn.Hardswish"), "leaky_relu": Name("nn.LeakyReLU"),
    "mish": Name("nn.Mish"), "sigmoid": Name("nn.Sigmoid"), "softplus": Name("nn.Softplus"),
}  # fmt: skip
