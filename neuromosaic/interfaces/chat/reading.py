"""From what a person says to what they want: by rules, the same each time, and nothing is guessed.

Rules are tried in order; what none of them reads may still be words of a brief ("under 5k parameters").
"""

import re
from collections.abc import Callable
from typing import NamedTuple, cast, get_args

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import BriefError, RoleError
from neuromosaic.core.proposals import RoleName, Seat
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.interfaces.chat.wishes import (
    Amend,
    Export,
    GoOnFrom,
    Order,
    Question,
    Resize,
    Spend,
    Subject,
    Unclear,
    UseModel,
    Wish,
)
from neuromosaic.llm.offline.quantities import NUMBER, number
from neuromosaic.llm.offline.reading import read_brief
from neuromosaic.prompts.seats import named
from neuromosaic.workflows.own_loss import USUAL

Match = re.Match[str]

SEATS: dict[str, RoleName] = {
    r"(?:writing )?tests?|(?:test )?suites?|testing|test ?architect": "TestArchitect",
    r"networks?|architectures?|designs?|designing|proposals?|network ?architect": "NetworkArchitect",
    r"training|recipes?|trainer": "Trainer",
    r"metrics|judging|judgement": "Metrics",
    r"compute|planning": "Compute",
}
_FRACTIONS = {"half": 0.5, "a third": 1 / 3, "a quarter": 0.25, "a tenth": 0.1, "twice": 2.0, "double": 2.0}
_SIZED = {
    r"big|large|size|wide|parameters|small": "parameters", r"memory": "memory_mb",
    r"slow|latency": "latency_ms", r"compute|flops|expensive": "flops",
}  # fmt: skip
_SPANS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_PLEASE = re.compile(
    r"^(?:(?:please|ok(?:ay)?,?|now|and|then|could you|can you|let'?s|i(?:'d like| want| would like) (?:you )?to)"
    r"\s+)+(?=\w)|,?\s+please(?=[\s.?!]*$)",
    re.IGNORECASE,
)


class Rule(NamedTuple):
    """`reads` gives the wish of a match, or None where the words fit but say nothing."""

    pattern: re.Pattern[str]
    reads: Callable[[Match], Wish | None]


def read(text: str) -> Wish:
    """The wish in one message, without its slash commands."""
    said = " ".join(_PLEASE.sub("", text.strip()).rstrip(" .?!").split())
    for rule in RULES:
        match = rule.pattern.fullmatch(said)
        if match and (wish := rule.reads(match)) is not None:
            return wish
    return _amendment(text)


def _amendment(text: str) -> Wish:
    draft = read_brief(BriefInputs(sentence=text, known=Brief()))
    brief = draft.brief.model_copy(update={"sentence": ""})
    if brief == Brief():
        return Unclear(draft.not_understood or (text.strip(),))
    return Amend(brief, draft.not_understood)


def seat(word: str) -> RoleName:
    """A seat by what it works on, or what may be the name of a role of one's own. Raises BriefError."""
    for said, role in SEATS.items():
        if re.fullmatch(said, word, re.IGNORECASE):
            return role
    try:
        return named(word)
    except RoleError as error:
        raise BriefError(f"{error}; say tests, networks, training, metrics or compute") from None


# ---------------------------------------------------------------- the rules


def _rule(pattern: str, reads: Callable[[Match], Wish | None]) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), reads)


def _asks(subject: Subject, pattern: str) -> Rule:
    return _rule(pattern, lambda match: Question(subject))


def _why(match: Match) -> Wish:
    return Question("why", re.sub(r"^(?:the|a|an)\s+", "", match["about"].strip(), flags=re.IGNORECASE))


def _cut(match: Match) -> Wish:
    return Resize(0.5, _measured(match["what"]))  # type: ignore[arg-type]


def _how_much(match: Match) -> Wish:
    raise BriefError(
        f'How much {match["how"].lower()}? Say "make it half as big", "make it 30% faster", or a limit such as '
        '"under 5k parameters".'
    )


def _ordinal(match: Match) -> Wish:
    return GoOnFrom(str(_ORDINALS.index(match["which"].lower()) + 1))


def _named_factor(match: Match) -> Wish:
    factor = _FRACTIONS[match["factor"].lower()]
    return _resized(factor, match["what"])


def _times(match: Match) -> Wish:
    return _resized(number(match["n"], "the factor"), match["what"])


def _resized(factor: float, said: str) -> Wish:
    """ "Twice as small" and "twice as fast" turn the factor round."""
    if said.lower() in {"small", "fast", "quick"}:
        factor = 1 / factor
    return Resize(factor, _measured(said))  # type: ignore[arg-type]


def _less(match: Match) -> Wish:
    share = number(match["n"], "the share") / 100
    smaller = match["how"].lower() in {"smaller", "faster", "less", "cheaper", "lighter"}
    what = {"faster": "slow", "slower": "slow", "cheaper": "compute"}.get(match["how"].lower(), "big")
    return Resize(1 - share if smaller else 1 + share, _measured(what))  # type: ignore[arg-type]


def _measured(said: str) -> str:
    word = {"fast": "slow", "quick": "slow"}.get(said.lower(), said)
    return next(what for pattern, what in _SIZED.items() if re.fullmatch(pattern, word, re.IGNORECASE))


def _time(match: Match) -> Wish:
    amount = 1.0 if not match["n"] or match["n"].lower() in {"a", "an"} else number(match["n"], "the time")
    return Spend(seconds=amount * _SPANS[match["unit"][0].lower()])


def _trials(match: Match) -> Wish:
    return Spend(trials=int(number(match["n"], "trials")))


def _money(match: Match) -> Wish:
    return Spend(cost_usd=number(match["n"], "the cost"))


def _model(match: Match) -> Wish:
    word = match["seat"] or "all"
    return UseModel(match["model"], None if word.lower() in {"all", "everything", "everyone"} else seat(word))


_IT = r"(?:it|this|that|the (?:network|model|winner|best))"
_WHAT = r"(?P<what>big|size|large|small|wide|slow|fast|quick|expensive)"
_FIGURE = r"(?P<what>size|parameters|memory|latency|compute|flops)"
_SHOW = r"(?:show(?: me)?|list|what are|which are|what(?:'s| is)|how good are) (?:the |my |all )?"
_ENDED = (
    r"dropped|rejected|refused|not (?:chosen|certified|accepted)|out|fail(?:ed)?|lose|lost|gone|discarded|stopped|"
    r"chosen|win|won|picked|best"
)
_ORDERS = (
    _rule(
        r"yes|y|go|go (?:ahead|on)|start|begin|approved?|ok(?:ay)?|do it|run it|looks good|resume|continue|carry on",
        lambda _: Order("approve"),
    ),
    _rule(r"stop|stop it|halt|pause|enough|that'?s enough|finish now", lambda _: Order("stop")),
    _rule(r"undo|undo that|go back|take that back|back", lambda _: Order("undo")),
    _rule(
        r"(?:export|save|copy)(?: it| the (?:result|winner|network|model))?(?: to| into| in| as)? (?P<folder>\S+)",
        lambda match: Export(match["folder"]),
    ),
)
_QUESTIONS = (
    _rule(
        r"(?:why|what happened to|how come|reason for)\s+(?:was|were|is|did|has|have|not)?\s*"
        r"(?:you (?:drop|reject|refuse|choose|pick)\s+)?"
        r"(?P<about>.+?)"
        rf"(?:\s+(?:been\s+)?(?:{_ENDED}))?",
        _why,
    ),
    _asks("best", r"(?:what(?:'s| is| was)|which (?:one )?is|show(?: me)?) (?:the )?(?:best|winner|leader|result)"
                  r"(?: \w+)?(?: so far| yet| now)?"),
    _asks("best", r"(?:the )?best so far|who won|how (?:good|accurate|big|large|small|fast|slow) is it(?: now)?"),
    _asks("best", r"what(?:'s| is) (?:its|the) (?:accuracy|size|latency|speed|score|error)(?: now)?"),
    _asks("best", r"how many parameters (?:does|has) it (?:have)?"),
    _asks("status", r"(?:how(?:'s| is) it going|status|progress|how far (?:are you|is it)|are you done)"),
    _asks("status", r"what(?:'s| is) (?:the status|happening|going on)|what are you doing(?: now)?"),
    _asks("pareto", rf"{_SHOW}(?:candidates|pareto(?: set| front)?|results|trade-?offs|options)"),
    _asks("tests", rf"{_SHOW}(?:tests|test suite|suite)"),
    _asks("budget", r"how (?:much|long|many trials) .*(?:left|spent|costs?|takes?|taken|used|remains?)"),
    _asks("budget", rf"what did it cost|{_SHOW}(?:budget|cost)"),
    _asks("brief", rf"{_SHOW}brief|what (?:have|did) you underst(?:and|ood)"),
    _asks("diff", r"what(?:'s| has| is)? (?:changed|different|the difference)"),
    _asks("models", r"(?:which|what) models?.*|who designed .*"),
    _asks("help", r"help|what can (?:i|you) (?:say|do|understand)"),
)  # fmt: skip
_SIZES = (
    _rule(
        rf"(?:(?:make|get|keep|want|i want) {_IT} )?(?P<factor>{'|'.join(_FRACTIONS)})(?: as| the| of the| its)? "
        rf"{_WHAT}(?: again)?",
        _named_factor,
    ),
    _rule(rf"(?:make|get) {_IT} (?P<n>{NUMBER}) times (?:as |more )?{_WHAT}(?:er)?", _times),
    _rule(rf"(?P<factor>half|twice|double) (?:the|its) {_FIGURE}", _named_factor),
    _rule(
        rf"(?:make|get) {_IT} (?P<n>{NUMBER})\s*(?:%|percent) "
        r"(?P<how>smaller|bigger|larger|faster|slower|cheaper|lighter)",
        _less,
    ),
    _rule(rf"halve (?:the|its) {_FIGURE}", _cut),
    _rule(rf"(?:cut|reduce|shrink) (?:the|its) {_FIGURE} (?:by|in|to) half", _cut),
    _rule(r"(?:halve|shrink) (?:it|the (?:network|model))(?: by half)?", lambda _: Resize(0.5)),
    _rule(
        rf"(?:make|get) {_IT} (?:a bit |much |even )?(?P<how>smaller|bigger|larger|faster|slower|cheaper|lighter)",
        _how_much,
    ),
)
_EFFORTS = (
    _rule(
        r"(?:go on|continue|carry on|start|work|proceed)(?: on)? (?:from|with) (?:the )?"
        rf"(?P<which>{'|'.join(_ORDINALS)})(?: (?:candidate|one|network))?",
        _ordinal,
    ),
    _rule(
        r"(?:go on|continue|carry on|start|work|proceed|search)(?: on)? (?:from|with) (?:the )?"
        r"(?:(?:candidate|number|no\.?|#)\s*)?(?P<which>[\w.-]+)",
        lambda match: GoOnFrom(match["which"]),
    ),
    _rule(
        r"(?:spend|use|take|search|train|give it|go on|continue|work|add) (?:for )?(?:another )?"
        rf"(?P<n>{NUMBER}|an?)?\s*(?:more )?(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hours?)(?: more| longer)?",
        _time,
    ),
    _rule(
        rf"(?:another )(?P<n>{NUMBER}|an?)?\s*(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hours?)(?: more| longer)?",
        _time,
    ),
    _rule(
        rf"(?P<n>{NUMBER}|an?)\s*(?:more (?P<unit>secs?|seconds?|mins?|minutes?|hours?))(?: longer)?",
        _time,
    ),
    _rule(
        rf"(?P<n>{NUMBER}|an?)\s*(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hours?) (?:more|longer)",
        _time,
    ),
    _rule(
        rf"(?:(?:spend|use|do|try|run|add|give it|train) )?(?:for )?(?:another )?(?P<n>{NUMBER})\s*(?:more )?"
        r"(?:trials?|trainings?)(?: more)?",
        _trials,
    ),
    _rule(rf"(?:spend|use|pay) (?:up to )?\$(?P<n>{NUMBER})(?: more)?", _money),
    _rule(rf"(?:spend|use|pay) (?:up to )?(?P<n>{NUMBER}) (?:dollars?|usd)(?: more)?", _money),
)
_FOR = rf"(?: (?:for|as)(?: the)? (?P<seat>{'|'.join(SEATS)}|all|everything|everyone|[a-z][\w-]+))?"
_MODELS = (
    _rule(rf"(?:use|switch to|take)(?: the)?(?: model)? (?P<model>offline|scripted:\S+|[\w.-]+/\S+){_FOR}", _model),
    _rule(rf"(?:use|switch to|take)(?: the)? model (?P<model>\S+){_FOR}", _model),
)
_LOSSES = (
    _rule(
        r"(?:use|take|keep|train with|go back to) (?:the )?(?:usual|standard|normal|task'?s(?: own)?) loss(?: again)?"
        r"|(?:drop|remove|leave out|without) (?:the |that |this )?(?:own |proposed |custom )?loss",
        lambda _: Amend(Brief(loss=USUAL)),
    ),
)
RULES = (*_ORDERS, *_QUESTIONS, *_SIZES, *_EFFORTS, *_LOSSES, *_MODELS)


def role_named(name: str) -> RoleName:
    """A role by its own name or by what it works on. Raises BriefError."""
    return cast(RoleName, name) if name in get_args(Seat) else seat(name)
