"""The patterns of DATE_FORMAT and TEXT: closed sets, read when the formula is saved."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from formlane.formulas.kinds import Kind
from formlane.formulas.problems import Mismatch, Span
from formlane.formulas.typed import Moment, PatternPart

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

DATE_TOKENS: Mapping[str, tuple[str, Callable[[dt.date], str]]] = {
    "YYYY": ("year, four digits", lambda day: f"{day.year:04d}"),
    "YY": ("year, last two digits", lambda day: f"{day.year % 100:02d}"),
    "MMMM": ("month, English name", lambda day: MONTHS[day.month - 1]),
    "MMM": ("month, first three letters of its English name", lambda day: MONTHS[day.month - 1][:3]),
    "MM": ("month, two digits", lambda day: f"{day.month:02d}"),
    "M": ("month", lambda day: str(day.month)),
    "DD": ("day of the month, two digits", lambda day: f"{day.day:02d}"),
    "D": ("day of the month", lambda day: str(day.day)),
    "EEEE": ("weekday, English name", lambda day: WEEKDAYS[day.weekday()]),
    "EEE": ("weekday, first three letters of its English name", lambda day: WEEKDAYS[day.weekday()][:3]),
}

TIME_TOKENS: Mapping[str, tuple[str, Callable[[dt.datetime | dt.time], str]]] = {
    "HH": ("hour 00 to 23, two digits", lambda time: f"{time.hour:02d}"),
    "H": ("hour 0 to 23", lambda time: str(time.hour)),
    "hh": ("hour 01 to 12, two digits", lambda time: f"{(time.hour - 1) % 12 + 1:02d}"),
    "h": ("hour 1 to 12", lambda time: str((time.hour - 1) % 12 + 1)),
    "mm": ("minute, two digits", lambda time: f"{time.minute:02d}"),
    "ss": ("second, two digits", lambda time: f"{time.second:02d}"),
    "SSS": ("thousandths of a second, three digits", lambda time: f"{time.microsecond // 1000:03d}"),
    "a": ("AM or PM", lambda time: "AM" if time.hour < 12 else "PM"),
}

_PIECE = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+)")
_NUMBER_PATTERN = re.compile(r"(?P<grouped>#,##)?(?P<whole>0{1,20})(?:\.(?P<places>0{1,20}))?")


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """What a number pattern asks for: digits before and after the point, commas between thousands."""

    width: int
    places: int
    grouped: bool


def date_pattern(pattern: str, kind: Kind, span: Span) -> tuple[PatternPart, ...]:
    """The parts of a date pattern that this kind has. Raises `Mismatch` for any other."""
    parts: list[PatternPart] = []
    position = 0
    while position < len(pattern):
        piece = _PIECE.match(pattern, position)
        if piece is None:
            raise Mismatch(span, "A quote in this pattern is never closed.", "Write the letters as 'at'.")
        letters = piece["letters"]
        if letters is not None:
            parts.append(_token(letters, kind, span))
        elif piece["quoted"] is not None:
            parts.append(piece["quoted"] or "'")
        else:
            parts.append(piece["other"])
        position = piece.end()
    return tuple(parts)


def number_pattern(pattern: str, span: Span) -> NumberPattern:
    """What the pattern of TEXT asks for. Raises `Mismatch` for one outside the set."""
    match = _NUMBER_PATTERN.fullmatch(pattern)
    if match is None:
        raise Mismatch(
            span, "This is not a number pattern.", 'Patterns are like "0", "0.00", "000" or "#,##0.00".'
        )
    return NumberPattern(len(match["whole"]), len(match["places"] or ""), match["grouped"] is not None)


def _token(letters: str, kind: Kind, span: Span) -> Callable[[Moment], str]:
    tokens: dict[str, tuple[str, Callable[..., str]]] = {}
    if kind is not Kind.TIME:
        tokens |= DATE_TOKENS
    if kind is not Kind.DATE:
        tokens |= TIME_TOKENS
    if letters in tokens:
        return tokens[letters][1]
    if letters in DATE_TOKENS or letters in TIME_TOKENS:
        raise Mismatch(span, f"{kind.value.capitalize()} has no {letters} to show.")
    near = next((token for token in tokens if token.lower() == letters.lower()), None)
    advice = f"Did you mean {near}?" if near else f"To show these letters, write '{letters}'."
    raise Mismatch(span, f"{letters} is not a part of a date pattern.", advice)
