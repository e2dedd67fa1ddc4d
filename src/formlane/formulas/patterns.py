"""The patterns of DATE_FORMAT and TEXT: closed sets, read when the formula is saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from formlane.formulas.kinds import Kind
from formlane.formulas.problems import Mismatch, Span
from formlane.formulas.typed import Moment, MomentFormat

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class PatternToken:
    """One part of a date pattern: how it is described, and the `shape` (of `%`) in which it is written.

    What it reads is the `attribute` of the date or time itself, or else what `read` makes of it.
    """

    description: str
    shape: str
    attribute: str = ""
    read: Callable[..., str | int] | None = None

    def value_of(self, moment: Moment) -> str | int:
        """What is written of this date or time."""
        value: str | int = getattr(moment, self.attribute) if self.read is None else self.read(moment)
        return value


DATE_TOKENS: Mapping[str, PatternToken] = {
    "YYYY": PatternToken("year, four digits", "%04d", "year"),
    "YY": PatternToken("year, last two digits", "%02d", read=lambda day: day.year % 100),
    "MMMM": PatternToken("month, English name", "%s", read=lambda day: MONTHS[day.month - 1]),
    "MMM": PatternToken("month, English, three letters", "%s", read=lambda day: MONTHS[day.month - 1][:3]),
    "MM": PatternToken("month, two digits", "%02d", "month"),
    "M": PatternToken("month", "%d", "month"),
    "DD": PatternToken("day of the month, two digits", "%02d", "day"),
    "D": PatternToken("day of the month", "%d", "day"),
    "EEEE": PatternToken("weekday, English name", "%s", read=lambda day: WEEKDAYS[day.weekday()]),
    "EEE": PatternToken(
        "weekday, English, three letters", "%s", read=lambda day: WEEKDAYS[day.weekday()][:3]
    ),
}

TIME_TOKENS: Mapping[str, PatternToken] = {
    "HH": PatternToken("hour 00 to 23, two digits", "%02d", "hour"),
    "H": PatternToken("hour 0 to 23", "%d", "hour"),
    "hh": PatternToken("hour 01 to 12, two digits", "%02d", read=lambda time: (time.hour - 1) % 12 + 1),
    "h": PatternToken("hour 1 to 12", "%d", read=lambda time: (time.hour - 1) % 12 + 1),
    "mm": PatternToken("minute, two digits", "%02d", "minute"),
    "ss": PatternToken("second, two digits", "%02d", "second"),
    "SSS": PatternToken("thousandths of a second", "%03d", read=lambda time: time.microsecond // 1000),
    "a": PatternToken("AM or PM", "%s", read=lambda time: "AM" if time.hour < 12 else "PM"),
}

_LONGEST_TOKEN = 20
_PIECE = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+)")
_NUMBER_PATTERN = re.compile(r"(?P<grouped>#,##)?(?P<whole>0{1,20})(?:\.(?P<places>0{1,20}))?")


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """What a number pattern asks for: digits before and after the point, commas between thousands."""

    width: int
    places: int
    grouped: bool


def date_pattern(pattern: str, kind: Kind, span: Span) -> MomentFormat:
    """How a date of this kind is written by a pattern. Raises `Mismatch` for what it cannot show."""
    template: list[str] = []
    tokens: list[PatternToken] = []
    position = 0
    while position < len(pattern):
        piece = _PIECE.match(pattern, position)
        if piece is None:
            raise Mismatch(span, "A quote in this pattern is never closed.", "Write the letters as 'at'.")
        if piece["letters"] is not None:
            tokens.append(_token(piece["letters"], kind, span))
            template.append(tokens[-1].shape)
        else:
            plain = piece["other"] if piece["quoted"] is None else piece["quoted"] or "'"
            template.append(plain.replace("%", "%%"))
        position = piece.end()
    return MomentFormat("".join(template), _reader(tokens))


def number_pattern(pattern: str, span: Span) -> NumberPattern:
    """What the pattern of TEXT asks for. Raises `Mismatch` for one outside the set."""
    match = _NUMBER_PATTERN.fullmatch(pattern)
    if match is None:
        raise Mismatch(
            span, "This is not a number pattern.", 'Patterns are like "0", "0.00", "000" or "#,##0.00".'
        )
    return NumberPattern(len(match["whole"]), len(match["places"] or ""), match["grouped"] is not None)


def _reader(tokens: list[PatternToken]) -> Callable[[Moment], object]:
    if tokens and all(token.attribute for token in tokens):
        return attrgetter(*(token.attribute for token in tokens))
    return lambda moment: tuple(token.value_of(moment) for token in tokens)


def _token(letters: str, kind: Kind, span: Span) -> PatternToken:
    if len(letters) > _LONGEST_TOKEN:
        raise Mismatch(span, f"{letters[0]} is repeated too often in this pattern.")
    tokens: dict[str, PatternToken] = {}
    if kind is not Kind.TIME:
        tokens |= DATE_TOKENS
    if kind is not Kind.DATE:
        tokens |= TIME_TOKENS
    if letters in tokens:
        return tokens[letters]
    if letters in DATE_TOKENS or letters in TIME_TOKENS:
        raise Mismatch(span, f"{kind.opening} has no {letters} to show.")
    near = next((token for token in tokens if token.lower() == letters.lower()), None)
    advice = f"Did you mean {near}?" if near else f"To show these letters, write '{letters}'."
    raise Mismatch(span, f"{letters} is not a part of a date pattern.", advice)
