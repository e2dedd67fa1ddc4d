"""What can be compared with what, and the operation that does it."""

from __future__ import annotations

from formlane.formulas.conversions import as_text
from formlane.formulas.kinds import NUMBERS, Kind
from formlane.formulas.problems import Mismatch, Span
from formlane.formulas.typed import Typed, apply

EQUALITY = frozenset({"=", "<>"})
_LOOSE = frozenset({Kind.LIST, Kind.JSON})
_UNORDERED = frozenset({Kind.BOOLEAN, Kind.LIST, Kind.JSON})

_ADVICE = {
    frozenset({Kind.TEXT, Kind.DECIMAL}): "Use VALUE(…) to read a number from the text.",
    frozenset({Kind.TEXT, Kind.INTEGER}): "Use VALUE(…) to read a number from the text.",
    frozenset({Kind.TEXT, Kind.DATE}): "Use DATEVALUE(…) to read a date from the text.",
    frozenset({Kind.TEXT, Kind.DATETIME}): "Use DATETIMEVALUE(…) to read a time from the text.",
    frozenset({Kind.DATE, Kind.DATETIME}): "Use DATEVALUE(…) to take the date of the time.",
    frozenset({Kind.TEXT, Kind.LIST}): "Use CONTAINS(…) to look for a choice.",
}


def comparable(operator: str, left: Typed, right: Typed) -> None:
    """Raises `Mismatch` unless the operator takes these two."""
    kinds = {left.kind, right.kind} - {Kind.NULL}
    if operator in EQUALITY and len(kinds) <= 1 and (left.kind is not right.kind or not kinds & _LOOSE):
        return
    if kinds <= NUMBERS:
        return
    span = left.span.to(right.span)
    if len(kinds) > 1:
        raise Mismatch(
            span,
            f"{left.kind.opening} cannot be compared with {right.kind.value}.",
            _ADVICE.get(frozenset(kinds)),
        )
    if kinds & _UNORDERED:
        kind = next(iter(kinds))
        raise Mismatch(span, f"{kind.opening} cannot be compared with {operator}.")


def compared(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    """TRUE or FALSE, never NULL. Raises `Mismatch` for kinds that do not compare."""
    comparable(operator, left, right)
    if Kind.TEXT in {left.kind, right.kind}:
        texts = (as_text(left), as_text(right))
        return apply("compare_texts", Kind.BOOLEAN, texts, span=span, extras=(operator,))
    return apply("compare", Kind.BOOLEAN, (left, right), span=span, extras=(operator,))
