import itertools
import math

from torch import nn


def initialise(model: nn.Module) -> None:
    """Weights that keep the variance of what passes through; biases at zero.

    Normal, with variance gain / fan_in: gain 2 in front of a ReLU (He et al., 2015) and
    about 2 in front of its smooth relatives, else 1 (LeCun et al., 1998). Orthogonal
    between the steps of a recurrent layer (Saxe et al., 2014). Embeddings: variance 1.
    """
    gains = gains_by_activation(model)
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)):
            initialise_weights(module, gains.get(module, 1.0))
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
        elif isinstance(module, (nn.GRU, nn.LSTM)):
            initialise_recurrent(module)


def gains_by_activation(model: nn.Module) -> dict[nn.Module, float]:
    """2 for layers with a one-sided activation right behind them."""
    one_sided = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish)
    rows = [module for module in model.modules() if isinstance(module, nn.Sequential)]
    pairs = [pair for row in rows for pair in itertools.pairwise(row)]
    return {layer: 2.0 for layer, after in pairs if isinstance(after, one_sided)}


def initialise_weights(
    layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d, gain: float
) -> None:
    fan_in: float = layer.weight[0].numel()
    if isinstance(layer, nn.ConvTranspose2d):
        fan_in = layer.weight[:, 0].numel() / math.prod(layer.stride)
    nn.init.normal_(layer.weight, std=(gain / fan_in) ** 0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def initialise_recurrent(layer: nn.GRU | nn.LSTM) -> None:
    for name, weight in layer.named_parameters():
        if "weight_hh" in name:
            nn.init.orthogonal_(weight)
        elif "weight_ih" in name:
            nn.init.xavier_uniform_(weight)
        else:
            nn.init.zeros_(weight)
