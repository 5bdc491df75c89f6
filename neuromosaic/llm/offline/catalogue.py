"""The families that the offline designer knows: which data each is for, and what can be varied in it.

The source of a family is a template in `families/`; its constructor's arguments are the search space. Every
family has a `width` and a `depth`, which carry most of its size; the rest are options.
"""

from dataclasses import dataclass, field
from typing import Literal

from neuromosaic.core.brief import Contract, Generative, Task
from neuromosaic.core.space.parameters import (
    BoolParameter,
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    Point,
    Space,
)
from neuromosaic.core.tasks import SPECIAL
from neuromosaic.llm.offline.symmetries import Symmetry

Kind = Literal["image", "tabular", "sequence", "text", "graph"]

_STEPS: tuple[Task, ...] = ("language_modelling", "sequence_labelling")
_DROPOUT = FloatParameter(min=0.0, max=0.3)
_IMAGE: Point = {"stages": 2, "stem_stride": 1}  # adapted to the size of the image
_ACTIVATION = CategoricalParameter(values=("relu", "gelu", "silu"))


@dataclass(frozen=True)
class Range:
    """Integers `least`, least + `step`, ... `most`; `usual` is where a fit starts."""

    least: int
    usual: int
    most: int
    step: int = 1


@dataclass(frozen=True)
class Family:
    """One kind of network.

    `opening`: the first words of its module docstring. `width.usual` is the width below which a shallower network
    is the better use of the parameters. `values` are the defaults of the other arguments; `options` are searched
    from the first round on, `later` ones once the family has shown its worth. `merit` says why one would take it.
    `blind_to` what it does not see by its structure; a `special` one is taken only where that is demanded.
    `positions`: the tasks that it can do and not every family can, such as those with an answer for each position;
    `pooled`: whether it can do the others. `generative`: how it makes examples, where it does.
    """

    name: str
    template: str
    opening: str
    kinds: tuple[Kind, ...]
    width: Range
    depth: Range
    values: Point
    options: Space
    merit: str
    later: Space = field(default_factory=dict)
    recurrent: bool = False
    blind_to: tuple[Symmetry, ...] = ()
    special: bool = False
    positions: tuple[Task, ...] = ()
    pooled: bool = True
    generative: Generative | None = None

    def suits(self, contract: Contract) -> bool:
        """Whether it reads this kind of data, and gives the answers that the task wants."""
        answers = contract.task in self.positions if contract.task in SPECIAL else self.pooled
        return contract.kind in self.kinds and answers and contract.generative == self.generative


CATALOGUE = (
    Family(
        name="small CNN",
        template="small_cnn",
        opening="A small convolutional network",
        kinds=("image",),
        width=Range(4, 8, 128, 2),
        depth=Range(1, 2, 3),
        values={
            **_IMAGE,
            "kernel": 3,
            "separable": False,
            "squeeze_excite": False,
            "activation": "relu",
            "dropout": 0.1,
        },
        options={"separable": BoolParameter(), "activation": _ACTIVATION, "dropout": _DROPOUT},
        later={"squeeze_excite": BoolParameter(), "kernel": CategoricalParameter(values=(3, 5))},
        merit="plain strided convolutions with batch norm learn fastest on small images and cost few operations",
    ),
    Family(
        name="ResNet",
        template="resnet",
        opening="A residual network",
        kinds=("image",),
        width=Range(4, 8, 128, 2),
        depth=Range(1, 2, 4),
        values={**_IMAGE, "squeeze_excite": False, "activation": "relu", "dropout": 0.1},
        options={"activation": _ACTIVATION, "dropout": _DROPOUT},
        later={"squeeze_excite": BoolParameter()},
        merit="residual blocks keep a deeper network easy to train",
    ),
    Family(
        name="MobileNet",
        template="mobilenet",
        opening="A mobile network",
        kinds=("image",),
        width=Range(4, 10, 128, 2),
        depth=Range(1, 2, 4),
        values={**_IMAGE, "expansion": 3, "kernel": 3, "squeeze_excite": False, "activation": "relu", "dropout": 0.1},
        options={"expansion": IntParameter(min=2, max=4), "activation": _ACTIVATION, "dropout": _DROPOUT},
        later={
            "squeeze_excite": BoolParameter(),
            "kernel": CategoricalParameter(values=(3, 5)),
            "activation": CategoricalParameter(values=("relu", "silu", "hardswish")),
        },
        merit="inverted residuals around depthwise convolutions get the most out of few parameters and FLOPs",
    ),
    Family(
        name="ConvNeXt",
        template="convnext",
        opening="A modern convolutional network",
        kinds=("image",),
        width=Range(8, 12, 128, 4),
        depth=Range(1, 2, 4),
        values={**_IMAGE, "expansion": 3, "kernel": 5, "activation": "gelu", "dropout": 0.1},
        options={"expansion": IntParameter(min=2, max=4), "kernel": CategoricalParameter(values=(3, 5, 7))},
        later={"activation": _ACTIVATION, "dropout": _DROPOUT},
        merit="large depthwise kernels and layer norm see far without mixing the examples of a batch",
    ),
    Family(
        name="periodic MLP",
        template="periodic_mlp",
        opening="A perceptron on periodic features",
        kinds=("tabular",),
        width=Range(8, 32, 512, 8),
        depth=Range(1, 2, 4),
        values={"frequencies": 12, "embedding": 12, "spread": 0.1, "activation": "relu", "dropout": 0.1},
        options={
            "spread": FloatParameter(min=0.05, max=1.0, log=True),
            "embedding": IntParameter(min=4, max=24, step=4),
            "dropout": _DROPOUT,
        },
        later={"frequencies": IntParameter(min=4, max=32, step=4), "activation": _ACTIVATION},
        merit="learned sines and cosines of each column let a perceptron see steps and bumps in numeric features",
    ),
    Family(
        name="residual MLP",
        template="residual_mlp",
        opening="A residual perceptron",
        kinds=("tabular", "image", "sequence"),
        width=Range(8, 24, 512, 8),
        depth=Range(1, 2, 6),
        values={"expansion": 2, "activation": "relu", "dropout": 0.1},
        options={"expansion": IntParameter(min=1, max=3), "dropout": _DROPOUT},
        later={"activation": _ACTIVATION},
        merit="residual blocks with layer norm start close to a linear model and add only what the data ask for",
    ),
    Family(
        name="MLP",
        template="mlp",
        opening="A multi-layer perceptron",
        kinds=("tabular", "image", "sequence"),
        width=Range(4, 16, 512, 4),
        depth=Range(1, 2, 4),
        values={"norm": True, "activation": "relu", "dropout": 0.1},
        options={"norm": BoolParameter(), "dropout": _DROPOUT},
        later={"activation": _ACTIVATION},
        merit="fully connected layers are the simplest network that can be right, and the quickest to run",
    ),
    Family(
        name="TCN",
        template="tcn",
        opening="A temporal convolutional network",
        kinds=("sequence", "text"),
        width=Range(8, 24, 256, 8),
        depth=Range(1, 6, 8),
        values={"kernel": 3, "activation": "relu", "dropout": 0.1},
        options={"kernel": IntParameter(min=2, max=5), "dropout": _DROPOUT},
        later={"activation": _ACTIVATION},
        merit="dilated convolutions reach far and handle all steps at once",
        positions=_STEPS,
    ),
    Family(
        name="GRU",
        template="gru",
        opening="A recurrent network",
        kinds=("sequence", "text"),
        width=Range(8, 24, 256, 8),
        depth=Range(1, 2, 3),
        values={"cell": "gru", "dropout": 0.1},
        options={"cell": CategoricalParameter(values=("gru", "lstm")), "dropout": _DROPOUT},
        merit="gated recurrence learns order from few examples and few parameters",
        positions=_STEPS,
        recurrent=True,
    ),
    Family(
        name="Transformer",
        template="transformer",
        opening="A small Transformer",
        kinds=("sequence", "text"),
        width=Range(8, 32, 256, 8),
        depth=Range(1, 3, 6),
        values={"heads": 4, "expansion": 2, "activation": "gelu", "dropout": 0.1},
        options={
            "heads": CategoricalParameter(values=(2, 4, 8)),
            "expansion": IntParameter(min=1, max=4),
            "dropout": _DROPOUT,
        },
        later={"activation": _ACTIVATION},
        merit="attention relates any two steps directly",
        positions=_STEPS,
    ),
    Family(
        name="GNN",
        template="gnn",
        opening="A graph neural network",
        kinds=("graph",),
        width=Range(8, 24, 256, 8),
        depth=Range(1, 3, 6),
        values={"layer": "mean", "activation": "relu", "dropout": 0.1},
        options={"layer": CategoricalParameter(values=("mean", "attention")), "dropout": _DROPOUT},
        later={"activation": _ACTIVATION},
        merit="nodes that gather from their neighbours see the structure, whatever the order they are listed in",
        positions=("node_classification",),
    ),
    Family(
        name="U-Net",
        template="unet",
        opening="A U-shaped network",
        kinds=("image",),
        width=Range(4, 8, 128, 2),
        depth=Range(1, 2, 4),
        values={"activation": "relu", "dropout": 0.1},
        options={"activation": _ACTIVATION, "dropout": _DROPOUT},
        merit="what coarse scales understand joins the detail of fine ones, so that borders stay sharp",
        positions=("segmentation",),
        pooled=False,
    ),
    Family(
        name="dilated CNN",
        template="dilated_cnn",
        opening="A dilated convolutional network",
        kinds=("image",),
        width=Range(4, 12, 128, 2),
        depth=Range(1, 3, 5),
        values={"kernel": 3, "activation": "relu", "dropout": 0.1},
        options={"activation": _ACTIVATION, "dropout": _DROPOUT},
        later={"kernel": CategoricalParameter(values=(3, 5))},
        merit="ever wider convolutions at full resolution lose no pixel on the way",
        positions=("segmentation",),
        pooled=False,
    ),
    Family(
        name="VAE",
        template="vae",
        opening="A variational autoencoder",
        kinds=("tabular", "image", "sequence"),
        width=Range(8, 64, 512, 8),
        depth=Range(1, 2, 4),
        values={"latent": 2, "beta": 1.0, "activation": "silu"},  # the latent is the contract's
        options={"activation": _ACTIVATION},
        merit="perceptrons squeeze an example into a code that draws can be made of",
        positions=("generation",),
        pooled=False,
        generative="autoencoder",
    ),
    Family(
        name="convolutional VAE",
        template="conv_vae",
        opening="A convolutional variational autoencoder",
        kinds=("image",),
        width=Range(4, 12, 128, 2),
        depth=Range(1, 2, 4),
        values={"latent": 2, "beta": 1.0, "activation": "silu"},
        options={"activation": _ACTIVATION},
        merit="convolutions squeeze an image into a code and know that neighbouring pixels belong together",
        positions=("generation",),
        pooled=False,
        generative="autoencoder",
    ),
    Family(
        name="RealNVP",
        template="flow",
        opening="A normalising flow",
        kinds=("tabular", "image", "sequence"),
        width=Range(8, 48, 512, 8),
        depth=Range(2, 6, 16, 2),
        values={"activation": "relu"},
        options={"activation": _ACTIVATION},
        merit="couplings can be undone, so that the likelihood of every example is known",
        positions=("generation",),
        pooled=False,
        generative="flow",
    ),
    Family(
        name="diffusion MLP",
        template="diffusion_mlp",
        opening="A diffusion perceptron",
        kinds=("tabular", "image", "sequence"),
        width=Range(8, 64, 512, 8),
        depth=Range(1, 3, 6),
        values={"activation": "silu"},
        options={"activation": _ACTIVATION},
        merit="a residual perceptron that removes noise step by step draws well from few examples",
        positions=("generation",),
        pooled=False,
        generative="diffusion",
    ),
    Family(
        name="diffusion U-Net",
        template="diffusion_unet",
        opening="A diffusion U-Net",
        kinds=("image",),
        width=Range(4, 12, 128, 2),
        depth=Range(1, 2, 4),
        values={"activation": "silu"},
        options={"activation": _ACTIVATION},
        merit="convolutions at several scales remove noise with an eye for what belongs together",
        positions=("generation",),
        pooled=False,
        generative="diffusion",
    ),
    Family(
        name="GAN",
        template="gan",
        opening="A generative adversarial pair",
        kinds=("tabular", "image", "sequence"),
        width=Range(8, 64, 512, 8),
        depth=Range(1, 2, 4),
        values={"latent": 2, "smoothing": 0.3, "activation": "silu"},  # the latent is the contract's
        options={"activation": _ACTIVATION},
        later={"smoothing": FloatParameter(min=0.05, max=1.0, log=True)},
        merit="two perceptrons play against each other, and what is drawn is as sharp as what was seen",
        positions=("generation",),
        pooled=False,
        generative="gan",
    ),
    Family(
        name="convolutional GAN",
        template="conv_gan",
        opening="A convolutional generative adversarial pair",
        kinds=("image",),
        width=Range(4, 12, 128, 2),
        depth=Range(1, 2, 4),
        values={"latent": 2, "smoothing": 0.3, "activation": "silu"},
        options={"activation": _ACTIVATION},
        later={"smoothing": FloatParameter(min=0.05, max=1.0, log=True)},
        merit="convolutions that draw play against convolutions that judge, neighbouring pixels together",
        positions=("generation",),
        pooled=False,
        generative="gan",
    ),
    Family(
        name="PixelCNN",
        template="pixel_cnn",
        opening="A pixel convolutional network",
        kinds=("image",),
        width=Range(8, 16, 128, 4),
        depth=Range(1, 3, 8),
        values={"kernel": 5, "components": 10},
        options={"kernel": CategoricalParameter(values=(3, 5, 7)), "components": IntParameter(min=4, max=20, step=2)},
        merit="convolutions that see only the pixels before say exactly how likely each next one is",
        positions=("generation",),
        pooled=False,
        generative="autoregressive",
    ),
    Family(
        name="MADE",
        template="made",
        opening="A masked perceptron",
        kinds=("tabular", "image", "sequence"),
        width=Range(8, 64, 512, 8),
        depth=Range(1, 2, 4),
        values={"components": 10, "activation": "silu"},
        options={"components": IntParameter(min=4, max=20, step=2), "activation": _ACTIVATION},
        merit="a masked perceptron says of every value at once how it is spread, given those before it",
        positions=("generation",),
        pooled=False,
        generative="autoregressive",
    ),
    Family(
        name="Deep Sets",
        template="deep_sets",
        opening="A network on sets",
        kinds=("sequence",),
        width=Range(8, 24, 256, 8),
        depth=Range(0, 1, 3),
        values={"activation": "relu", "dropout": 0.1},
        options={"activation": _ACTIVATION, "dropout": _DROPOUT},
        merit="elements are looked at one by one and pooled, so that their order cannot matter",
        blind_to=("elements",),
        special=True,
    ),
    Family(
        name="level CNN",
        template="level_cnn",
        opening="A level convolutional network",
        kinds=("image",),
        width=Range(8, 24, 256, 4),
        depth=Range(1, 3, 5),
        values={"activation": "relu", "dropout": 0.1},
        options={"activation": _ACTIVATION, "dropout": _DROPOUT},
        merit="without strides a shift by a pixel changes next to nothing",
        blind_to=("shift",),
        special=True,
    ),
    Family(
        name="graph network",
        template="graph_network",
        opening="A network on graphs",
        kinds=("image",),
        width=Range(8, 24, 256, 8),
        depth=Range(1, 2, 4),
        values={"activation": "relu", "dropout": 0.1},
        options={"activation": _ACTIVATION, "dropout": _DROPOUT},
        merit="messages along the edges, pooled over the nodes, are the same however the nodes are numbered",
        blind_to=("nodes",),
        special=True,
    ),
)


def family_named(name: str) -> Family | None:
    """The family that a proposal's name ("small CNN", "small CNN, round 2") stands for; None: not one of ours."""
    stem = name.split(",")[0].strip()
    return next((family for family in CATALOGUE if family.name == stem), None)


def family_of(source: str) -> Family | None:
    """The family that a source was written from, by its opening words; None: not one of ours."""
    return next((family for family in CATALOGUE if source.startswith(f'"""{family.opening}:')), None)
