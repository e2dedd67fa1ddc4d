"""What a column takes, and how it is read back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from formlane_sandbox.sfmc.columns import FIXED_LENGTHS, TEXT_MOST, Column, FieldType

Value = str | int | bool | Decimal | datetime | None

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)+")
_PHONE = re.compile(r"\+?[\d\s().\-]+(\s*x\d+)?")
_LOCALE = re.compile(r"[A-Za-z]{2}(-[A-Za-z]{2})?")
_DIGITS_MOST = 10
_WHOLE = re.compile(r"[+-]?\d{1,10}")
_US_DATES = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_EARLIEST, _LATEST = 1753, 9999  # the years of SQL Server's datetime


class BadValueError(ValueError):
    """A column does not take a value; the text is the vendor's, without the column's name before it."""


Parser = Callable[[Column, object], Value]


def parser(column: Column) -> Parser:
    """What turns a given value, neither null nor an empty text, into the stored one.

    It raises BadValueError if the column does not take it. A time keeps its offset.
    """
    return _PARSERS[column.type]


def shown(value: Value) -> str:
    """The value as it is read back: always text."""
    if isinstance(value, datetime):
        hour = value.hour % 12 or 12
        return f"{value.month}/{value.day}/{value.year} {hour}:{value:%M:%S %p}"
    return "" if value is None else str(value)


def _text(column: Column, given: object) -> Value:
    text = _as_text(column, given)
    most = column.length or TEXT_MOST
    if len(text) > most or (2 * len(text) > most and not text.isascii() and _units(text) > most):
        raise BadValueError(f"The value for column [{column.name}] exceeds the maximum length of [{most}].")
    return text


def _units(text: str) -> int:
    """UTF-16 units, as SQL Server's nvarchar counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _as_text(column: Column, given: object) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, int | Decimal):
        return str(given)
    raise _not_valid(column, "Text")


def _number(column: Column, given: object) -> Value:
    if isinstance(given, str) and _WHOLE.fullmatch(given.strip()):
        given = int(given)
    if isinstance(given, Decimal) and given.adjusted() < _DIGITS_MOST and given == given.to_integral_value():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not -(2**31) <= given < 2**31:
        raise _not_valid(column, "Number")
    return given


def _decimal(column: Column, given: object) -> Value:
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        raise _not_valid(column, "Decimal")
    digits, scale = column.length or 18, column.scale or 0
    try:
        number = Decimal(given.strip() if isinstance(given, str) else given)
        if not number.is_finite() or number.adjusted() >= digits - scale:
            raise _not_valid(column, "Decimal")
        return number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    except InvalidOperation as error:
        raise _not_valid(column, "Decimal") from error


def _boolean(column: Column, given: object) -> Value:
    found = _TRUTHS.get(str(given).strip().lower()) if isinstance(given, str | int) else None
    if found is None:
        raise _not_valid(column, "Boolean")
    return found


def _date(column: Column, given: object) -> Value:
    moment = _moment(given.strip()) if isinstance(given, str) else None
    if moment is None or moment.year < _EARLIEST:
        raise _not_valid(column, "Date")
    return moment


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.year < _LATEST else None
    except ValueError:
        pass
    for form in _US_DATES:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - stored without a zone
        except ValueError:
            continue
    return None


def _email(column: Column, given: object) -> Value:
    text = given.strip() if isinstance(given, str) else ""
    if len(text) > FIXED_LENGTHS[FieldType.EMAIL] or not _EMAIL.fullmatch(text):
        raise BadValueError(
            f"The value for column [{column.name}] is not a valid email address. "
            "Parse error [InvalidEmailAddress]"
        )
    return text


def _phone(column: Column, given: object) -> Value:
    text = str(given).strip() if isinstance(given, str | int) else ""
    digits = sum(character.isdigit() for character in text)
    fits = 7 <= digits <= 15 and len(text) <= FIXED_LENGTHS[FieldType.PHONE] and _PHONE.fullmatch(text)
    if not fits:
        raise BadValueError(
            f"The value for column [{column.name}] is not a valid phone number. "
            "Parse error [ExactTarget.Core.Validation.ValidationResult[]]"
        )
    return text


def _locale(column: Column, given: object) -> Value:
    if not isinstance(given, str) or not _LOCALE.fullmatch(given.strip()):
        raise _not_valid(column, "Locale")
    return given.strip()


def _not_valid(column: Column, kind: str) -> BadValueError:
    return BadValueError(f"The value for column [{column.name}] is not a valid {kind}.")


_PARSERS: dict[FieldType, Parser] = {
    FieldType.DATE: _date,
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: _boolean,
    FieldType.EMAIL: _email,
    FieldType.PHONE: _phone,
    FieldType.LOCALE: _locale,
}
