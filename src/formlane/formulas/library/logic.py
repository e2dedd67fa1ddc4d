"""Conditions and choices."""

from __future__ import annotations

from formlane.formulas.comparing import comparable
from formlane.formulas.conversions import as_condition, as_definite, as_text, unified
from formlane.formulas.kinds import Kind
from formlane.formulas.library.function import CallSite, Function, Rule
from formlane.formulas.typed import Typed, apply, constant


def _if(call: CallSite) -> Typed:
    condition = as_condition(call.arguments[0])
    otherwise = call.get(2) or constant(None, call.span)
    kind, branches = unified((call.arguments[1], otherwise), "Both results of IF")
    return apply(
        "if",
        kind,
        (condition, *branches),
        span=call.span,
        nullable=any(branch.nullable for branch in branches),
        longest=max(branch.longest for branch in branches),
    )


def _every(operation: str) -> Rule:
    def rule(call: CallSite) -> Typed:
        conditions = tuple(as_definite(argument) for argument in call.arguments)
        return apply(operation, Kind.BOOLEAN, conditions, span=call.span)

    return rule


def _not(call: CallSite) -> Typed:
    return apply("not", Kind.BOOLEAN, (as_condition(call.arguments[0]),), span=call.span)


def _coalesce(call: CallSite) -> Typed:
    kind, values = unified(call.arguments, "All values of COALESCE")
    blank_text = kind in {Kind.TEXT, Kind.LIST}
    nullable = values[-1].nullable if blank_text else all(value.nullable for value in values)
    longest = max(value.longest for value in values)
    operation = "first_not_blank" if blank_text else "first_not_null"
    return apply(operation, kind, values, span=call.span, nullable=nullable, longest=longest)


def _is_blank(call: CallSite) -> Typed:
    value = call.arguments[0]
    operation = "is_empty" if value.kind in {Kind.TEXT, Kind.LIST} else "is_null"
    return apply(operation, Kind.BOOLEAN, (value,), span=call.span)


def _case(call: CallSite) -> Typed:
    selector, *arms = call.arguments
    if len(arms) % 2 == 0:
        arms.append(constant(None, call.span))
    choices = arms[:-1:2]
    for choice in choices:
        comparable("=", selector, choice)
    folded = Kind.TEXT in {selector.kind, *(choice.kind for choice in choices)}
    if folded:
        selector, choices = as_text(selector), [as_text(choice) for choice in choices]
    kind, results = unified((*arms[1::2], arms[-1]), "All results of CASE")
    return apply(
        "case_of_text" if folded else "case",
        kind,
        (selector, *choices, *results),
        span=call.span,
        nullable=any(result.nullable for result in results),
        longest=max(result.longest for result in results),
    )


LOGIC_FUNCTIONS = (
    Function(
        name="IF",
        signature="IF(condition, then, [otherwise])",
        description="One of two values; only the chosen one is computed. NULL without an otherwise.",
        example='IF(2 > 1, "more", "less")',
        gives="more",
        least=2,
        most=3,
        rule=_if,
    ),
    Function(
        name="CASE",
        signature="CASE(value, choice, result, …, [otherwise])",
        description="The result beside the first choice that equals the value. NULL without an otherwise.",
        example='CASE("de", "DE", "Germany", "FR", "France", "elsewhere")',
        gives="Germany",
        least=3,
        most=None,
        rule=_case,
    ),
    Function(
        name="AND",
        signature="AND(condition, …)",
        description="Whether all conditions hold; stops at the first that does not.",
        example="AND(1 < 2, 2 < 3)",
        gives="TRUE",
        least=1,
        most=None,
        rule=_every("and"),
    ),
    Function(
        name="OR",
        signature="OR(condition, …)",
        description="Whether any condition holds; stops at the first that does.",
        example="OR(1 > 2, 2 > 3)",
        gives="FALSE",
        least=1,
        most=None,
        rule=_every("or"),
    ),
    Function(
        name="NOT",
        signature="NOT(condition)",
        description="TRUE for FALSE and NULL, FALSE for TRUE.",
        example="NOT(1 > 2)",
        gives="TRUE",
        least=1,
        most=1,
        rule=_not,
    ),
    Function(
        name="COALESCE",
        signature="COALESCE(value, value, …)",
        description="The first value that is not blank, or else the last. Later ones are not computed.",
        example='COALESCE(NULL, "", "none")',
        gives="none",
        least=2,
        most=None,
        rule=_coalesce,
    ),
    Function(
        name="ISBLANK",
        signature="ISBLANK(value)",
        description='Whether the value is NULL, the text "" or an empty list of choices.',
        example='ISBLANK("")',
        gives="TRUE",
        least=1,
        most=1,
        rule=_is_blank,
    ),
)
