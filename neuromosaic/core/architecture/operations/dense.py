"""Layers over features. Weights start normal with variance gain / fan_in (see `initialise`), biases at zero."""

from neuromosaic.core.architecture.calls import Call, Plan, call, module
from neuromosaic.core.architecture.operation import Activation, Count, Data, Share, Width, operation
from neuromosaic.core.architecture.operations.naming import ACTIVATIONS
from neuromosaic.core.errors import ArchitectureError

FEATURES = "vector|sequence"


@operation(FEATURES)
def linear(x: Data, features: Width, bias: bool = True) -> Plan:
    """A weighted sum: [..., width] to [..., features]."""
    return module("nn.Linear", x.width, features, bias=bias)


@operation(FEATURES)
def spectral_linear(x: Data, features: Width) -> Plan:
    """A linear layer with its largest singular value held at 1 (Miyato et al., 2018)."""
    layer = call("nn.Linear", x.width, features)
    return Plan("{m}({0})", (("m", Call("nn.utils.parametrizations.spectral_norm", (layer,), ())),))


@operation(FEATURES)
def residual_mlp(x: Data, expansion: Count = 2, activation: Activation = "gelu") -> Plan:
    """A two-layer perceptron behind layer norm, beside the identity."""
    return module("ResidualMLP", x.width, expansion=expansion, activation=ACTIVATIONS[activation])


@operation(FEATURES)
def highway(x: Data, activation: Activation = "relu") -> Plan:
    """A trained gate between the input and a layer of it; starts mostly at the input."""
    return module("Highway", x.width, activation=ACTIVATIONS[activation])


@operation(FEATURES)
def mixture_of_experts(x: Data, hidden: Width, experts: Count = 4, active: Count = 2) -> Plan:
    """The `active` best of several perceptrons, weighed by a softmax."""
    if active > experts:
        raise ArchitectureError(f"{active} of {experts} experts cannot be active")
    return module("MixtureOfExperts", x.width, hidden, experts, active)


@operation(FEATURES)
def gaussian_sample(x: Data, features: Width) -> Plan:
    """A reparametrised draw from a normal distribution in training, its mean in eval mode."""
    return module("GaussianSample", x.width, features)


@operation("vector|sequence|image")
def classification_head(x: Data, classes: Width, dropout: Share = 0.0) -> Plan:
    """Scores of classes, [classes]: the mean over pixels or steps, dropout, a linear layer."""
    pooled = {1: "{0}", 2: "{0}.mean(1)", 3: "{0}.mean((2, 3))"}[len(x.shape)]
    layer = call("nn.Linear", x.width, classes)
    whole = Call("nn.Sequential", (call("nn.Dropout", dropout), layer), ()) if dropout else layer
    return Plan(f"{{m}}({pooled})", (("m", whole),))


@operation("vector|sequence|image")
def regression_head(x: Data, targets: Width = 1, dropout: Share = 0.0) -> Plan:
    """Values of targets, [targets]: the mean over pixels or steps, dropout, a linear layer."""
    return classification_head(x, targets, dropout)


@operation("sequence")
def token_head(x: Data, classes: Width) -> Plan:
    """Scores of classes at each step: layer norm and a linear layer. No step sees another."""
    layers = (call("nn.LayerNorm", x.width), call("nn.Linear", x.width, classes))
    return Plan("{m}({0})", (("m", Call("nn.Sequential", layers, ())),))
