"""The source of a condition, and the last value of each of its parts."""

import ast
import functools
import inspect
import linecache
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LONGEST_VALUE = 500
"""Characters of one value."""
Node = ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef


def shortened(value: Any) -> str:
    """A value as a line of a failure's text; a text as it is."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception as error:  # noqa: BLE001 - a value that cannot be shown must not hide what failed
        text = f"a {type(value).__name__} that cannot be shown: {type(error).__name__}"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text):,} characters)"


@dataclass
class Explanation:
    """A condition whose parts can be named.

    Attributes:
        check: does what the condition does, and keeps what its parts were. The condition itself where its source
            cannot be had.
    """

    check: Callable[[], Any]
    source: str
    place: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, check: Callable[[], Any]) -> "Explanation":
        """Of any callable; one without source is named by what it is."""
        function = getattr(check, "__func__", check)
        if not isinstance(function, types.FunctionType) or (node := _node_of(function)) is None:
            return cls(check, _name_of(check))
        code = function.__code__
        place = f"{Path(code.co_filename).name}:{code.co_firstlineno}"
        explanation = cls(check, ast.unparse(node.body) if isinstance(node, ast.Lambda) else function.__name__, place)
        try:
            asking = _rebuilt(function, node, explanation.values)
        except SyntaxError:  # `nonlocal` has no meaning in a copy
            return explanation
        owner = getattr(check, "__self__", None)
        explanation.check = asking if owner is None else types.MethodType(asking, owner)
        return explanation

    def text(self, answer: str) -> str:
        """What was asked, where, and what was found."""
        where = f" ({self.place})" if self.place else ""
        shown = {part: shortened(value) for part, value in self.values.items()}
        parts = [f"    {part} = {value}" for part, value in shown.items() if part != value]
        return "\n".join([f"{self.source}{where}", *parts, f"    {answer}"])


def _name_of(check: Callable[[], Any]) -> str:
    if isinstance(check, functools.partial):
        arguments = [*map(shortened, check.args), *(f"{key}={shortened(each)}" for key, each in check.keywords.items())]
        return f"{_name_of(check.func)}({', '.join(arguments)})"
    return getattr(check, "__qualname__", None) or repr(check)


def _node_of(function: types.FunctionType) -> Node | None:
    """Where the function stands in its file. Two lambdas in one line differ by their columns."""
    code = function.__code__
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return None
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, Node)
        and min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))]) == code.co_firstlineno
        and getattr(node, "name", "<lambda>") == code.co_name
    ]
    if len(found) > 1:
        begin = min((line, column) for line, _, column, _ in _positions(code))
        lambdas = [node for node in found if isinstance(node, ast.Lambda)]
        return [node for node in lambdas if begin >= _start(node.body)][-1] if lambdas else None
    return found[0] if found else None


def _positions(code: types.CodeType) -> list[tuple[int, int, int, int]]:
    given = [each for each in code.co_positions() if None not in each]
    return [each for each in given if each[0:2] != each[2:4] and (each[2], each[3]) != (0, 0)]  # type: ignore[misc]


def _start(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _rebuilt(function: types.FunctionType, node: Node, values: dict[str, Any]) -> Callable[[], Any]:
    """The same function, which writes down what the parts of its answers were."""

    def seen(part: str, value: Any) -> Any:
        values[part] = value
        return value

    node.args.defaults = [ast.Constant(None) for _ in node.args.defaults]  # the real ones are taken over below
    node.args.kw_defaults = [each and ast.Constant(None) for each in node.args.kw_defaults]
    name = function.__name__
    if isinstance(node, ast.Lambda):
        node.body, name = _watched(node.body), "_condition"
        statement: ast.stmt = ast.Assign([ast.Name(name, ast.Store())], node)
    else:
        node.decorator_list, node.returns, statement = [], None, node
        for each in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            each.annotation = None
        node.body = [_Returns().visit(each) for each in node.body]
    module = ast.fix_missing_locations(ast.Module([statement], type_ignores=[]))
    outer = inspect.getclosurevars(function).nonlocals
    scope = {**function.__globals__, **outer, "_seen": seen}
    exec(compile(module, function.__code__.co_filename, "exec"), scope)  # noqa: S102 - the test's own source
    copy: types.FunctionType = scope[name]
    copy.__defaults__, copy.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return copy


class _Returns(ast.NodeTransformer):
    """Watches what a function returns and asserts; what is nested in it is not its own."""

    def visit_Return(self, node: ast.Return) -> ast.Return:
        if node.value is not None:
            node.value = _watched(node.value)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        node.test = _watched(node.test)
        return node

    def _nested(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _nested  # noqa: N815 - ast's names


def _watched(node: ast.expr) -> ast.expr:
    """The expression, whose parts are written down as they are evaluated."""
    if isinstance(node, ast.BoolOp):
        node.values = [_watched(each) for each in node.values]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.operand = _watched(node.operand)
    elif isinstance(node, ast.Compare):
        node.left, node.comparators = _part(node.left), [_part(each) for each in node.comparators]
    else:
        return _part(node)
    return node


def _part(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant | ast.Starred):
        return node
    return ast.Call(ast.Name("_seen", ast.Load()), [ast.Constant(ast.unparse(node)), node], [])
