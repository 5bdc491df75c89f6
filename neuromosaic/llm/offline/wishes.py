"""Kinds of network that an engineer asks for by name: "a small transformer", "a CNN or a ResNet", "no recurrence"."""

import re

from neuromosaic.core.brief import Brief
from neuromosaic.llm.offline.reading_rules import Facts, Rule, rule

CONVOLUTIONAL = (
    "small CNN",
    "ResNet",
    "MobileNet",
    "ConvNeXt",
    "dilated CNN",
    "U-Net",
    "TCN",
    "convolutional VAE",
    "convolutional GAN",
    "PixelCNN",
    "diffusion U-Net",
)
_GRID = "(?:oil|temperature|load|station|fault|failure|winding)"
_TRANSFORMER = rf"(?<!power )(?<!electric )(?<!electrical )transformers?(?! {_GRID})"
"""Not the ones of a power grid."""
_KINDS: dict[str, tuple[str, ...]] = {
    r"cnns?|conv-?nets?|convolution(?:s|al)?": CONVOLUTIONAL,
    r"res-?nets?|residual convolution(?:s|al)?": ("ResNet",),
    r"mobile-?nets?|inverted bottlenecks?|depthwise(?: separable)? convolutions?": ("MobileNet",),
    r"convnexts?": ("ConvNeXt",),
    r"u-?nets?": ("U-Net", "diffusion U-Net"),
    r"residual mlps?|resmlps?": ("residual MLP",),
    r"mlps?|(?:multi-?layer )?perceptrons?|fully[ -]connected|feed-?forward|dense nets?": (
        "MLP", "residual MLP", "periodic MLP", "VAE", "diffusion MLP", "GAN", "MADE",
    ),
    r"tcns?|temporal convolution(?:s|al)?": ("TCN",),
    r"grus?|lstms?|rnns?|recurren(?:t|ce)": ("GRU",),
    rf"{_TRANSFORMER}|self-?attention|attention (?:network|model|layer|mechanism)s?": ("Transformer",),
    r"gnns?|gcns?|graph (?:neural )?net(?:work)?s?|message passing": ("GNN", "graph network"),
    r"deep ?sets?": ("Deep Sets",),
}  # fmt: skip
"""Words, longest meaning first, and the families that they may stand for."""
_NOT = r"(?:no|not|without|avoid(?:ing)?|never|instead of|rather than|don't use|do not use|nor)"
_SIZE = r"(?:small|tiny|compact|light-?weight|simple|little|plain|shallow|deep)"
_WISH = re.compile(
    rf"(?P<against>\b{_NOT}\s+(?:an?\s+|any\s+)?)?(?:\b{_SIZE}\s+)*\b(?P<kind>{'|'.join(_KINDS)})(?![\w-])"
    r"(?:\s+(?:neural\s+)?(?:net(?:work)?s?|models?|architectures?|layers?))?",
    re.IGNORECASE,
)


def _nothing_else(_: re.Match[str]) -> Facts:
    """What is asked for stays in the brief's sentence, where whoever proposes networks reads it."""
    return {}


WISH_RULES: tuple[Rule, ...] = (rule(_WISH.pattern, _nothing_else),)


def wished(brief: Brief) -> frozenset[str]:
    """The families that the words name; empty where they name none."""
    return _named(brief, against=False) - unwanted(brief)


def unwanted(brief: Brief) -> frozenset[str]:
    """The families that the words rule out."""
    return _named(brief, against=True)


def _named(brief: Brief, against: bool) -> frozenset[str]:
    found = _WISH.finditer(f"{brief.sentence} {brief.hints}")
    return frozenset(name for one in found if bool(one["against"]) == against for name in _families(one["kind"]))


def _families(said: str) -> tuple[str, ...]:
    return next(families for words, families in _KINDS.items() if re.fullmatch(words, said, re.IGNORECASE))
