"""Operations that generated code does itself, without calling a runtime function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from formlane.formulas import code, limits
from formlane.formulas.typed import Apply, Constant, Extra, Typed, whole_literal


class Writer(Protocol):
    """What an inline form needs of the generator."""

    input_limit: int

    def emit(self, node: Typed) -> ast.expr:
        """The expression of a node."""
        ...

    def variable(self) -> str:
        """A fresh variable."""
        ...

    def fixed(self, value: Extra) -> ast.expr:
        """A fixed value."""
        ...


Form: TypeAlias = Callable[[Writer, Apply], ast.expr]

_COMPARISONS: Mapping[str, type[ast.cmpop]] = {
    "=": ast.Eq,
    "<>": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


def _or_empty(writer: Writer, node: Apply) -> ast.expr:
    return code.either(writer.emit(node.arguments[0]), code.literal(""))


def _input_within_limit(writer: Writer, node: Apply) -> ast.expr:
    refused = code.call("input_too_long", code.literal(writer.input_limit))
    return _within(writer, node.arguments[0], writer.input_limit, refused)


def _result_within_limit(writer: Writer, node: Apply) -> ast.expr:
    return _within(writer, node.arguments[0], limits.TEXT_CHARACTERS, code.call("too_long"))


def _within(writer: Writer, text: Typed, limit: int, refused: ast.expr) -> ast.expr:
    name = writer.variable()
    length = code.call("len", code.bind(name, writer.emit(text)))
    fits = code.compare(length, ast.LtE(), code.literal(limit))
    return code.choose(fits, code.load(name), refused)


def _unless_null(writer: Writer, node: Apply) -> ast.expr:
    name = writer.variable()
    missing = code.is_null(code.bind(name, writer.emit(node.arguments[0])))
    return code.choose(missing, code.literal(None), code.call(str(node.extras[0]), code.load(name)))


def _join(writer: Writer, node: Apply) -> ast.expr:
    return code.joined([writer.emit(part) for part in node.arguments])


def _join_within_limit(writer: Writer, node: Apply) -> ast.expr:
    lengths: list[ast.expr] = []
    texts: list[ast.expr] = []
    room = limits.TEXT_CHARACTERS
    for part in node.arguments:
        if isinstance(part, Constant) and isinstance(part.value, str):
            room -= len(part.value)
            texts.append(writer.emit(part))
        else:
            name = writer.variable()
            lengths.append(code.call("len", code.bind(name, writer.emit(part))))
            texts.append(code.load(name))
    fits = code.compare(code.total(lengths), ast.LtE(), code.literal(room))
    return code.choose(fits, code.joined(texts), code.call("too_long"))


def _trim(writer: Writer, node: Apply) -> ast.expr:
    name = writer.variable()
    text: ast.expr = code.bind(name, writer.emit(node.arguments[0]))
    conditions: list[ast.expr] = []
    if node.arguments[0].longest > limits.TEXT_CHARACTERS:
        conditions.append(code.compare(code.call("len", text), ast.LtE(), code.literal(writer.input_limit)))
        text = code.load(name)
    conditions.append(code.compare(code.literal("  "), ast.NotIn(), text))
    stripped = code.call("strip", code.load(name), code.literal(" "))
    collapsed = code.call("trim", code.load(name), code.literal(writer.input_limit))
    return code.choose(code.every(*conditions), stripped, collapsed)


def _left(writer: Writer, node: Apply) -> ast.expr:
    text, count = node.arguments
    known = whole_literal(count)
    if known is None or known < 0:
        return code.call("left", writer.emit(text), writer.emit(count))
    return code.part_of(writer.emit(text), None, known)


def _right(writer: Writer, node: Apply) -> ast.expr:
    text, count = node.arguments
    known = whole_literal(count)
    if known is None or known < 1:
        return code.call("right", writer.emit(text), writer.emit(count))
    return code.part_of(writer.emit(text), -known, None)


def _middle(writer: Writer, node: Apply) -> ast.expr:
    text, start, count = node.arguments
    first, length = whole_literal(start), whole_literal(count)
    if first is None or length is None or first < 1 or length < 0:
        return code.call("middle", *(writer.emit(argument) for argument in node.arguments))
    return code.part_of(writer.emit(text), first - 1, first - 1 + length)


def _if(writer: Writer, node: Apply) -> ast.expr:
    return code.choose(*(writer.emit(argument) for argument in node.arguments))


def _and(writer: Writer, node: Apply) -> ast.expr:
    return code.every(*(writer.emit(argument) for argument in node.arguments))


def _or(writer: Writer, node: Apply) -> ast.expr:
    return code.either(*(writer.emit(argument) for argument in node.arguments))


def _not(writer: Writer, node: Apply) -> ast.expr:
    return code.negation(writer.emit(node.arguments[0]))


def _is_true(writer: Writer, node: Apply) -> ast.expr:
    return code.compare(writer.emit(node.arguments[0]), ast.Is(), code.literal(True))


def _is_null(writer: Writer, node: Apply) -> ast.expr:
    value = node.arguments[0]
    if isinstance(value, Constant):  # Python warns of a literal beside `is`
        return code.literal(value.value is None)
    return code.is_null(writer.emit(value))


def _first_not_null(writer: Writer, node: Apply) -> ast.expr:
    *others, last = node.arguments
    result = writer.emit(last)
    for other in reversed(others):
        name = writer.variable()
        missing = code.is_null(code.bind(name, writer.emit(other)))
        result = code.choose(missing, result, code.load(name))
    return result


def _case(writer: Writer, node: Apply) -> ast.expr:
    selector, choices, results, otherwise = _arms(node)
    return _cascade(
        writer.variable(),
        writer.emit(selector),
        [writer.emit(choice) for choice in choices],
        [writer.emit(result) for result in (*results, otherwise)],
    )


def _case_of_text(writer: Writer, node: Apply) -> ast.expr:
    selector, choices, results, otherwise = _arms(node)
    return _cascade(
        writer.variable(),
        _folded(writer, selector),
        [_folded(writer, choice) for choice in choices],
        [writer.emit(result) for result in (*results, otherwise)],
    )


def _arms(node: Apply) -> tuple[Typed, tuple[Typed, ...], tuple[Typed, ...], Typed]:
    count = (len(node.arguments) - 2) // 2
    selector, *rest = node.arguments
    return selector, tuple(rest[:count]), tuple(rest[count:-1]), rest[-1]


def _cascade(name: str, selector: ast.expr, choices: list[ast.expr], results: list[ast.expr]) -> ast.expr:
    result = results[-1]
    for number in reversed(range(len(choices))):
        subject = code.load(name) if number else code.bind(name, selector)
        matches = code.compare(subject, ast.Eq(), choices[number])
        result = code.choose(matches, results[number], result)
    return result


def _compare(writer: Writer, node: Apply) -> ast.expr:
    left, right = node.arguments
    operator = _COMPARISONS[str(node.extras[0])]()
    if isinstance(operator, ast.Eq | ast.NotEq):
        return code.compare(writer.emit(left), operator, writer.emit(right))
    if not left.nullable and not right.nullable:
        return code.compare(writer.emit(left), operator, writer.emit(right))
    names = writer.variable(), writer.variable()
    both = code.pair(code.bind(names[0], writer.emit(left)), code.bind(names[1], writer.emit(right)))
    present = [
        code.compare(code.load(name), ast.IsNot(), code.literal(None))
        for name, side in zip(names, (left, right), strict=True)
        if side.nullable
    ]
    return code.every(both, *present, code.compare(code.load(names[0]), operator, code.load(names[1])))


def _compare_texts(writer: Writer, node: Apply) -> ast.expr:
    left, right = node.arguments
    operator = _COMPARISONS[str(node.extras[0])]()
    plain = isinstance(operator, ast.Eq | ast.NotEq) and not (
        isinstance(left, Constant) or isinstance(right, Constant)
    )
    if plain:
        same = code.call("same_text", writer.emit(left), writer.emit(right))
        return same if isinstance(operator, ast.Eq) else code.negation(same)
    return code.compare(_folded(writer, left), operator, _folded(writer, right))


def _folded(writer: Writer, text: Typed) -> ast.expr:
    if isinstance(text, Constant) and isinstance(text.value, str):
        return code.literal(text.value.casefold())
    return code.call("fold", writer.emit(text))


def _identical(writer: Writer, node: Apply) -> ast.expr:
    return code.compare(writer.emit(node.arguments[0]), ast.Eq(), writer.emit(node.arguments[1]))


def _clock(writer: Writer, node: Apply) -> ast.expr:
    return code.call(node.operation, code.load("context"))


INLINE: Mapping[str, Form] = {
    "or_empty": _or_empty,
    "input_within_limit": _input_within_limit,
    "result_within_limit": _result_within_limit,
    "unless_null": _unless_null,
    "join": _join,
    "join_within_limit": _join_within_limit,
    "trim": _trim,
    "left": _left,
    "right": _right,
    "middle": _middle,
    "if": _if,
    "and": _and,
    "or": _or,
    "not": _not,
    "is_true": _is_true,
    "is_null": _is_null,
    "is_empty": _not,
    "first_not_null": _first_not_null,
    "first_not_blank": _or,
    "case": _case,
    "case_of_text": _case_of_text,
    "compare": _compare,
    "compare_texts": _compare_texts,
    "identical": _identical,
    "now": _clock,
    "today": _clock,
}
"""By operation. Everything else is a call of the runtime function of that name."""
