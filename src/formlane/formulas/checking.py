"""From the tree as written to the typed tree."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import islice

from formlane.domain.types import FieldType
from formlane.formulas import limits
from formlane.formulas.comparing import compared
from formlane.formulas.conversions import as_expected, as_number, as_text, mismatch
from formlane.formulas.kinds import Kind, kind_of
from formlane.formulas.library import ELSEWHERE, FUNCTIONS, CallSite
from formlane.formulas.problems import FormulaError, FormulaProblem, Mismatch, Span
from formlane.formulas.syntax import Binary, Call, Join, Literal, Name, Negate, Node
from formlane.formulas.typed import UNBOUNDED, Constant, Input, Typed, apply, constant

ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply"}

_LOOKED_THROUGH = 300
"""Names that are searched for a similar one; searching more would take longer than compiling."""

_LONGEST_NAME = 64


def check(tree: Node, inputs: Mapping[str, FieldType], expected: FieldType | None) -> Typed:
    """The typed tree. Raises `FormulaError` with all problems of names and types at once."""
    checker = _Checker(inputs)
    typed = checker.check(tree)
    if expected is not None:
        try:
            typed = as_expected(typed, expected)
        except Mismatch as mismatched:
            checker.report(mismatched)
    if checker.problems:
        raise FormulaError(checker.problems)
    return typed


class _Checker:
    """Collects problems; what has one is taken for NULL, which fits anywhere, so it is reported once."""

    def __init__(self, inputs: Mapping[str, FieldType]) -> None:
        self.inputs = inputs
        self.problems: list[FormulaProblem] = []

    def check(self, node: Node) -> Typed:
        try:
            return self._typed(node)
        except Mismatch as mismatched:
            self.report(mismatched)
            return constant(None, node.span)

    def report(self, fault: Mismatch) -> None:
        if len(self.problems) < limits.PROBLEMS:
            length = fault.span.end - fault.span.start
            self.problems.append(FormulaProblem(fault.span.start, length, fault.message, fault.suggestion))

    def _typed(self, node: Node) -> Typed:
        match node:
            case Literal():
                return constant(node.value, node.span)
            case Name():
                return self._input(node)
            case Negate():
                return _negated(self.check(node.operand), node.span)
            case Join():
                return _joined(tuple(self.check(part) for part in node.parts), node.span)
            case Binary():
                left, right = self.check(node.left), self.check(node.right)
                if node.operator in ARITHMETIC or node.operator == "/":
                    return _computed(node.operator, left, right, node.span)
                return compared(node.operator, left, right, node.span)
            case Call():
                return self._call(node)

    def _input(self, node: Name) -> Typed:
        field_type = self.inputs.get(node.name)
        if field_type is None:
            raise Mismatch(
                node.span, f'There is no input "{_shown(node.name)}".', _similar(node.name, self.inputs)
            )
        kind = kind_of(field_type)
        longest = UNBOUNDED if kind is Kind.TEXT else 0
        return Input(kind=kind, span=node.span, nullable=True, longest=longest, name=node.name)

    def _call(self, node: Call) -> Typed:
        arguments = tuple(self.check(argument) for argument in node.arguments)
        function = FUNCTIONS.get(node.name)
        if function is None:
            advice = ELSEWHERE.get(node.name) or _similar(node.name, FUNCTIONS)
            raise Mismatch(node.name_span, f"There is no function {_shown(node.name)}.", advice)
        if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
            raise Mismatch(
                node.span,
                f"{node.name} takes {function.takes()}, not {len(arguments)}.",
                f"Write {function.signature}.",
            )
        return function.rule(CallSite(span=node.span, arguments=arguments))


def _negated(operand: Typed, span: Span) -> Typed:
    number = as_number(operand)
    if isinstance(number, Constant) and isinstance(number.value, Decimal):
        return constant(number.value.copy_negate() if number.value else number.value, span)
    if isinstance(number, Constant) and isinstance(number.value, int):
        return constant(-number.value, span)
    if number.kind is Kind.DECIMAL:
        return apply("negate_decimal", Kind.DECIMAL, (number,), span=span, nullable=number.nullable)
    return apply("negate_integer", Kind.INTEGER, (number,), span=span, nullable=number.nullable)


def _joined(parts: tuple[Typed, ...], span: Span) -> Typed:
    texts = tuple(as_text(part, bounded=False) for part in parts)
    total = sum(text.longest for text in texts)
    operation = "join" if total <= limits.TEXT_CHARACTERS else "join_within_limit"
    return apply(operation, Kind.TEXT, texts, span=span, longest=min(total, limits.TEXT_CHARACTERS))


def _computed(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    nullable = left.nullable or right.nullable
    dates = {left.kind, right.kind} & {Kind.DATE, Kind.DATETIME}
    if dates and operator in {"+", "-"}:
        return _shifted(operator, left, right, span)
    kinds = {as_number(left).kind, as_number(right).kind}
    if operator == "/":
        return apply("divide", Kind.DECIMAL, (left, right), span=span, nullable=nullable)
    kind = Kind.DECIMAL if Kind.DECIMAL in kinds else Kind.INTEGER
    family = "decimals" if kind is Kind.DECIMAL else "integers"
    return apply(f"{ARITHMETIC[operator]}_{family}", kind, (left, right), span=span, nullable=nullable)


def _shifted(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    nullable = left.nullable or right.nullable
    if operator == "-" and left.kind is Kind.DATE and right.kind is Kind.DATE:
        return apply("days_between", Kind.INTEGER, (left, right), span=span, nullable=nullable)
    if operator == "+" and left.kind in {Kind.INTEGER, Kind.NULL}:
        left, right = right, left
    if left.kind not in {Kind.DATE, Kind.DATETIME}:
        raise mismatch(left, Kind.DATE)
    if right.kind not in {Kind.INTEGER, Kind.NULL}:
        raise Mismatch(right.span, f"To a date only whole days can be added; this is {right.kind.value}.")
    operation = "add_days" if operator == "+" else "subtract_days"
    return apply(operation, left.kind, (left, right), span=span, nullable=nullable)


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def _similar(name: str, known: Iterable[str]) -> str | None:
    if len(name) > _LONGEST_NAME:
        return None
    by_fold = {other.casefold(): other for other in islice(known, _LOOKED_THROUGH)}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1)
    return f"Did you mean {by_fold[near[0]]}?" if near else None
