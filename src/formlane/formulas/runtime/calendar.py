"""Operations on dates and times. NULL in, NULL out. Every date and time is in UTC."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from formlane.formulas.runtime.refusal import Refusal
from formlane.formulas.typed import Moment, MomentFormat

_ISO_DATE = 10


@dataclass(frozen=True, slots=True)
class FormulaContext:
    """What a formula may know besides the record: when it was accepted, an aware time."""

    accepted_at: dt.datetime

    def __post_init__(self) -> None:
        if self.accepted_at.tzinfo is None:
            raise ValueError("accepted_at needs a time zone")


def datetime_input(value: object) -> dt.datetime | None:
    """The input in UTC, if it is an aware date and time."""
    if value is None:
        return None
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise Refusal("the input does not hold a date and time with a time zone")
    return value if value.tzinfo is dt.UTC else value.astimezone(dt.UTC)


def now(context: FormulaContext) -> dt.datetime:
    """When the record was accepted."""
    return context.accepted_at.astimezone(dt.UTC)


def today(context: FormulaContext) -> dt.date:
    """The day in UTC on which the record was accepted."""
    return now(context).date()


def make_date(year: int | None, month: int | None, day: int | None) -> dt.date | None:
    """The date; refuses what is not in the calendar."""
    if year is None or month is None or day is None:
        return None
    try:
        return dt.date(year, month, day)
    except (ValueError, OverflowError):
        raise Refusal("there is no such date in the calendar") from None


def date_of_text(text: str) -> dt.date | None:
    """The date written as YYYY-MM-DD, spaces around it ignored; NULL for a blank text."""
    text = text.strip(" ")
    if not text:
        return None
    if len(text) != _ISO_DATE or text[4] != "-" or text[7] != "-" or not text.isascii():
        raise Refusal("the text is not a date in the form YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Refusal("the text is not a date in the form YYYY-MM-DD") from None


def date_of_datetime(value: dt.datetime | None) -> dt.date | None:
    """The day in UTC."""
    return None if value is None else value.date()


def datetime_of_text(text: str) -> dt.datetime | None:
    """The time written as in ISO 8601, taken as UTC without an offset; NULL for a blank text."""
    text = text.strip(" ")
    if not text:
        return None
    try:
        if len(text) <= _ISO_DATE or not text.isascii():
            raise ValueError
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("the text is not a date and time such as 2026-01-31T08:30:00Z") from None
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def datetime_of_date(value: dt.date | None) -> dt.datetime | None:
    """Midnight UTC at the beginning of the day."""
    return None if value is None else dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)


def add_days(value: dt.date | None, days: int | None) -> dt.date | None:
    """Later by whole days; a date stays a date, a time keeps its time of day."""
    return None if value is None or days is None else value + dt.timedelta(days=days)


def subtract_days(value: dt.date | None, days: int | None) -> dt.date | None:
    """Earlier by whole days."""
    return None if value is None or days is None else value - dt.timedelta(days=days)


def days_between(later: dt.date | None, earlier: dt.date | None) -> int | None:
    """Whole days from the earlier to the later date, negative if they are the other way round."""
    return None if later is None or earlier is None else (later - earlier).days


def year_of(value: dt.date | None) -> int | None:
    """1 to 9999."""
    return None if value is None else value.year


def month_of(value: dt.date | None) -> int | None:
    """1 to 12."""
    return None if value is None else value.month


def day_of(value: dt.date | None) -> int | None:
    """1 to 31."""
    return None if value is None else value.day


def text_of_date(value: dt.date | None) -> str:
    """YYYY-MM-DD."""
    return "" if value is None else value.isoformat()


def text_of_datetime(value: dt.datetime | None) -> str:
    """ISO 8601 with Z; a fraction only if there is one."""
    return "" if value is None else value.replace(tzinfo=None).isoformat() + "Z"


def text_of_time(value: dt.time | None) -> str:
    """HH:MM:SS; a fraction only if there is one."""
    return "" if value is None else value.replace(tzinfo=None).isoformat()


def format_moment(value: Moment | None, written: MomentFormat) -> str:
    """The date or time written by a pattern; nothing for NULL."""
    return "" if value is None else written.template % written.read(value)
