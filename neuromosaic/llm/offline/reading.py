"""Reads a brief from a sentence, without a model.

Rules are tried in order; each takes the words that it understood out of the sentence, and what no rule took is told
back: nothing is guessed, and nothing silently ignored.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from neuromosaic.core.brief import Brief
from neuromosaic.core.brief_file import parse_brief
from neuromosaic.core.errors import BriefError
from neuromosaic.core.proposals import BriefDraft
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.llm.offline.reading_data import DATA_RULES
from neuromosaic.llm.offline.reading_limits import LIMIT_RULES
from neuromosaic.llm.offline.reading_rules import Facts, Rule
from neuromosaic.llm.offline.reading_series import SERIES_RULES, in_steps
from neuromosaic.llm.offline.wishes import WISH_RULES

TAKEN = "\x00"
"""Stands where a rule took words; ends a phrase."""

_SIGNS = {0xB5: "u", 0x3BC: "u", 0x2264: "<=", 0x2265: ">=", 0x2212: "-", 0xD7: "x", 0xA0: " ", 0x2019: "'", 0: " "}
"""Micro, at most, at least, minus, times, hard space, apostrophe; and nothing that looks like TAKEN."""

_FILLERS = """
a about above across all also among an and any are as at available be been being below best better between both
but by can could create data dataset datasets deep design do does each every example examples feed find fit fits
for from get give given gives good has have having i if in input inputs into is it its just keep kind less like
machine make maximum me minimum model models more most must my need needed needs net nets network networks
neural new no not of on one or our out output outputs over per please possible reach run running runs set shall
should so some such take takes task than that the their them then there these they this those to train trained
training under up us use using very via want wanted we what when where which while whose will with within
without would you your build building learn learns solve solves problem
"""
FILLERS = frozenset(_FILLERS.split())
"""Words that say nothing on their own."""

_TURNING = "above at below least less maximum minimum more most no not over under without"
EDGES = FILLERS - set(_TURNING.split())
"""Words that are cut off where a phrase starts or ends: all fillers but those that turn its meaning."""


def read_brief(inputs: BriefInputs) -> BriefDraft:
    """The sentence as a brief; what is already known wins.

    Raises BriefError where the sentence contradicts itself or names a negative quantity.
    """
    facts, rest = _read(_normalised(inputs.sentence))
    said, loose = _fields(in_steps(facts, timed=inputs.known.time is not None))
    known = inputs.known.model_dump(exclude_defaults=True)
    brief = parse_brief({**_over(said, known), "sentence": inputs.sentence or inputs.known.sentence}, "the sentence")
    return BriefDraft(
        brief=brief, not_understood=tuple(dict.fromkeys([*_phrases(rest), *loose])), questions=_questions(brief)
    )


def _normalised(sentence: str) -> str:
    """Signs in one spelling: the rules know no others."""
    return sentence.translate(_SIGNS)


# ---------------------------------------------------------------- applying the rules


def _read(text: str) -> tuple[Facts, str]:
    """What the rules found, and the text with their words taken out."""
    facts: Facts = {}
    for rule in (*SERIES_RULES, *WISH_RULES, *LIMIT_RULES, *DATA_RULES):
        text = _apply(rule, text, facts)
    return facts, text


def _apply(rule: Rule, text: str, facts: Facts) -> str:
    start = 0
    while match := rule.pattern.search(text, start):
        found = rule.reads(match) if match[0].strip() else None
        if found is None:
            start = max(match.end(), start + 1)
            continue
        _note(facts, found, rule.weak, match[0])
        text = text[: match.start()] + f" {TAKEN} " + text[match.end() :]
        start = match.start() + 3
    return text


def _note(facts: Facts, found: Facts, weak: bool, said: str) -> None:
    for name, value in found.items():
        if name in facts and facts[name] != value and not weak:
            what = name.rpartition(".")[2].replace("_", " ")
            raise BriefError(
                f"the sentence names two values for {what}, {facts[name]} and {value} (in {said.strip()!r}): keep one"
            )
        facts.setdefault(name, value)


# ---------------------------------------------------------------- from facts to fields


_IN_TURN_ANYWAY = ("language_modelling", "forecasting", "segmentation")
"""Tasks of which "autoregressive" and "pixel by pixel" say nothing new."""


def _fields(facts: Facts) -> tuple[dict[str, Any], list[str]]:
    """The brief as nested fields, and what was understood but has no place in it."""
    fields: dict[str, Any] = {}
    for path, value in facts.items():
        *parents, name = path.split(".")
        if path in Brief.model_fields or parents:
            _place(fields, parents, name, value)
    task = _task(facts)
    if task in _IN_TURN_ANYWAY:
        fields.pop("generative", None)
    shape, loose = _input(facts, task)
    fields |= {"task": task} if task else {}
    fields |= {"input": shape} if shape else {}
    fields |= {"output": {"shape": (outputs,)}} if (outputs := _outputs(facts, task)) else {}
    if "ahead" in facts and task != "forecasting":
        loose.append(f"{facts['ahead']} {facts['ahead unit'] or 'step'}s ahead (a forecast needs --time COLUMN)")
    return fields, loose


def _place(fields: dict[str, Any], parents: list[str], name: str, value: Any) -> None:
    for parent in parents:
        fields = fields.setdefault(parent, {})
    fields[name] = value


def _task(facts: Facts) -> str | None:
    """What was said, or what the outputs imply."""
    said: str | None = facts.get("task")
    if "classes" in facts and said == "regression":
        raise BriefError("the sentence asks for a regression and for classes: leave one out")
    implied = "classification" if "classes" in facts else "regression" if "targets" in facts else None
    return said or implied


def _input(facts: Facts, task: str | None) -> tuple[dict[str, Any] | None, list[str]]:
    if "size" in facts:
        channels = (facts["channels"],) if "channels" in facts else ()
        return {"shape": (*channels, *facts["size"])}, []
    if "past" in facts and task == "forecasting":
        return {"shape": (facts["past"],)}, []
    if "steps" in facts:
        return _sequence(facts, task)
    if "features" in facts:
        return {"shape": (facts["features"],)}, []
    return None, []


def _sequence(facts: Facts, task: str | None) -> tuple[dict[str, Any] | None, list[str]]:
    if task == "language_modelling":
        return {"shape": (facts["steps"],), "dtype": "int64", "upper": facts.get("vocabulary")}, []
    width = facts.get("channels", facts.get("features"))
    if task == "forecasting" and width is None:
        return {"shape": (facts["steps"],)}, []
    if width is None:
        return None, [f"{facts['steps']} steps without a number of channels"]
    return {"shape": (facts["steps"], width)}, []


def _outputs(facts: Facts, task: str | None) -> int | None:
    named: dict[str, tuple[str, ...]] = {
        "classification": ("classes",), "multi_label": ("labels", "classes"), "regression": ("targets",),
        "language_modelling": ("vocabulary",), "sequence_labelling": ("classes",), "segmentation": ("classes",),
        "forecasting": ("horizon",), "node_classification": ("classes",),
        "metric_learning": ("embedding",),
    }  # fmt: skip
    return next((facts[name] for name in named.get(task or "", ()) if name in facts), None)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, the second winning, table by table; a tensor is one value."""
    both = dict(below)
    for name, value in above.items():
        table = isinstance(value, dict) and name not in ("input", "output")
        both[name] = _over(below.get(name, {}), value) if table else value
    return both


# ---------------------------------------------------------------- what is left


def _phrases(rest: str) -> Iterator[str]:
    """The stretches between taken words and punctuation that hold a word of content."""
    for stretch in re.split(rf"[{TAKEN},;:!?()\n]|\.(?=\s|$)", rest):
        words = stretch.split()
        while words and _bare(words[0]) in EDGES:
            words = words[1:]
        while words and _bare(words[-1]) in EDGES:
            words = words[:-1]
        if any(_bare(word) not in FILLERS for word in words if _bare(word)):
            yield " ".join(words)


def _bare(word: str) -> str:
    return re.sub(r"[^\w$%]", "", word).lower()


def _questions(brief: Brief) -> tuple[str, ...]:
    return () if brief.data else ("Which data is it for? Name it with --data, or as `data:` in the brief.",)
