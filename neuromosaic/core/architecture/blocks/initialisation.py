import itertools
import math

from torch import nn


def initialise(model: nn.Module) -> None:
    """Weights that keep the variance of what passes through; biases at zero.

    Normal, with variance gain / fan_in: gain 2 in front of a ReLU (He et al., 2015),
    its like for other activations, else 1 (LeCun et al., 1998).
    """
    gains = gains_by_activation(model)
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)):
            initialise_weights(module, gains.get(module, 1.0))


def gains_by_activation(model: nn.Module) -> dict[nn.Module, float]:
    """One over the mean square of the activation behind each layer, at variance 1."""
    known = {
        nn.ReLU: 2.0,
        nn.LeakyReLU: 2.0,
        nn.GELU: 2.35,
        nn.SiLU: 2.81,
        nn.ELU: 1.55,
    }
    known |= {nn.Mish: 2.21, nn.Hardswish: 3.02, nn.Tanh: 2.54}
    rows = [module for module in model.modules() if isinstance(module, nn.Sequential)]
    pairs = [pair for row in rows for pair in itertools.pairwise(row)]
    return {layer: known.get(type(after), 1.0) for layer, after in pairs}


def initialise_weights(
    layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d, gain: float
) -> None:
    fan_in: float = layer.weight[0].numel()
    if isinstance(layer, nn.ConvTranspose2d):
        fan_in = layer.weight[:, 0].numel() / math.prod(layer.stride)
    nn.init.normal_(layer.weight, std=(gain / fan_in) ** 0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def initialise_embeddings(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)


def initialise_recurrent(model: nn.Module) -> None:
    """Orthogonal between steps (Saxe et al., 2014); forget gates open."""
    for module in model.modules():
        if isinstance(module, (nn.GRU, nn.LSTM)):
            for name, weight in module.named_parameters():
                if "weight_hh" in name:
                    nn.init.orthogonal_(weight)
                elif "weight_ih" in name:
                    nn.init.xavier_uniform_(weight)
                else:
                    nn.init.zeros_(weight)
                    if isinstance(module, nn.LSTM) and "bias_ih" in name:
                        width = module.hidden_size
                        nn.init.ones_(weight[width : 2 * width])
