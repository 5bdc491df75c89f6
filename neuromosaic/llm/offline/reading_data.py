"""What the offline reader understands of the task and the data: sizes, channels, classes, and what they are about."""

from collections.abc import Callable

from neuromosaic.llm.offline.quantities import NUMBER, whole
from neuromosaic.llm.offline.reading_rules import OBJECT, THING, Facts, Match, Rule, rule

BUILTIN = ("digits", "iris", "wine", "breast_cancer", "diabetes")
"""The data sets that have a name of their own."""


def _count(name: str) -> Callable[[Match], Facts]:
    return lambda match: {name: whole(match["n"], name)}


def _says(**facts: object) -> Callable[[Match], Facts]:
    return lambda match: dict(facts)


def _size(match: Match) -> Facts | None:
    sizes = [int(size) for size in match.group("a", "b", "c") if size is not None]
    if 0 in sizes:
        return None
    if len(sizes) == 2:
        return {"size": (sizes[0], sizes[1])}
    first, second, third = sizes
    if third in (1, 3, 4) and first not in (1, 3, 4):  # channels last
        return {"size": (first, second), "channels": third}
    return {"size": (second, third), "channels": first}


_N = rf"(?P<n>{NUMBER})[\s-]*"
_LATENT = r"(?:latents?|bottleneck)(?:\s+(?:space|codes?|size|dim(?:ension)?s?|vectors?|variables?|units?))*"
_OF = r"(?:\s*(?:of|is|=|:))?\s*(?:length\s*)?"
_STEPS = r"(?:time[\s-]?)?(?:steps?|points?|samples|readings|frames|ticks)"
_IMAGES = r"(?:images?|pictures?|photos?|photographs?|scans?|thumbnails?|icons?)"

SIZES = [
    rule(
        rf"\b{_LATENT}(?:\s*(?:of|is|with|=|:))?\s*(?:size\s*|dimension\s*)?(?P<n>{NUMBER})"
        r"(?:\s*(?:numbers?|dim(?:ension)?s?|units?|variables?)\b)?",
        _count("latent"),
    ),
    rule(rf"{_N}(?:dim(?:ension(?:s|al)?)?\s+)?{_LATENT}", _count("latent")),
    rule(r"(?P<a>\d+)\s*(?:x|by)\s*(?P<b>\d+)(?:\s*(?:x|by)\s*(?P<c>\d+))?(?:[\s-]*(?:pixels?|px)\b)?", _size),
    rule(r"\brgba\b", _says(channels=4)),
    rule(r"\b(?:rgb|colou?r(?:ed)?)\b", _says(channels=3)),
    rule(
        r"\b(?:(?:grey|gray)(?:[\s-]?scale)?|monochrome|black[\s-]and[\s-]white|(?:single|one)[\s-]channel)\b",
        _says(channels=1),
    ),
    rule(
        rf"(?:context|history|window)(?:\s+(?:length|size))?{_OF}(?P<n>{NUMBER})\s*(?:characters?|chars?|tokens?)?",
        _count("steps"),
    ),
    rule(rf"{_N}(?:characters?|chars?|tokens?)\s+(?:of\s+)?(?:context|history|at (?:a time|once))", _count("steps")),
    rule(
        rf"(?:vocabulary|alphabet)(?:\s+size)?{_OF}(?P<n>{NUMBER})(?:\s*(?:characters?|symbols?|tokens?|words?))?",
        _count("vocabulary"),
    ),
    rule(
        rf"(?:sequences?|(?:time[\s-]?)?series|windows?|signals?|recordings?){_OF}(?P<n>{NUMBER})\s*(?:{_STEPS}\b)?",
        _count("steps"),
    ),
    rule(rf"{_N}(?:time[\s-]?steps?|steps?|frames|readings|time points?)(?:\s+(?:long|each))?", _count("steps")),
    rule(rf"{_N}channels?\b(?:\s+each)?", _count("channels")),
    rule(
        rf"{_N}(?:(?:numeric(?:al)?|input|real|continuous|physical|sensor)\s+)*"
        r"(?:features?|columns?|attributes?|variables?|measurements?|predictors?|inputs?|numbers|sensors?)\b"
        r"(?:\s+(?:each|per step|a step))?",
        _count("features"),
    ),
    rule(
        rf"{_N}(?:\w+\s+)?(?:class(?:es)?|categor(?:y|ies)|labels|groups|kinds|species|types|way)\b",
        _count("classes"),
    ),
    rule(rf"{_N}(?:tags|labels at once)\b", _count("labels")),
    rule(r"\b(?:binary|two-class)\b", _says(classes=2)),
    rule(rf"{_N}(?:real |continuous )?(?:targets?|outputs?|values)\b", _count("targets")),
]

_NAMES = "|".join(BUILTIN).replace("_", "[_ ]")
DATA = [
    rule(
        rf"(?:(?:on|from|in|with|using|of)\s+)?(?:the\s+)?(?P<name>{_NAMES})\s+data(?:[\s-]?set)?\b",
        lambda match: {"data": match["name"].lower().replace(" ", "_")},
    ),
    rule(
        r"(?:(?:on|from|in|with|using)\s+)?(?:the\s+)?(?:(?:data|file)\s*[:=]?\s*)?"
        r"(?P<file>[\w./~-]+\.(?:csv|parquet|npz|txt))\b(?:\s+data(?:[\s-]?set)?\b)?",
        lambda match: {"data": match["file"]},
    ),
    rule(
        r"(?:the\s+)?target(?:\s+column)?\s*(?:is|=|:)\s*[\"'`]?(?P<name>[\w-]+)[\"'`]?|"
        r"(?:the\s+)?(?:target\s+)?column\s+[\"'`](?P<quoted>[^\"'`]+)[\"'`]",
        lambda match: {"target": match["name"] or match["quoted"]},
    ),
]

SUBJECTS = [
    rule(
        rf"\b{_IMAGES}\b(?:\s+of(?:\s+(?:the|a|an))?(?:\s+{THING}){{1,4}})?",
        lambda match: {"kind": "image"},
    ),
    rule(r"\b(?:rows of a table|tables?|tabular(?: data)?|spreadsheets?)\b", _says(kind="tabular")),
    rule(r"\bgraphs?\b", _says(kind="graph")),
    rule(r"\b(?:time[\s-]?series|sequences?|signals?|recordings?)\b", _says(kind="sequence")),
]

_LANGUAGE = (
    r"(?:(?:(?:next[\s-])?(?:characters?|char|byte|letter|token|word)s?[\s-]*(?:level)?\s*)?language[\s-]+model(?:l?ing|l?er|s)?|"
    r"(?:characters?|char|byte|letter)(?:[\s-]level)?[\s-]+(?:lm|model(?:l?ing|s)?)|"
    r"(?:predict\w*|guess\w*)\s+(?:the\s+)?next\s+(?:character|char|letter|byte|token|word)|"
    r"next[\s-](?:character|char|letter|byte|token|word)\s+prediction|"
    r"(?:generat\w+|writ(?:e|es|ing))\s+(?:\w+\s+)?text(?:\s+like\s+(?:\w+)(?:'s)?)?|text\s+generation)"
)
_MULTI_LABEL = (
    r"(?:multi[\s-]?label(?:l?ed)?(?:\s+(?:classif(?:y|ier|ication)|problem|task))?|"
    r"(?:which|all|several)\s+(?:of\s+(?:the\s+)?)?(?:labels|tags)(?:\s+(?:apply|fit)(?:\s+to)?)?|"
    r"(?:assign|predict|give)\w*\s+(?:the\s+)?tags)"
)
_POSITIONS = {
    "node_classification": (
        r"node\s+classification|(?:classif\w+|label\w*|class(?:es)?\s+of)\s+(?:each|every|all|the)\s+nodes?"
        r"(?:\s+of\s+(?:the\s+|a\s+)?graphs?)?"
    ),
    "segmentation": (
        r"(?:semantic(?:ally)?\s+)?segment(?:s|ed|ing|ation)?|"
        r"(?:classif\w+|label\w*|class(?:es)?\s+of)\s+(?:each|every|all)\s+pixels?|per[\s-]pixel"
    ),
    "sequence_labelling": (
        r"sequence\s+(?:label(?:l?ing)?|tagging)|(?:classif\w+|label\w*|class(?:es)?\s+of|tag)\s+(?:each|every|all)\s+"
        r"(?:time[\s-]?)?steps?|(?:class|label)\s+(?:at|for)\s+(?:each|every)\s+(?:time[\s-]?)?step"
    ),
}
_GENERATE = (
    r"(?:generative(?:\s+(?:models?|networks?))?|(?:variational\s+|convolutional\s+)*auto[\s-]?encoders?|(?:beta-?)?vaes?)"
    r"(?:\s*\((?:a\s+)?(?:beta-?)?(?:vae|variational auto-?encoder)\))?"
)
_KIND = r"(?:\s+(?:generative\s+)?(?:models?|networks?|process(?:es)?))?"
_FLOW = (
    r"(?:normali[sz]ing\s+flows?|(?:masked\s+)?auto-?regressive\s+flows?|flow[\s-]based|real\s?nvp|"
    rf"density\s+estimat(?:ion|ors?)|densit(?:y|ies)){_KIND}"
)
_DIFFUSION = rf"(?:(?:denoising\s+)?diffusion|ddpms?|score[\s-]based){_KIND}"
_IN_TURN = (
    rf"(?:gated\s+)?pixel[\s-]?cnns?(?:\+\+)?{_KIND}|(?:(?:draw|mak|sampl)\w*\s+(?:{THING}\s+){{0,3}})?"
    r"(?:pixel|value|column)[\s-](?:by|after)[\s-](?:pixel|value|column)"
)
_AUTOREGRESSIVE = rf"auto[\s-]?regressi(?:ve(?:ly)?|on)(?!\s+flow)(?:\s+densit(?:y|ies)(?:\s+estimat\w+)?)?{_KIND}"
_GAN = (
    r"(?:(?:deep\s+|convolutional\s+)*(?:(?:DC|W)?-?GANs?|(?:generative\s+)?adversarial\s+(?:networks?|nets?|pairs?))"
    r"(?:\s+(?:models?|networks?))?)"
)
_ABOUT = (
    r"(?:\s*\((?:(?:an?\s+)?(?:dc|w)?gans?|ddpm|real\s?nvp|pixel[\s-]?cnn(?:\+\+)?|a normali[sz]ing flow)\))?"
    rf"(?:\s+(?:of|for)(?:\s*\x00)?(?:{OBJECT}))?"
)
_CLASSIFY = (
    r"(?:classif(?:y|ies|ying|ier|ication)|recogni[sz](?:e|es|ing)|recognition|categori[sz]\w+|identify(?:ing)?)"
)
_CLASS = r"(?:class|category|label|species|kind|type|digit|genre|diagnosis)"
_ESTIMATE = r"(?:forecast(?:s|ing)?|estimat(?:e|es|ing|ion))"
_PREDICT = rf"(?:predict(?:s|ing|ion)?|guess(?:es|ing)?|{_ESTIMATE})"
"""What is predicted may be a number or a class ("predict churn"): where the words do not tell, the data do."""
_SOME = r"(?:\s+[\w'-]+){0,4}?"
_QUANTITY = (
    r"(?:prices?|values?|costs?|amounts?|numbers?|counts?|rates?|levels?|ages?|weights?|heights?|temperatures?|sales|"
    r"revenues?|demand|consumption|durations?|distances?|speeds?|quantit(?:y|ies)|concentrations?)"
)


TASKS = [
    *(rule(rf"\b(?:{words})\b", _says(task=task)) for task, words in _POSITIONS.items()),
    rule(rf"\b{_MULTI_LABEL}\b", _says(task="multi_label")),
    rule(rf"\b{_LANGUAGE}\b(?:\s+(?:of|for)(?:\s+{THING}){{1,3}})?", _says(task="language_modelling")),
    rule(rf"\b{_GAN}(?![\w-]){_ABOUT}", _says(task="generation", generative="gan")),
    rule(
        rf"\b(?:{_IN_TURN}|{_AUTOREGRESSIVE})(?![\w-]){_ABOUT}",
        _says(task="generation", generative="autoregressive"),
        weak=True,
    ),
    rule(rf"\b{_FLOW}(?![\w-]){_ABOUT}", _says(task="generation", generative="flow")),
    rule(rf"\b{_DIFFUSION}(?![\w-]){_ABOUT}", _says(task="generation", generative="diffusion")),
    rule(
        rf"\b(?:(?:variational\s+|convolutional\s+)*auto[\s-]?encoders?|(?:beta-?)?vaes?)(?![\w-]){_ABOUT}",
        _says(task="generation", generative="autoencoder"),
    ),
    rule(rf"\b{_GENERATE}(?![\w-])(?:\s+(?:of|for)(?:\s*\x00)?(?:{OBJECT}))?", _says(task="generation")),
    rule(
        rf"{_N}dim(?:ension(?:s|al)?)?\s+embeddings?(?:\s+(?:network|model|space)s?)?(?:\s+(?:of|for)(?:{OBJECT}))?",
        lambda match: {"task": "metric_learning", "embedding": whole(match["n"], "embedding")},
    ),
    rule(
        rf"\b(?:metric\s+learning|similarity\s+(?:search|learning)|embeddings?(?:\s+(?:network|model|space)s?)?|"
        r"embed(?:s|ding)?)\b"
        rf"(?:\s+(?:(?:of|with|in)\s+)?(?P<n>{NUMBER})\s*dim(?:ension)?s?)?(?:\s+(?:of|for)?(?:{OBJECT}))?",
        lambda match: {
            "task": "metric_learning",
            **({"embedding": whole(match["n"], "embedding")} if match["n"] else {}),
        },
    ),
    rule(rf"\bgenerat(?:e|es|ing)\b(?:\s+new\b)?(?:{OBJECT})?", _says(task="generation"), weak=True),
    rule(rf"\b{_PREDICT}\s+(?:the\s+|which\s+|a\s+)?{_CLASS}\b(?:\s+of{OBJECT})?", _says(task="classification")),
    rule(rf"\b(?:tell apart|distinguish\w*){OBJECT}(?:\s+(?:and|from)\s+{THING})?", _says(task="classification")),
    rule(rf"\b{_CLASSIFY}\b(?:\s+of\b)?(?:{OBJECT})?", _says(task="classification")),
    rule(r"\bregress(?:ion|or|ing)?\b(?:\s+(?:of|on)\b)?(?:\s+problem|\s+task)?", _says(task="regression")),
    rule(rf"\b{_ESTIMATE}\b(?:\s+of\b)?(?:{OBJECT})?", _says(task="regression"), weak=True),
    rule(rf"\b{_PREDICT}\b(?:\s+of\b)?(?={_SOME}\s+{_QUANTITY}\b)(?:{OBJECT})?", _says(task="regression"), weak=True),
    rule(rf"\b{_PREDICT}\b(?:\s+of\b)?(?:{OBJECT})?", _says()),
    rule(r"\btag(?:s|ging)?\b", _says(task="multi_label"), weak=True),
]

DATA_RULES: tuple[Rule, ...] = (*TASKS[: len(_POSITIONS)], *SIZES, *DATA, *SUBJECTS, *TASKS)
