"""Text functions."""

from __future__ import annotations

from formlane.formulas import limits
from formlane.formulas.conversions import as_count, as_number, as_text, mismatch, within_limit
from formlane.formulas.kinds import NUMBERS, Kind
from formlane.formulas.library.function import CallSite, Function, Rule
from formlane.formulas.patterns import number_pattern
from formlane.formulas.problems import Mismatch
from formlane.formulas.typed import Constant, Typed, apply, constant, whole_literal

_CASE_GROWTH = 3
"""Changing case makes at most three characters of one (Unicode SpecialCasing, as in U+0390)."""


def _trim(call: CallSite) -> Typed:
    text = as_text(call.arguments[0], bounded=False)
    longest = min(text.longest, limits.TEXT_CHARACTERS)
    return apply("trim", Kind.TEXT, (text,), span=call.span, longest=longest)


def _case(operation: str) -> Rule:
    def rule(call: CallSite) -> Typed:
        text = as_text(call.arguments[0])
        longest = text.longest * _CASE_GROWTH
        changed = apply(operation, Kind.TEXT, (text,), span=call.span, longest=longest)
        return within_limit(changed)

    return rule


def _end(operation: str) -> Rule:
    def rule(call: CallSite) -> Typed:
        text = as_text(call.arguments[0], bounded=False)
        given = call.get(1)
        count = constant(1, call.span) if given is None else as_count(given)
        known = whole_literal(count)
        longest = text.longest if known is None else min(text.longest, max(known, 0))
        return apply(operation, Kind.TEXT, (text, count), span=call.span, longest=longest)

    return rule


def _middle(call: CallSite) -> Typed:
    text = as_text(call.arguments[0], bounded=False)
    start, count = (as_count(argument) for argument in call.arguments[1:])
    known = whole_literal(count)
    longest = text.longest if known is None else min(text.longest, max(known, 0))
    return apply("middle", Kind.TEXT, (text, start, count), span=call.span, longest=longest)


def _length(call: CallSite) -> Typed:
    return apply("len", Kind.INTEGER, (as_text(call.arguments[0], bounded=False),), span=call.span)


def _substitute(call: CallSite) -> Typed:
    texts = tuple(as_text(argument) for argument in call.arguments[:3])
    occurrence = call.get(3)
    if occurrence is None:
        return apply("substitute", Kind.TEXT, texts, span=call.span)
    return apply("substitute_nth", Kind.TEXT, (*texts, as_count(occurrence)), span=call.span)


def _contains(call: CallSite) -> Typed:
    searched, part = call.arguments
    if searched.kind is Kind.LIST:
        return apply("includes", Kind.BOOLEAN, (searched, as_text(part)), span=call.span)
    return apply("contains", Kind.BOOLEAN, (as_text(searched), as_text(part)), span=call.span)


def _find(call: CallSite) -> Typed:
    part, text = (as_text(argument) for argument in call.arguments[:2])
    given = call.get(2)
    start = constant(1, call.span) if given is None else as_count(given)
    return apply("find", Kind.INTEGER, (part, text, start), span=call.span)


def _exact(call: CallSite) -> Typed:
    one, other = (as_text(argument) for argument in call.arguments)
    return apply("identical", Kind.BOOLEAN, (one, other), span=call.span)


def _text(call: CallSite) -> Typed:
    value = call.arguments[0]
    pattern = call.get(1)
    if pattern is None:
        return as_text(value)
    if value.kind not in NUMBERS:
        raise Mismatch(
            pattern.span,
            f"Only a number takes a pattern here; this is {value.kind.value}.",
            "Use DATE_FORMAT.",
        )
    if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
        raise Mismatch(pattern.span, "The pattern must be written out as a text, not computed.")
    wanted = number_pattern(pattern.value, pattern.span)
    extras = (wanted.width, wanted.places, wanted.grouped)
    longest = 200 + wanted.places
    return apply("text_of_pattern", Kind.TEXT, (value,), span=call.span, longest=longest, extras=extras)


def _value(call: CallSite) -> Typed:
    value = call.arguments[0]
    if value.kind in {Kind.INTEGER, Kind.DECIMAL}:
        return as_number(value)
    if value.kind not in {Kind.TEXT, Kind.NULL}:
        raise mismatch(value, Kind.TEXT)
    return apply("number_of_text", Kind.DECIMAL, (as_text(value),), span=call.span, nullable=True)


TEXT_FUNCTIONS = (
    Function(
        name="TRIM",
        signature="TRIM(text)",
        description="Removes spaces at both ends and makes one of each run of spaces within.",
        example='TRIM("  Ada   Lovelace ")',
        gives="Ada Lovelace",
        least=1,
        most=1,
        rule=_trim,
    ),
    Function(
        name="UPPER",
        signature="UPPER(text)",
        description="All letters as capitals.",
        example='UPPER("Straße")',
        gives="STRASSE",
        least=1,
        most=1,
        rule=_case("upper"),
    ),
    Function(
        name="LOWER",
        signature="LOWER(text)",
        description="All letters as small letters.",
        example='LOWER("Ada")',
        gives="ada",
        least=1,
        most=1,
        rule=_case("lower"),
    ),
    Function(
        name="PROPER",
        signature="PROPER(text)",
        description="A capital where a letter follows none, small letters elsewhere.",
        example='PROPER("ada o\'neil-LOVELACE")',
        gives="Ada O'Neil-Lovelace",
        least=1,
        most=1,
        rule=_case("proper"),
    ),
    Function(
        name="LEFT",
        signature="LEFT(text, [count])",
        description="The first characters; one without a count.",
        example='LEFT("London", 3)',
        gives="Lon",
        least=1,
        most=2,
        rule=_end("left"),
    ),
    Function(
        name="RIGHT",
        signature="RIGHT(text, [count])",
        description="The last characters; one without a count.",
        example='RIGHT("London", 2)',
        gives="on",
        least=1,
        most=2,
        rule=_end("right"),
    ),
    Function(
        name="MID",
        signature="MID(text, start, count)",
        description="Characters from the given one on; the first has number 1.",
        example='MID("London", 2, 3)',
        gives="ond",
        least=3,
        most=3,
        rule=_middle,
    ),
    Function(
        name="LEN",
        signature="LEN(text)",
        description="How many characters (Unicode code points) the text has.",
        example='LEN("Zoë")',
        gives="3",
        least=1,
        most=1,
        rule=_length,
    ),
    Function(
        name="SUBSTITUTE",
        signature="SUBSTITUTE(text, old, new, [occurrence])",
        description="Replaces every occurrence of the old part, or the one with the given number.",
        example='SUBSTITUTE("12-34-56", "-", "/")',
        gives="12/34/56",
        least=3,
        most=4,
        rule=_substitute,
    ),
    Function(
        name="CONTAINS",
        signature="CONTAINS(text_or_choices, part)",
        description="Whether a text holds the part, or a list of choices the choice. Case matters.",
        example='CONTAINS("ada@example.com", "@")',
        gives="TRUE",
        least=2,
        most=2,
        rule=_contains,
    ),
    Function(
        name="FIND",
        signature="FIND(part, text, [start])",
        description="Where the part begins, counted from 1; 0 if it does not occur. Case matters.",
        example='FIND("@", "ada@example.com")',
        gives="4",
        least=2,
        most=3,
        rule=_find,
    ),
    Function(
        name="EXACT",
        signature="EXACT(text, text)",
        description="Whether two texts are the same, case included (= ignores case).",
        example='EXACT("Ada", "ADA")',
        gives="FALSE",
        least=2,
        most=2,
        rule=_exact,
    ),
    Function(
        name="TEXT",
        signature="TEXT(value, [pattern])",
        description='The value as text. A number takes a pattern: "0", "0.00", "000", "#,##0.00".',
        example='TEXT(1234.5, "#,##0.00")',
        gives="1,234.50",
        least=1,
        most=2,
        rule=_text,
    ),
    Function(
        name="VALUE",
        signature="VALUE(text)",
        description="The number written in a text: digits 0 to 9 and a decimal point. NULL for a blank text.",
        example='VALUE(" -12.50 ")',
        gives="-12.5",
        least=1,
        most=1,
        rule=_value,
    ),
)
