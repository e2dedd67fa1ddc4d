"""From the typed tree to a Python function.

The function is built as a syntax tree, never as text, and runs without builtins: it can name its two
arguments, its own variables and constants, and the functions of `RUNTIME`. Where types prove a value
present and short enough, it calls the methods of `str` directly.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import TypeAlias

from formlane.domain.types import Value
from formlane.formulas import code, limits
from formlane.formulas.faults import TRAPPED, fault_of
from formlane.formulas.inline import INLINE
from formlane.formulas.kinds import Kind
from formlane.formulas.problems import FormulaFault
from formlane.formulas.runtime import RUNTIME
from formlane.formulas.runtime.calendar import FormulaContext
from formlane.formulas.typed import Apply, Constant, Extra, Input, Typed

Evaluate: TypeAlias = Callable[[Mapping[str, Value], FormulaContext], Value]

_CHECKED_INPUTS = {
    Kind.INTEGER: "integer_input",
    Kind.DECIMAL: "decimal_input",
    Kind.DATETIME: "datetime_input",
}

_PLAIN_CONSTANTS = (str, int, bool, type(None))

_TEXT_WORK = frozenset(
    {
        "trim",
        "upper",
        "lower",
        "proper",
        "substitute",
        "substitute_nth",
        "contains",
        "find",
        "join_within_limit",
    }
)


def generate(tree: Typed, source: str) -> FunctionType:
    """The function of a formula: `(values, context) -> value`, raising nothing but `FormulaFault`."""
    generator = Generator(tree)
    result = generator.emit(tree)
    definition = _definition(generator.loads(), result)
    code.place_rest(definition, tree.span)
    module = compile(ast.Module([definition], []), "<formula>", "exec", dont_inherit=True)
    body = next(part for part in module.co_consts if isinstance(part, CodeType))

    def explain(error: Exception) -> FormulaFault:
        return fault_of(error, source)

    names = dict(RUNTIME) | generator.constants
    return FunctionType(body, {"__builtins__": {}, "TRAPPED": TRAPPED, "explain": explain} | names, "formula")


class Generator:
    """Writes one formula; hands out variables and names for constants that code cannot hold."""

    def __init__(self, tree: Typed) -> None:
        self.constants: dict[str, object] = {}
        self.inputs: dict[str, Input] = {}
        self._variables = 0
        busy = sum(_work(node) for node in walk(tree)) > limits.BUSY_TEXT_OPERATIONS
        self.input_limit = limits.BUSY_TEXT_CHARACTERS if busy else limits.TEXT_CHARACTERS

    def emit(self, node: Typed) -> ast.expr:
        """The expression of a node, placed where the node stands in the source."""
        expression = self._expression(node)
        code.place(expression, node.span)
        return expression

    def variable(self) -> str:
        """A fresh variable."""
        self._variables += 1
        return f"v{self._variables}"

    def fixed(self, value: Extra) -> ast.expr:
        """A fixed value: written as itself, or named if code cannot hold it."""
        if isinstance(value, _PLAIN_CONSTANTS):
            return code.literal(value)
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return code.load(name)

    def loads(self) -> list[ast.stmt]:
        """Statements that fetch every input into its variable."""
        return [self._load(number, entry) for number, entry in enumerate(self.inputs.values())]

    def _expression(self, node: Typed) -> ast.expr:
        if isinstance(node, Constant):
            return self.fixed(node.value)
        if isinstance(node, Input):
            self.inputs.setdefault(node.name, node)
            return code.load(f"i{list(self.inputs).index(node.name)}")
        assert isinstance(node, Apply)
        if node.operation in INLINE:
            return INLINE[node.operation](self, node)
        arguments = [self.emit(argument) for argument in node.arguments]
        return code.call(node.operation, *arguments, *(self.fixed(extra) for extra in node.extras))

    def _load(self, number: int, entry: Input) -> ast.stmt:
        fetched: ast.expr = ast.Call(
            ast.Attribute(code.load("values"), "get", ast.Load()), [code.literal(entry.name)], []
        )
        if entry.kind in _CHECKED_INPUTS:
            fetched = code.call(_CHECKED_INPUTS[entry.kind], fetched)
        statement = ast.Assign([ast.Name(f"i{number}", ast.Store())], fetched)
        code.place(statement, entry.span)
        return statement


def walk(tree: Typed) -> Iterator[Typed]:
    """Every node of a typed tree."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Apply):
            stack.extend(node.arguments)


def _work(node: Typed) -> int:
    if not isinstance(node, Apply):
        return 0
    if node.operation in {"compare_texts", "case_of_text"}:
        return len(node.arguments)
    return int(node.operation in _TEXT_WORK)


def _definition(loads: list[ast.stmt], result: ast.expr) -> ast.stmt:
    explained = ast.Assign([ast.Name("fault", ast.Store())], code.call("explain", code.load("error")))
    handler = ast.ExceptHandler(code.load("TRAPPED"), "error", [explained])
    guarded = ast.Try([*loads, ast.Return(result)], [handler], [], [])
    arguments = ast.arguments([], [ast.arg("values"), ast.arg("context")], None, [], [], None, [])
    raised = ast.Raise(code.load("fault"), None)  # outside the handler, so that it keeps no record's values
    return ast.FunctionDef("formula", arguments, [guarded, raised], [], None)
