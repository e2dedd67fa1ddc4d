"""What a sent value becomes in a column: everything is text (Table API: all values are strings)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from formlane_sandbox.servicenow.schema import DATETIME_TYPES, DECIMAL_TYPES, INTEGER_TYPES, Column

_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_DURATION: Final = re.compile(r"(?:(?P<day>1970-01-\d\d)|(?P<days>\d{1,3})) (?P<time>\d\d:\d\d:\d\d)")
_LARGEST: Final = 2**63


def as_text(value: object) -> str:
    """A JSON value as the text that is stored; objects and lists as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return orjson.dumps(value).decode()


def normal(column: Column, text: str) -> str:
    """The text as the column's type keeps it, empty where it cannot. Length is not looked at."""
    convert = _BY_TYPE.get(column.type)
    return text if convert is None or not text else convert(text)


def from_display(column: Column, text: str, zone: ZoneInfo) -> str:
    """A date, time or choice as a person of this time zone would type it, turned to what is stored."""
    if column.type in DATETIME_TYPES and text:
        known = _datetime(text)
        if not known:
            return ""
        local = datetime.fromisoformat(known).replace(tzinfo=zone)
        return local.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if column.choices:
        return next((choice.value for choice in column.choices if choice.label == text), text)
    return text


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; UTC where the machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _boolean(text: str) -> str:
    return "true" if text.lower() in _TRUE else "false"


def _integer(text: str) -> str:
    if len(text) < 10 and text.isascii() and text.isdigit():
        return str(int(text))
    try:
        number = int(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError):
        return ""
    return str(number) if -_LARGEST <= number < _LARGEST else ""


def _decimal(places: int) -> Callable[[str], str]:
    step = Decimal(1).scaleb(-places)

    def convert(text: str) -> str:
        try:
            number = Decimal(text)
            if not number.is_finite():
                return ""
            return format(number.quantize(step) if number.as_tuple().exponent < -places else number, "f")  # type: ignore[operator] # finite
        except InvalidOperation:
            return ""

    return convert


def _datetime(text: str) -> str:
    """`YYYY-MM-DD HH:MM:SS` or a date alone; the ISO form with T and Z is not the format."""
    if len(text) == 10:
        return f"{text} 00:00:00" if _date(text) else ""
    return text if len(text) == 19 and text[10] == " " and _is_time(text) else ""


def _date(text: str) -> str:
    day = text[:10]
    return day if len(text) in (10, 19) and _is_time(f"{day} 00:00:00") else ""


def _time(text: str) -> str:
    stamp = f"1970-01-01 {text}" if len(text) == 8 else text
    return stamp if len(stamp) == 19 and _is_time(stamp) else ""


def _duration(text: str) -> str:
    """`1970-01-DD HH:MM:SS` counted from the epoch, or `D HH:MM:SS`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return ""
    if match["day"]:
        return text
    return f"{date(1970, 1, 1) + timedelta(days=int(match['days']))} {match['time']}"


def _is_time(stamp: str) -> bool:
    try:
        datetime.fromisoformat(stamp)
    except ValueError:
        return False
    return True


_BY_TYPE: Final[Mapping[str, Callable[[str], str]]] = {
    "boolean": _boolean,
    **dict.fromkeys(INTEGER_TYPES, _integer),
    **dict.fromkeys(DECIMAL_TYPES - {"float"}, _decimal(2)),
    "float": _decimal(7),
    **dict.fromkeys(DATETIME_TYPES, _datetime),
    "glide_date": _date,
    "glide_time": _time,
    "glide_duration": _duration,
}
