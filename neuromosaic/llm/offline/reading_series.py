"""What the offline reader understands of a series to be forecast: how far ahead, from how far back, in what steps."""

from collections.abc import Callable

from neuromosaic.core.errors import BriefError
from neuromosaic.llm.offline.quantities import NUMBER, whole
from neuromosaic.llm.offline.reading_rules import OBJECT, THING, Facts, Match, Rule, rule

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORT = {"sec": "second", "min": "minute", "hr": "hour", "h": "hour"}
_UNIT = r"(?P<unit>seconds?|secs?|minutes?|mins?|hours?|hrs?|h|days?|weeks?|months?|quarters?|years?)"
_SPAN = rf"(?:{_UNIT}|(?:time[\s-]?)?(?:steps?|points?|values?|readings?|samples?|rows?))\b(?:'s?)?"
_N = rf"(?P<n>{NUMBER})[\s-]*"
_FORECAST = r"(?:forecast|foretell|project)\w*"
_SERIES = r"(?:\s+of\s+(?:an?\s+|the\s+)?(?:time[\s-]?)?series\b)?"
_LATEST = r"(?:the\s+)?(?:last|past|previous|preceding|latest)"
_FROM = r"\b(?:from|given|of|by|on|using|with|knowing)"


def _span(name: str, **also: object) -> Callable[[Match], Facts]:
    """A length by its number and unit; "the next day" is one."""

    def reads(match: Match) -> Facts:
        said = match.groupdict()
        unit = (said.get("unit") or "").lower().removesuffix("s")
        return {**also, name: whole(said["n"], name) if said["n"] else 1, f"{name} unit": _SHORT.get(unit, unit)}

    return reads


_AHEAD = _span("horizon", task="forecasting")
_PAST = _span("past")


def _tomorrow(_: Match) -> Facts:
    return {"task": "forecasting", "horizon": 1, "horizon unit": "day"}


SERIES_RULES: tuple[Rule, ...] = (
    rule(
        rf"\b{_FORECAST}(?:{OBJECT})??(?:\s+(?:for|of|in|over|during|across))?(?:\s+the)?\s+(?:next|coming|following)\s+"
        rf"(?:{_N})?{_SPAN}{_SERIES}",
        _AHEAD,
    ),
    rule(rf"\bpredict\w*(?:{OBJECT})??(?:\s+(?:for|of))?(?:\s+the)?\s+next\s+{_N}{_SPAN}{_SERIES}", _AHEAD),
    rule(rf"(?:\b{_FORECAST}(?:{OBJECT})?\s+)?{_N}{_SPAN}[\s-]+(?:ahead|in\s+advance|into\s+the\s+future)\b", _AHEAD),
    rule(
        rf"\b(?P<n>){_UNIT}[\s-]ahead(?:\s+{THING}){{0,2}}\s+forecast(?:s|ing|er)?\b(?:\s+(?:of|for){OBJECT})?",
        _AHEAD,
    ),
    rule(rf"\b{_FORECAST}\s+tomorrow(?:'s(?:\s+{THING}){{1,2}})?(?P<n>)", _tomorrow),
    rule(rf"\b(?:in|over|within|during)\s+the\s+(?:next|coming)\s+(?:{_N})?{_SPAN}", _span("ahead")),
    rule(rf"{_N}{_SPAN}[\s-]+forecast(?:s|ing|er)?\b(?:\s+(?:of|for){OBJECT})?", _AHEAD),
    rule(rf"\b(?:forecast(?:ing)?\s+)?horizon(?:\s*(?:of|is|=|:))?\s*{_N}(?:{_SPAN})?", _AHEAD),
    rule(rf"{_FROM}\s+{_LATEST}\s+(?:{_N})?{_SPAN}", _PAST),
    rule(rf"{_FROM}\s+{_LATEST}\s+(?P<n>{NUMBER})\b", lambda match: {"past": whole(match["n"], "past")}),
    rule(rf"\b(?:look(?:s|ing)?[\s-]?back|lags?)(?:\s+(?:of|over|at))?(?:\s+{_LATEST})?\s+{_N}(?:{_SPAN})?", _PAST),
    rule(rf"\b(?:history|window)\s+of\s+{_N}{_UNIT}\b", _PAST),
    rule(rf"(?:{_FROM}\s+)?{_N}{_UNIT}\s+of\s+(?:history|(?:the\s+)?past|context)\b", _PAST),
    rule(
        r"\b(?:time[\s-]?)?series\s+forecast(?:ing|s|er)?\b|\bforecast(?:s|ing)?\s+(?:an?\s+|the\s+|this\s+)?"
        rf"(?:{THING}\s+)?(?:time[\s-]?)?series\b",
        lambda _: {"task": "forecasting"},
    ),
    rule(rf"\bforecast(?:s|ing)?\b(?:\s+of\b)?(?:{OBJECT})?", lambda _: {"forecast": True}),
)
"""Read before all others: hours ahead are no budget."""


def in_steps(facts: Facts, timed: bool) -> Facts:
    """Past and horizon as numbers of steps, and in `step` the unit of time that each stands for, where one was said:
    the finer of two. A length without a unit is in the other's.

    `timed`: the data have a column of times. What happens "in the next 30 days" is then to be forecast; of other
    data, say of customers who leave, it is what a label means.
    Raises BriefError where two units have no whole ratio.
    """
    if timed and "ahead" in facts and facts.get("task", "regression") == "regression":
        facts = {"horizon": facts["ahead"], "horizon unit": facts["ahead unit"]} | facts | {"task": "forecasting"}
    if facts.pop("forecast", None) and not {"task", "classes"} & {*facts}:
        facts["task"] = "forecasting" if timed else "regression"
    units: Facts = {name: facts.pop(f"{name} unit", None) for name in ("past", "horizon") if name in facts}
    said = sorted({unit for unit in units.values() if unit}, key=_rank)
    if not said:
        return facts
    step, table = said[0], _table(said[0])
    if said[-1] not in table:
        raise BriefError(f"{said[0]}s and {said[-1]}s have no fixed ratio: say past and horizon in one unit")
    lengths = {name: facts[name] * table[unit or step] // table[step] for name, unit in units.items()}
    return {**facts, **lengths, "step": step}


def _rank(unit: str) -> tuple[bool, int]:
    return unit in MONTHS, _table(unit)[unit]


def _table(unit: str) -> dict[str, int]:
    return SECONDS if unit in SECONDS else MONTHS
