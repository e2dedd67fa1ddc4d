"""Reading and checking one value per field type (Object Reference, Primitive Data Types).

A converter takes a decoded JSON value and gives what is stored. It raises `WrongTypeError` where the platform
could not deserialize the request, and `RecordError` where it refuses the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from formlane_sandbox.salesforce.errors import RecordError, WrongTypeError
from formlane_sandbox.salesforce.identifiers import canonical
from formlane_sandbox.salesforce.schema import DECIMALS, TEXTS, Field, Kind

Value = str | int | float | bool | None
Row = dict[str, Value]
Converter = Callable[[object], Value]

_STORED_ZONE = ".000+0000"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)")
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z?")
_EMAIL = re.compile(r"[^@\s<>(),;:\"\[\]]+@[^@\s.<>(),;:\"\[\]]+(\.[^@\s.<>(),;:\"\[\]]+)+")


def converter(field: Field) -> Converter:
    """The converter of a field; null passes every one but a boolean's."""
    if field.kind is Kind.STRING:
        return _text(field)
    if field.kind in TEXTS:
        return _email(field) if field.kind is Kind.EMAIL else _text(field)
    if field.kind in DECIMALS:
        return _decimal(field)
    return _MAKERS[field.kind](field)


def instant(moment: datetime) -> str:
    """A datetime as it is stored and read back: UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + _STORED_ZONE


def _text(field: Field) -> Converter:
    most = field.length

    def convert(value: object) -> Value:
        if isinstance(value, str):
            if len(value) <= most:
                return value or None
            raise too_long(field, value)
        if value is None:
            return None
        raise WrongTypeError("string", value)

    return convert


def too_long(field: Field, value: str) -> RecordError:
    """The message has the label, `fields` the API name."""
    message = f"{field.shown}: data value too large: {value} (max length={field.length})"
    return RecordError("STRING_TOO_LONG", message, (field.name,))


def _email(field: Field) -> Converter:
    text = _text(field)

    def convert(value: object) -> Value:
        found = text(value)
        if found is not None and _EMAIL.fullmatch(str(found)) is None:
            message = f"{field.shown}: invalid email address: {found}"
            raise RecordError("INVALID_EMAIL_ADDRESS", message, (field.name,))
        return found

    return convert


def _boolean(field: Field) -> Converter:
    def convert(value: object) -> Value:
        if isinstance(value, bool):
            return value
        if value is None:
            message = f"{field.shown}: value not of required type: null"
            raise RecordError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (field.name,))
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise WrongTypeError("boolean", value)

    return convert


def _decimal(field: Field) -> Converter:
    scale, whole = field.scale, 10 ** (field.precision - field.scale)
    step = Decimal(1).scaleb(-scale)

    def convert(value: object) -> Value:
        if value is None:
            return None
        if isinstance(value, float) and round(value, scale) == value and abs(value) < whole:
            return value
        number = _number(field, value)
        rounded = number.quantize(step, ROUND_HALF_UP)
        if abs(rounded) >= whole:
            raise _out_of_range(field, value)
        return float(rounded)

    return convert


def _integer(field: Field) -> Converter:
    limit = 10 ** (field.digits or 18)

    def convert(value: object) -> Value:
        if value is None:
            return None
        number = _number(field, value)
        if number != number.to_integral_value():
            raise WrongTypeError(field.kind.value, value)
        if abs(number) >= limit:
            raise _out_of_range(field, value)
        return int(number)

    return convert


def _number(field: Field, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise WrongTypeError(field.kind.value, value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise WrongTypeError(field.kind.value, value) from None
    if not number.is_finite():
        raise WrongTypeError(field.kind.value, value)
    if abs(number.adjusted()) > 400:
        raise _out_of_range(field, value)
    return number


def _out_of_range(field: Field, value: object) -> RecordError:
    message = f"{field.shown}: value outside of valid range on numeric field: {value}"
    return RecordError("NUMBER_OUTSIDE_VALID_RANGE", message, (field.name,))


def _date(field: Field) -> Converter:
    def convert(value: object) -> Value:
        if value is None:
            return None
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError:
                pass  # no such day
        raise WrongTypeError("date", value)

    return convert


def _datetime(field: Field) -> Converter:
    def convert(value: object) -> Value:
        if value is None:
            return None
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            try:
                moment = datetime.fromisoformat(value)
                return value[:19] + _STORED_ZONE if value[-1] == "Z" else instant(moment)
            except (ValueError, OverflowError):
                pass  # no such instant
        raise WrongTypeError("datetime", value)

    return convert


def _time(field: Field) -> Converter:
    def convert(value: object) -> Value:
        if value is None:
            return None
        if isinstance(value, str) and _TIME.fullmatch(value):
            try:
                moment = time.fromisoformat(value.removesuffix("Z"))
            except ValueError:
                pass  # no such time of day
            else:
                return moment.isoformat(timespec="milliseconds") + "Z"
        raise WrongTypeError("time", value)

    return convert


def _reference(field: Field) -> Converter:
    def convert(value: object) -> Value:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise WrongTypeError("reference", value)
        found = canonical(value)
        if found is None:
            message = f"{field.shown}: id value of incorrect type: {value}"
            raise RecordError("MALFORMED_ID", message, (field.name,))
        return found

    return convert


def _picklist(field: Field) -> Converter:
    active = frozenset(choice.value for choice in field.choices if choice.active)
    text = _text(field)

    def convert(value: object) -> Value:
        found = text(value)
        if field.restricted and found is not None and found not in active:
            raise _bad_choice(field, value)
        return found

    return convert


def _multipicklist(field: Field) -> Converter:
    active = frozenset(choice.value for choice in field.choices if choice.active)

    def convert(value: object) -> Value:
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise WrongTypeError("string", value)
        picked = value.split(";")
        if field.restricted and not active.issuperset(picked):
            raise _bad_choice(field, value)
        return ";".join(dict.fromkeys(picked))

    return convert


def _bad_choice(field: Field, value: object) -> RecordError:
    message = f"{field.shown}: bad value for restricted picklist field: {value}"
    return RecordError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))


def _unwritable(field: Field) -> Converter:
    def convert(value: object) -> Value:
        return None  # refused as not createable and not updateable

    return convert


_MAKERS: dict[Kind, Callable[[Field], Converter]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INT: _integer,
    Kind.LONG: _integer,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.TIME: _time,
    Kind.ID: _reference,
    Kind.REFERENCE: _reference,
    Kind.PICKLIST: _picklist,
    Kind.MULTIPICKLIST: _multipicklist,
    Kind.ADDRESS: _unwritable,
}
