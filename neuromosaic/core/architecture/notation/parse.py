"""Text to data, with line and column in every error."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from neuromosaic.core.architecture.notation.template import Template
from neuromosaic.core.architecture.notation.tree import (
    Choice,
    Flow,
    Hole,
    Item,
    Line,
    Optional,
    Repeat,
    Step,
    Tree,
    Value,
)  # fmt: skip
from neuromosaic.core.architecture.operation import find
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.errors import ArchitectureError
from neuromosaic.core.space.parameters import (
    BoolParameter,
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    Scalar,
)  # fmt: skip

_TOKEN = re.compile(
    r"(?P<space>[ \t]+|#[^\n]*)|(?P<number>-?\d+(\.\d+)?([eE][+-]?\d+)?)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<mark>\.\.|[\[\](){}<>=,:?|*])|(?P<line>\n)"
)


class Token(NamedTuple):
    kind: str
    text: str
    line: int
    column: int


def parse_spec(text: str) -> ArchitectureSpec:
    """Raises ArchitectureError with line and column, or the path of the fault."""
    template = parse_template(text)
    if template.parameters:
        raise ArchitectureError(
            f"a spec leaves nothing open, but {', '.join(template.parameters)} is: fill a template"
        )
    return template.fill({})


def parse_template(text: str) -> Template:
    """Raises ArchitectureError with line and column."""
    return Template(_Parser(text).tree())


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at = 0

    # ------------------------------------------------ lines

    def tree(self) -> Tree:
        inputs: list[Input] = []
        lines: list[Line] = []
        outputs: tuple[str, ...] = ()
        while self.next.kind != "end":
            if self.accept("line"):
                continue
            if self.next.text == "input" and self.after.kind == "word":
                inputs.append(self.input())
            elif self.next.text == "output" and self.after.kind == "word":
                self.take()
                outputs = self.names()
            else:
                lines.append(self.labelled())
            if self.next.kind not in ("line", "end"):
                self.fail("the end of the line or '>' is expected")
        return Tree(tuple(inputs), tuple(lines), outputs)

    def input(self) -> Input:
        self.take()
        name = self.word()
        self.expect("[")
        shape = [self.whole()]
        while self.accept_text(","):
            shape.append(self.whole())
        self.expect("]")
        below = self.whole() if self.accept_text("below") else None
        return Input(name, tuple(shape), below)

    def labelled(self) -> Line:
        label = self.word() if self.next.kind == "word" and self.after.text == ":" else None
        if label:
            self.take()
        return Line(self.flow(), label)

    # ------------------------------------------------ flows

    def flow(self) -> Flow:
        items = [self.item()]
        while self.accept_text(">"):
            while self.accept("line"):
                pass
            items.append(self.item())
        return tuple(items)

    def item(self) -> Item:
        if self.next.kind == "number":
            return self.repeat(self.whole())
        if self.next.text == "{":
            return self.braces()
        return self.step()

    def repeat(self, times: int | Hole) -> Repeat:
        self.expect("*")
        self.expect("(")
        flow = self.flow()
        self.expect(")")
        return Repeat(times, flow)

    def braces(self) -> Item:
        """A choice, a layer to leave out, or the number of repeats."""
        start = self.at
        self.take()
        name = self.word() if self.next.kind == "word" else None
        if name and self.accept_text("?"):
            flow = self.flow()
            self.expect("}")
            return Optional(name, flow)
        if name and self.accept_text(":") and (self.next.kind != "number" or self.after.text == "*"):
            flows = [self.flow()]
            while self.accept_text("|"):
                flows.append(self.flow())
            self.expect("}")
            return Choice(name, tuple(flows))
        self.at = start
        return self.repeat(self.hole())

    def step(self) -> Step:
        name = self.word() if self.after.text == "=" else None
        if name:
            self.take()
        token = self.next
        kind = self.word()
        try:
            fields = list(find(kind).fields)
        except ArchitectureError as error:
            raise _at(token, str(error)) from None
        sources = None
        if self.accept_text("["):
            sources = self.names()
            self.expect("]")
        config = self.arguments(kind, fields) if self.accept_text("(") else ()
        return Step(kind, config, name, sources)

    def arguments(self, kind: str, fields: list[str]) -> tuple[tuple[str, Value], ...]:
        config: dict[str, Value] = {}
        while not self.accept_text(")"):
            token = self.next
            named = self.after.text == "="
            if not named and len(config) >= len(fields):
                raise _at(token, f"{kind} has {len(fields)} field(s)")
            field = self.word() if named else fields[len(config)]
            if named:
                self.take()
            if field in config:
                raise _at(token, f"{field} is told twice")
            value = self.value()
            self.checked(token, kind, field, value)
            config[field] = value
            if self.next.text != ")":
                self.expect(",")
        return tuple(config.items())

    def checked(self, token: Token, kind: str, field: str, value: Value) -> None:
        if isinstance(value, Hole) and field in find(kind).fields:
            return
        known = find(kind).fields
        if field not in known:
            raise _at(token, f"{kind} has no field {field!r}; known are {', '.join(known) or 'none'}")
        if fault := known[field].fault(value):
            raise _at(token, f"{field} {fault}")

    # ------------------------------------------------ values

    def value(self) -> Value:
        return self.hole() if self.next.text == "{" else self.scalar()

    def hole(self) -> Hole:
        self.expect("{")
        name = None
        if self.next.kind == "word" and self.after.text in (":", "}"):
            name = self.word()
            if self.accept_text("}"):
                return Hole(name, None)
            self.take()
        token = self.next
        try:
            domain = self.domain()
        except ValueError as error:
            raise _at(token, re.sub(r"\s+", " ", str(error))) from None
        self.expect("}")
        return Hole(name, domain)

    def domain(self) -> Parameter:
        first = self.scalar()
        if self.accept_text(".."):
            return self.extent(first, self.scalar())
        values = [first]
        while self.accept_text(","):
            values.append(self.scalar())
        if values in ([False, True], [True, False]) and all(isinstance(value, bool) for value in values):
            return BoolParameter()
        return CategoricalParameter(values=tuple(values))

    def extent(self, low: Scalar, high: Scalar) -> Parameter:
        step = self.whole() if self.accept_text("step") else 1
        log = self.accept_text("log")
        if type(low) is int and type(high) is int:
            return IntParameter(min=low, max=high, step=step, log=log)
        if isinstance(low, (bool, str)) or isinstance(high, (bool, str)) or step != 1:
            self.fail("a range goes from number to number, with a step between whole ones only")
        return FloatParameter(min=low, max=high, log=log)

    def scalar(self) -> Scalar:
        token = self.take()
        if token.kind == "word":
            return {"true": True, "false": False}.get(token.text, token.text)
        if token.kind != "number":
            raise _at(token, f"a value is expected, not {_shown(token)}")
        return int(token.text) if re.fullmatch(r"-?\d+", token.text) else float(token.text)

    # ------------------------------------------------ tokens

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    @property
    def after(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.next
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def accept(self, kind: str) -> bool:
        return self.next.kind == kind and bool(self.take())

    def accept_text(self, text: str) -> bool:
        return self.next.text == text and bool(self.take())

    def expect(self, mark: str) -> None:
        if not self.accept_text(mark):
            self.fail(f"{mark!r} is expected")

    def word(self) -> str:
        if self.next.kind != "word":
            self.fail("a name is expected")
        return self.take().text

    def whole(self) -> int:
        if not re.fullmatch(r"\d+", self.next.text):
            self.fail("a whole number is expected")
        return int(self.take().text)

    def names(self) -> tuple[str, ...]:
        found = [self.word()]
        while self.accept_text(","):
            found.append(self.word())
        return tuple(found)

    def fail(self, message: str) -> None:
        raise _at(self.next, f"{message}, not {_shown(self.next)}")


def _tokens(text: str) -> Iterator[Token]:
    at, line, start = 0, 1, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        here = Token("mark", text[at], line, at - start + 1)
        if match is None:
            raise _at(here, f"{text[at]!r} has no meaning here")
        if match.lastgroup != "space":
            yield here._replace(kind=str(match.lastgroup), text=match.group())
        at = match.end()
        if match.lastgroup == "line":
            line, start = line + 1, at
    yield Token("end", "", line, at - start + 1)


def _shown(token: Token) -> str:
    return {"end": "the end", "line": "the end of the line"}.get(token.kind, repr(token.text))


def _at(token: Token, message: str) -> ArchitectureError:
    return ArchitectureError(message, f"line {token.line}, column {token.column}")
