"""Number functions."""

from __future__ import annotations

from formlane.formulas.conversions import as_count, as_number
from formlane.formulas.kinds import Kind
from formlane.formulas.library.function import CallSite, Function
from formlane.formulas.typed import Typed, apply, constant, whole_literal


def _round(call: CallSite) -> Typed:
    number = as_number(call.arguments[0])
    given = call.get(1)
    places = constant(0, call.span) if given is None else as_count(given)
    known = whole_literal(places)
    is_whole = known is not None and known <= 0
    if number.kind is Kind.INTEGER and known is not None and known >= 0:
        return number
    return apply(
        "round_to_integer" if is_whole else "round_to_decimal",
        Kind.INTEGER if is_whole else Kind.DECIMAL,
        (number, places),
        span=call.span,
        nullable=number.nullable,
    )


NUMBER_FUNCTIONS = (
    Function(
        name="ROUND",
        signature="ROUND(number, [places])",
        description="Rounded half away from zero. A whole number if places is written as 0 or less.",
        example="ROUND(2.345, 2)",
        gives="2.35",
        least=1,
        most=2,
        rule=_round,
    ),
)
