"""Date and time functions."""

from __future__ import annotations

from formlane.formulas.conversions import as_text, as_whole, mismatch
from formlane.formulas.kinds import Kind
from formlane.formulas.library.function import CallSite, Function, Rule
from formlane.formulas.patterns import date_pattern
from formlane.formulas.problems import Mismatch
from formlane.formulas.typed import Constant, Typed, apply

_PATTERN_GROWTH = 3
"""No part of a pattern writes more than this many characters for each of its own: EEEE, Wednesday."""


def _date(call: CallSite) -> Typed:
    parts = tuple(as_whole(argument) for argument in call.arguments)
    nullable = any(part.nullable for part in parts)
    return apply("make_date", Kind.DATE, parts, span=call.span, nullable=nullable)


def _read(kind: Kind, own: str, other: tuple[Kind, str]) -> Rule:
    def rule(call: CallSite) -> Typed:
        value = call.arguments[0]
        if value.kind is kind:
            return value
        if value.kind is other[0]:
            return apply(other[1], kind, (value,), span=call.span, nullable=value.nullable)
        if value.kind not in {Kind.TEXT, Kind.NULL}:
            raise mismatch(value, Kind.TEXT)
        return apply(own, kind, (as_text(value),), span=call.span, nullable=True)

    return rule


def _part(operation: str) -> Rule:
    def rule(call: CallSite) -> Typed:
        value = call.arguments[0]
        if value.kind not in {Kind.DATE, Kind.DATETIME, Kind.NULL}:
            raise mismatch(value, Kind.DATE)
        return apply(operation, Kind.INTEGER, (value,), span=call.span, nullable=value.nullable)

    return rule


def _format(call: CallSite) -> Typed:
    value, pattern = call.arguments
    if value.kind not in {Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.NULL}:
        raise mismatch(value, Kind.DATE)
    if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
        raise Mismatch(pattern.span, "The pattern must be written out as a text, not computed.")
    written = date_pattern(pattern.value, value.kind, pattern.span)
    longest = max(1, len(pattern.value)) * _PATTERN_GROWTH
    return apply("format_moment", Kind.TEXT, (value,), span=call.span, longest=longest, extras=(written,))


def _clock(operation: str, kind: Kind) -> Rule:
    def rule(call: CallSite) -> Typed:
        return apply(operation, kind, (), span=call.span)

    return rule


CALENDAR_FUNCTIONS = (
    Function(
        name="DATE",
        signature="DATE(year, month, day)",
        description="The date. One that is not in the calendar, such as 30 February, is a fault.",
        example="DATE(2026, 1, 31)",
        gives="2026-01-31",
        least=3,
        most=3,
        rule=_date,
    ),
    Function(
        name="DATEVALUE",
        signature="DATEVALUE(text_or_time)",
        description="The date written as YYYY-MM-DD, or a time's day in UTC. NULL for a blank text.",
        example='DATEVALUE("2026-01-31")',
        gives="2026-01-31",
        least=1,
        most=1,
        rule=_read(Kind.DATE, "date_of_text", (Kind.DATETIME, "date_of_datetime")),
    ),
    Function(
        name="DATETIMEVALUE",
        signature="DATETIMEVALUE(text_or_date)",
        description="The time written as in ISO 8601 (UTC without an offset), or a date's midnight in UTC.",
        example='DATETIMEVALUE("2026-01-31T08:30:00+02:00")',
        gives="2026-01-31T06:30:00Z",
        least=1,
        most=1,
        rule=_read(Kind.DATETIME, "datetime_of_text", (Kind.DATE, "datetime_of_date")),
    ),
    Function(
        name="DATE_FORMAT",
        signature="DATE_FORMAT(date_or_time, pattern)",
        description="The date or time written by a pattern; nothing for NULL. Its parts are listed below.",
        example='DATE_FORMAT(DATE(2026, 1, 31), "DD.MM.YYYY")',
        gives="31.01.2026",
        least=2,
        most=2,
        rule=_format,
    ),
    Function(
        name="YEAR",
        signature="YEAR(date)",
        description="The year, of a date and time in UTC.",
        example="YEAR(DATE(2026, 1, 31))",
        gives="2026",
        least=1,
        most=1,
        rule=_part("year_of"),
    ),
    Function(
        name="MONTH",
        signature="MONTH(date)",
        description="The month, 1 to 12.",
        example="MONTH(DATE(2026, 1, 31))",
        gives="1",
        least=1,
        most=1,
        rule=_part("month_of"),
    ),
    Function(
        name="DAY",
        signature="DAY(date)",
        description="The day of the month, 1 to 31.",
        example="DAY(DATE(2026, 1, 31))",
        gives="31",
        least=1,
        most=1,
        rule=_part("day_of"),
    ),
    Function(
        name="TODAY",
        signature="TODAY()",
        description="The day, in UTC, on which the record was accepted.",
        example='IF(TODAY() = DATEVALUE(NOW()), "same", "other")',
        gives="same",
        least=0,
        most=0,
        rule=_clock("today", Kind.DATE),
    ),
    Function(
        name="NOW",
        signature="NOW()",
        description="The time, in UTC, at which the record was accepted; the same for every retry.",
        example="NOW() = NOW()",
        gives="TRUE",
        least=0,
        most=0,
        rule=_clock("now", Kind.DATETIME),
    ),
)
