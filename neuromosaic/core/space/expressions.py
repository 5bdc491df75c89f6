"""Constraints written as text: a small part of Python's expressions, read by us and never handed to `eval`."""

import ast
import math
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.spelling import suggest

LONGEST = 2_000
DEEPEST = 100
WIDEST_POWER = 4096  # bits of a power's result: what keeps 9**9**9 from taking the machine


class Dialect(NamedTuple):
    """What differs between one point's values and columns of them."""

    every: Callable[[Iterable[Any]], Any]
    some: Callable[[Iterable[Any]], Any]
    opposite: Callable[[Any], Any]
    choose: Callable[[Any, Callable[[], Any], Callable[[], Any]], Any]
    number: Callable[[Any], Any]
    power: Callable[[Any, Any], Any]
    functions: Mapping[str, Callable[..., Any]]


def number(value: Any) -> Any:
    if isinstance(value, str):
        raise TypeError(f"text {value!r} has no arithmetic")
    return value


def power(base: Any, exponent: Any) -> Any:
    """`base ** exponent`. Raises OverflowError beyond 4,096 bits, ValueError where the result is not real."""
    if abs(exponent) * max(1, math.frexp(base)[1]) > WIDEST_POWER:
        raise OverflowError(f"{base} ** {exponent} is too large")
    result = base**exponent
    if isinstance(result, complex):
        raise ValueError(f"{base} ** {exponent} is not real")
    return result


SCALARS = Dialect(
    every=all,
    some=any,
    opposite=operator.not_,
    choose=lambda test, then, otherwise: then() if test else otherwise(),
    number=number,
    power=power,
    functions={"abs": abs, "min": min, "max": max, "sqrt": math.sqrt, "log2": math.log2},
)
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


def parse_expression(text: str, known: Collection[str], path: str = "constraint") -> ast.expr:
    """The tree of a condition over the `known` names, every node of it allowed.

    Allowed are names (also as `x["name"]`, the form of a lambda's body), numbers, text, True and False,
    `+ - * / // % **`, comparisons (chained, too), `in` and `not in` a written-out list, `and`, `or`, `not`,
    `a if test else b`, and the functions abs, min, max, sqrt, log2. Raises SpaceError with `path`.
    """
    if len(text) > LONGEST:
        raise SpaceError(f"{path}: {len(text)} characters, at most {LONGEST} can be read")
    try:
        tree: ast.expr = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = f", column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise SpaceError(f"{path}: {text!r} is no expression{column}: {getattr(error, 'msg', error)}") from None
    reader = _Reader(text, known, path)
    tree = reader.read(_body(tree), 0)
    if not is_condition(tree):
        raise SpaceError(f"{path}: {text!r} is no condition: compare it with something")
    return tree


def _body(tree: ast.expr) -> ast.expr:
    """The body of `lambda x: ...`, so that a lambda's source can be pasted as it is."""
    return tree.body if isinstance(tree, ast.Lambda) and len(tree.args.args) == 1 else tree


def is_condition(tree: ast.expr) -> bool:
    """Whether the expression says true or false; a bare name is taken for a bool parameter's."""
    if isinstance(tree, ast.IfExp):
        return is_condition(tree.body) and is_condition(tree.orelse)
    if isinstance(tree, ast.BoolOp):
        return all(is_condition(part) for part in tree.values)
    negated = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    literal = isinstance(tree, ast.Constant) and isinstance(tree.value, bool)
    return negated or literal or isinstance(tree, (ast.Compare, ast.Name))


class _Reader:
    """Walks a tree once, refusing what is not allowed, and turns `x["name"]` into the name."""

    def __init__(self, text: str, known: Collection[str], path: str) -> None:
        self._text, self._known, self._path = text, known, path

    def read(self, node: ast.expr, depth: int) -> ast.expr:
        if depth > DEEPEST:
            raise SpaceError(f"{self._path}: nested more than {DEEPEST} deep")
        if isinstance(node, ast.Subscript):
            node = self._subscript(node)
        self._allow(node)
        parts = [field for field in ast.iter_fields(node) if field[0] not in ("func", "op", "ops", "ctx")]
        for field, value in parts:
            if isinstance(value, ast.expr):
                setattr(node, field, self.read(value, depth + 1))
            elif isinstance(value, list):
                setattr(node, field, [self.read(item, depth + 1) for item in value])
        return node

    def _subscript(self, node: ast.Subscript) -> ast.Name:
        if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)):
            raise self._fault(node, 'must be a name: x["name"]')
        return ast.copy_location(ast.Name(node.slice.value, ast.Load()), node)

    def _allow(self, node: ast.expr) -> None:
        if isinstance(node, (ast.BoolOp, ast.IfExp, ast.Tuple, ast.List, ast.Set)):
            return
        check = self._checks().get(type(node))
        if check is None:
            raise self._fault(node, "is not allowed in a constraint")
        check(node)

    def _checks(self) -> dict[type[ast.expr], Callable[[Any], None]]:
        return {
            ast.Name: self._allow_name,
            ast.Constant: self._allow_constant,
            ast.BinOp: self._allow_operator,
            ast.UnaryOp: self._allow_operator,
            ast.Compare: self._allow_comparison,
            ast.Call: self._allow_call,
        }

    def _allow_name(self, node: ast.Name) -> None:
        if node.id not in self._known:
            raise self._fault(node, f"is no parameter{suggest(node.id, self._known)}")

    def _allow_constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, (bool, int, float, str)):
            raise self._fault(node, "is no number, text or bool")

    def _allow_operator(self, node: ast.BinOp | ast.UnaryOp) -> None:
        if type(node.op) not in {*ARITHMETIC, *SIGNS, ast.Pow, ast.Not}:
            raise self._fault(node, "uses an operator that constraints do not have")

    def _allow_comparison(self, node: ast.Compare) -> None:
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, (ast.In, ast.NotIn)):
                if not isinstance(right, (ast.Tuple, ast.List, ast.Set)):
                    raise self._fault(right, "must be a written-out list after `in`")
            elif type(op) not in COMPARISONS:
                raise self._fault(node, "uses an operator that constraints do not have")

    def _allow_call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in SCALARS.functions:
            raise self._fault(node, f"calls what is no function here{suggest(name, SCALARS.functions)}")
        several = name in ("min", "max")
        if node.keywords or (len(node.args) < 2 if several else len(node.args) != 1):
            raise self._fault(node, f"needs {'two values or more' if several else 'one value'}, in plain order")

    def _fault(self, node: ast.expr, what: str) -> SpaceError:
        return SpaceError(f"{self._path}: {ast.unparse(node)!r} {what}, in {self._text!r}")


def names_in(tree: ast.expr) -> frozenset[str]:
    """The parameters that an allowed tree reads."""
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions)


def evaluate(node: ast.expr, values: Mapping[str, Any], dialect: Dialect = SCALARS) -> Any:
    """The value of an allowed tree. Raises what the arithmetic raises (ZeroDivisionError, TypeError, ...)."""
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    return _MEANINGS[type(node)](node, lambda part: evaluate(part, values, dialect), dialect)


ValueOf = Callable[[ast.expr], Any]


def _binary(node: ast.BinOp, value: ValueOf, dialect: Dialect) -> Any:
    function = dialect.power if isinstance(node.op, ast.Pow) else ARITHMETIC[type(node.op)]
    return function(dialect.number(value(node.left)), dialect.number(value(node.right)))


def _unary(node: ast.UnaryOp, value: ValueOf, dialect: Dialect) -> Any:
    if isinstance(node.op, ast.Not):
        return dialect.opposite(value(node.operand))
    return SIGNS[type(node.op)](dialect.number(value(node.operand)))


def _comparison(node: ast.Compare, value: ValueOf, dialect: Dialect) -> Any:
    return dialect.every(_links(node, value, dialect))


def _connection(node: ast.BoolOp, value: ValueOf, dialect: Dialect) -> Any:
    together = dialect.every if isinstance(node.op, ast.And) else dialect.some
    return together(value(part) for part in node.values)


def _choice(node: ast.IfExp, value: ValueOf, dialect: Dialect) -> Any:
    return dialect.choose(value(node.test), lambda: value(node.body), lambda: value(node.orelse))


def _call(node: ast.Call, value: ValueOf, dialect: Dialect) -> Any:
    arguments = [dialect.number(value(argument)) for argument in node.args]
    return dialect.functions[getattr(node.func, "id", "")](*arguments)


_MEANINGS: dict[type[ast.expr], Callable[[Any, ValueOf, Dialect], Any]] = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _comparison,
    ast.BoolOp: _connection,
    ast.IfExp: _choice,
    ast.Call: _call,
}


def _links(node: ast.Compare, value: ValueOf, dialect: Dialect) -> Iterator[Any]:
    """The single comparisons of `a < b <= c`, each operand evaluated once."""
    left = value(node.left)
    for op, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, (ast.In, ast.NotIn)):
            here = left
            among = dialect.some(here == value(item) for item in getattr(right, "elts", ()))
            yield dialect.opposite(among) if isinstance(op, ast.NotIn) else among
            continue
        here, left = left, value(right)
        yield COMPARISONS[type(op)](here, left)


def magnitude(node: ast.AST, largest: Mapping[str, float]) -> float:
    """An upper bound of every number on the way to the result, from the `largest` size of each name's values."""
    inner = [magnitude(part, largest) for part in ast.iter_child_nodes(node)]
    match node:
        case ast.Name(id=name):
            return largest.get(name, 0.0)
        case ast.Constant(value=bool() | str()):
            return 1.0
        case ast.Constant(value=int() | float() as constant):
            return float(min(abs(constant), 1e300))
        case ast.BinOp(op=ast.Mult()):
            return max(inner[0] * inner[2], *inner)
        case ast.BinOp(op=ast.Pow()):
            return math.inf
        case ast.BinOp():
            return inner[0] + inner[2]
    return max(inner, default=0.0)
