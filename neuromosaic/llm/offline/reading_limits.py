"""What the offline reader understands of limits, metrics, budgets, devices and seeds."""

import re
from collections.abc import Mapping

from neuromosaic.core.errors import BriefError
from neuromosaic.llm.offline.quantities import NUMBER, number, whole
from neuromosaic.llm.offline.reading_rules import AFTER, BOUND, IS, Facts, Match, Rule, is_lower, rule

# ---------------------------------------------------------------- limits


def _limit(field: str, units: Mapping[str, float], names: str) -> list[Rule]:
    """ "under N UNIT" and "NAME under N UNIT", for an upper limit; a lower one says nothing that can be kept."""
    unit = "|".join(sorted(units, key=len, reverse=True))

    def reads(match: Match) -> Facts | None:
        if is_lower(match):
            return None
        value = number(match["n"], field) * units[_unit(match["unit"], units)]
        return {f"constraints.{field}": round(value, 9)}

    count = rf"{BOUND}(?P<n>{NUMBER})[\s-]*(?P<unit>{unit})\b"
    return [
        rule(rf"(?:{names}){IS}{count}{AFTER}", reads),
        rule(rf"{count}(?:\s+(?:of\s+)?(?:peak\s+)?(?:{names}))?{AFTER}", reads),
    ]


def _unit(said: str, units: Mapping[str, float]) -> str:
    return next(unit for unit in units if re.fullmatch(unit, said, re.IGNORECASE))


_PARAMETERS = r"(?:trainable |learnable |model )?(?:param(?:eter)?s?|weights)"


def _parameters(match: Match) -> Facts | None:
    if is_lower(match):
        return None
    return {"constraints.parameters": int(number(match["n"], "parameters"))}


PARAMETERS = [
    rule(rf"{BOUND}(?P<n>{NUMBER})[\s-]*{_PARAMETERS}\b{AFTER}", _parameters),
    rule(
        rf"(?:number of )?{_PARAMETERS}(?: count| budget| limit)?{IS}{BOUND}(?P<n>{NUMBER})"
        r"(?![\w.%]|\s*(?:ms|us|mb|kb|gb|%|percent|[kmgt]?flops|seconds|minutes|classes))",
        _parameters,
    ),
]

FLOPS = _limit(
    "flops",
    {
        r"k\s?flops?": 1e3, r"m\s?flops?": 1e6, r"g\s?flops?": 1e9, r"t\s?flops?": 1e12, r"flops?": 1.0,
        r"k\s?macs?": 2e3, r"m\s?macs?": 2e6, r"g\s?macs?": 2e9, r"macs?": 2.0,
    },
    r"flops?|macs?|operations|compute|computation",
)  # fmt: skip

MEMORY = _limit(
    "memory_mb",
    {
        "kb|kilobytes?": 1e-3, "mb|megabytes?": 1.0, "gb|gigabytes?": 1e3,
        "kib": 1024 / 1e6, "mib": 1024**2 / 1e6, "gib": 1024**3 / 1e6,
    },
    r"peak memory|memory|ram",
)  # fmt: skip


def _stored(match: Match) -> Facts | None:
    """Weights lie there as float32."""
    if is_lower(match):
        return None
    return {"constraints.parameters": int(number(match["n"], "flash") * _BYTES[match["scale"].lower()] / 4)}


_BYTES = {"k": 1e3, "ki": 1024, "m": 1e6, "mi": 1024**2, "g": 1e9, "gi": 1024**3}
_STORE = r"(?:flash|rom|storage|disk(?: space)?)"
STORAGE = [
    rule(
        rf"{BOUND}(?P<n>{NUMBER})\s*(?P<scale>[kmg]i?)b\s+(?:(?:of|on|in)\s+)?{_STORE}(?:\s+memory)?\b{AFTER}",
        _stored,
    )
]
"""Read before memory: what a network takes on the device's disk is its weights."""

_TIMES = {"us|usecs?|microseconds?": 1e-3, "ms|msecs?|milliseconds?": 1.0, "s|secs?|seconds?": 1e3}
_THINGS = (
    r"image|picture|photo|example|sample|row|sequence|input|item|prediction|inference|forward pass|call|step|text"
)
_EACH = rf"(?:\s*(?:per|an?|for each|for one|for an?|each|/)\s*(?:single )?(?:{_THINGS}))"
_BATCH = (
    rf"(?:\s*(?:per|for|at|with|on|in)?\s*(?:an? )?batch(?:es)?(?:[\s-]size)?{IS}(?P<batch>{NUMBER})"
    rf"(?:\s*(?:{_THINGS})s)?)"
)
_INFERENCE = r"(?:latency|inference(?: time)?|forward(?: pass| time)?|response time|prediction time)"


def _latency(match: Match) -> Facts | None:
    if is_lower(match):
        return None
    value = number(match["n"], "latency") * _TIMES[_unit(match["unit"], _TIMES)]
    facts: Facts = {"constraints.latency_ms": round(value, 9)}
    if match["batch"]:
        facts["constraints.latency_batch"] = whole(match["batch"], "batch")
    return facts


_SHORT_TIME = rf"{BOUND}(?P<n>{NUMBER})\s*(?P<unit>us|usecs?|microseconds?|ms|msecs?|milliseconds?)\b"
_ANY_TIME = rf"{BOUND}(?P<n>{NUMBER})\s*(?P<unit>{'|'.join(_TIMES)})\b"
LATENCY = [
    rule(
        rf"{_INFERENCE}(?:\s+(?:in|for))?{IS}{_ANY_TIME}(?:{_EACH}|{_BATCH}|(?P<none>))(?:\s*(?:latency))?", _latency
    ),
    rule(rf"{_SHORT_TIME}(?:\s*(?:of )?{_INFERENCE})?(?:{_BATCH}|{_EACH})?(?:\s*(?:of )?{_INFERENCE})?", _latency),
    rule(rf"{_ANY_TIME}(?:{_BATCH}|{_EACH})(?<!\s)", _latency),
    rule(rf"(?:{_BATCH})", lambda match: {"constraints.latency_batch": whole(match["batch"], "batch")}),
]

# ---------------------------------------------------------------- metrics

_METRICS = {
    r"balanced accuracy": "balanced_accuracy",
    r"(?:(?:test|validation|classification|top-1) )?(?:accuracy|accurate|acc|correct)": "accuracy",
    r"mean average precision|map": "mean_average_precision",
    r"(?:mean )?(?:iou|intersection over union)|miou": "mean_iou",
    r"pixel accuracy": "pixel_accuracy",
    r"subset accuracy": "subset_accuracy",
    r"(?:macro[- ])?f1(?:[- ]score)?": "macro_f1",
    r"(?:roc[- ])?auc|auroc": "auroc",
    r"log[- ]loss": "log_loss",
    r"reconstruction (?:rmse|error)": "reconstruction_rmse",
    r"energy distance": "energy_distance",
    r"coverage": "coverage",
    r"rmse|root mean squared? error": "rmse",
    r"mase|mean absolute scaled error": "mase",
    r"mae|mean absolute error": "mae",
    r"r2|r²|r\^2|r[- ]squared": "r2",
    r"bits per char(?:acter)?|bpc": "bits_per_character",
    r"perplexity": "perplexity",
    r"error(?: rate)?|misclassified": "error",
}
_SHARES = (
    "accuracy", "balanced_accuracy", "macro_f1", "auroc", "mean_average_precision", "subset_accuracy", "mean_iou",
    "pixel_accuracy", "r2", "error", "coverage",
)  # fmt: skip
_FEWER_IS_BETTER = (
    "log_loss", "rmse", "mae", "mase", "bits_per_character", "perplexity", "error", "reconstruction_rmse",
    "energy_distance",
)  # fmt: skip
METRIC_NAMES = tuple(_METRICS.values())
_METRIC = "|".join(_METRICS)
_VALUE = rf"(?P<n>{NUMBER})\s*(?P<percent>%|percent|per cent)?"


def _metric(match: Match) -> Facts | None:
    name = next(name for said, name in _METRICS.items() if re.fullmatch(said, match["metric"], re.IGNORECASE))
    wants_less = name in _FEWER_IS_BETTER
    if match["bound"] and is_lower(match) == wants_less:
        return None
    value = _share(number(match["n"], name), bool(match["percent"]), name, match[0])
    if name == "error":
        return {"constraints.metrics.accuracy": round(1 - value, 9)}
    return {f"constraints.metrics.{name}": value}


def _share(value: float, percent: bool, name: str, said: str) -> float:
    """Of one; a share written as 95 means percent."""
    if name not in _SHARES:
        return value
    share = value / 100 if percent or value > 1 else value
    if share > 1:
        raise BriefError(f"{name}: {said.strip()!r} is more than 100%; give a share that can be reached")
    return round(share, 9)


METRICS = [
    rule(rf"{BOUND}{_VALUE}\s*(?:in |of )?(?P<metric>{_METRIC})\b", _metric),
    rule(rf"(?P<metric>{_METRIC}){IS}{BOUND}{_VALUE}(?![\w.])", _metric),
]

# ---------------------------------------------------------------- budget, device, seed

_SPANS = {"s|secs?|seconds?": 1.0, "mins?|minutes?": 60.0, "h|hrs?|hours?": 3600.0, "days?": 86400.0}
_SPAN = rf"(?:{NUMBER}[\s-]*|\b(?:half an?|an?)\s+)(?:{'|'.join(_SPANS)})\b"
_ONE_SPAN = re.compile(rf"(?P<n>{NUMBER}|\b(?:half an?|an?)\b)[\s-]*(?P<unit>{'|'.join(_SPANS)})\b", re.IGNORECASE)


def _duration(match: Match) -> Facts | None:
    if is_lower(match):
        return None
    parts = (_seconds(part) for part in _ONE_SPAN.finditer(match["span"]))
    return {"budget.seconds": round(sum(parts), 6)}


def _seconds(part: Match) -> float:
    said = part["n"].lower()
    amount = 0.5 if said.startswith("half") else 1.0 if said in ("a", "an") else number(said, "time budget")
    return amount * _SPANS[_unit(part["unit"], _SPANS)]


def _trials(match: Match) -> Facts | None:
    return None if is_lower(match) else {"budget.trials": whole(match["n"], "trials")}


def _cost(match: Match) -> Facts | None:
    if is_lower(match):
        return None
    cents = (match["unit"] or "").lower().startswith("c")
    return {"budget.cost_usd": round(number(match["n"], "cost") / (100 if cents else 1), 9)}


_DEVICES = {
    r"cpus?": "cpu", r"gpus?|cuda|nvidia(?: gpu)?|graphics card": "cuda", r"mps|apple silicon|metal": "mps",
}  # fmt: skip


def _device(match: Match) -> Facts | None:
    return {"device": _DEVICES[_unit(match["device"], dict.fromkeys(_DEVICES, 0.0))]}


_SPENDING = r"(?:\b(?:time |training |search )?budget(?: of| is|:)?\s*|\b(?:in|for|within|take|takes|spend)\s+)?"
_MONEY = r"(?P<unit>usd|dollars?|\$|cents?|ct)"
BUDGET = [
    rule(
        rf"{_SPENDING}{BOUND}(?:{_SPENDING})(?P<span>{_SPAN}(?:\s*(?:and\s*)?{_SPAN})*)"
        r"(?:\s*(?:time )?budget|\s*at most)?",
        _duration,
    ),
    rule(rf"{_SPENDING}{BOUND}(?P<n>{NUMBER})\s*(?:trials?|trainings|experiments)\b{AFTER}", _trials),
    rule(rf"{_SPENDING}{BOUND}(?P<unit>\$)\s*(?P<n>{NUMBER}){AFTER}", _cost),
    rule(rf"{_SPENDING}{BOUND}(?P<n>{NUMBER})\s*{_MONEY}(?!\w){AFTER}", _cost),
    rule(rf"(?:random\s+)?seed{IS}(?P<n>{NUMBER})", lambda match: {"seed": whole(match["n"], "seed")}),
    rule(
        rf"(?:(?:on|for|using|with|via)\s+)?(?:(?:an?|the|this|my|one|single)\s+)*(?P<device>{'|'.join(_DEVICES)})\b"
        r"(?:\s+(?:core|thread|only))?",
        _device,
    ),
]

LIMIT_RULES = (*PARAMETERS, *FLOPS, *STORAGE, *MEMORY, *METRICS, *LATENCY, *BUDGET)
