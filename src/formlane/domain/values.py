"""Guarded conversions between the JSON of a record and typed values.

Only `ValueFault` is ever raised, whatever comes in. Messages never quote the value: it may be personal.
"""

from __future__ import annotations

import binascii
import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import cast

from formlane.domain.types import FieldType, Json, Value
from formlane.errors import FormlaneError

INTEGER_BOUND = 10**18
"""Integers lie within ± this, so that every destination's 64 bits hold them."""

DECIMAL_DIGITS = 38
"""Most significant digits, digits before the point, and digits after it: what SQL databases hold."""

EMAIL_LENGTH = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""

LIST_ITEMS = 1_000
JSON_DEPTH = 32
JSON_NODES = 100_000
TRUE_WORDS = frozenset({"true", "yes", "on", "1"})
FALSE_WORDS = frozenset({"false", "no", "off", "0"})
LIST_SEPARATOR = ";"

_TRUTH = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)
_EXACT_INTEGER = 2**53
_SPACE = " \t\r\n"
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?")
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f.]+(?:\.[^\s@\x00-\x1f\x7f.]+)*")
_PLAIN_EMAIL = re.compile(r"[ \t\r\n]*+[!-?A-~]{1,64}+@[!-\-/-?A-~]++(?:\.[!-\-/-?A-~]++)*+[ \t\r\n]*+")
_PHONE = re.compile(r"[+(]{0,2}[0-9][0-9 ().\-/]*(?:(?:ext\.?|x|#) ?[0-9]{1,8})?")
_URL = re.compile(r"https?://[^\s/?#\x00-\x1f\x7f]+[^\s\x00-\x1f\x7f]*", re.IGNORECASE)


class ValueFault(FormlaneError):  # noqa: N818 - names what was found
    """A value that is not of its type. `code` is for programs; `message` completes "<field> …"."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read(kind: FieldType, raw: object) -> Value:
    """The typed value of a record's JSON value; None when it is empty.

    Text is never altered, and `""` stays `""` for textual types; for all others it is empty, and
    surrounding spaces do not count. Raises `ValueFault`.
    """
    return None if raw is None else READERS[kind](raw)


def render(kind: FieldType, value: Value) -> Json:
    """The JSON of a typed value, as documented in `docs/reference/types.md`.

    `render(kind, read(kind, raw))` is a fixed point: reading and rendering it again changes nothing.
    Raises `ValueFault` for a value that its type cannot hold.
    """
    if kind is FieldType.JSON:
        return cast(Json, _read_json(value))
    match value:
        case None | bool() | str():
            return value
        case int():
            return _within(value)
        case Decimal():
            return _number(bounded(value))
        case dt.datetime():
            return _in_utc(value).replace(tzinfo=None).isoformat() + "Z"
        case dt.date() | dt.time():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            raise ValueFault("wrong_type", f"is {shape(value)}, which a {kind} field cannot hold")


def is_empty(value: object) -> bool:
    """Whether nothing was answered: None, empty text or an empty choice."""
    return value is None or value in ("", ())


def shape(raw: object) -> str:
    """What kind of JSON a value is, in plain words: "a number", "a list"."""
    match raw:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float() | Decimal():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
        case _:
            return "not JSON"


def bounded(value: Decimal) -> Decimal:
    """The decimal itself within the stated bounds, written without exponent; -0 becomes 0."""
    if not value.is_finite():
        raise ValueFault("out_of_range", "is not a finite number")
    if not value:
        return Decimal(0)
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if len(digits) > DECIMAL_DIGITS or exponent < -DECIMAL_DIGITS or value.adjusted() >= DECIMAL_DIGITS:
        raise ValueFault("out_of_range", f"has more than {DECIMAL_DIGITS} digits")
    return Decimal(int(value)) if exponent > 0 else value


def encodable(text: str) -> bool:
    """Whether text has a UTF-8 form: no lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_text(raw: object) -> str:
    if type(raw) is not str:
        raise ValueFault("not_text", f"must be text, not {shape(raw)}")
    if not encodable(raw):
        raise ValueFault("not_encodable", "contains half of a surrogate pair, which is not text; remove it")
    return raw


def _read_reference(raw: object) -> str:
    if type(raw) is int and abs(raw) <= INTEGER_BOUND:
        return str(raw)
    return _read_text(raw)


def _shaped(
    pattern: re.Pattern[str], longest: int, code: str, message: str, *, plain: re.Pattern[str] | None = None
) -> Callable[[object], str]:
    """A light check: surrounding spaces do not count and are kept.

    `plain` finds most values faster; it matches nothing that `pattern` would not, spaces aside.
    """
    is_plain = (plain or pattern).fullmatch

    def read_shaped(raw: object) -> str:
        if type(raw) is str and raw.isascii() and len(raw) <= longest and is_plain(raw):
            return raw
        text = _read_text(raw)
        core = text.strip(_SPACE)
        if core and (len(core) > longest or pattern.fullmatch(core) is None):
            raise ValueFault(code, message)
        return text

    return read_shaped


def _read_binary(raw: object) -> str:
    text = _read_text(raw)
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except (ValueError, binascii.Error):
        raise ValueFault("not_base64", "is not base64 (RFC 4648, section 4, with padding)") from None
    return text


def _core(raw: object, code: str, message: str) -> str | None:
    """Text without surrounding spaces, None if empty; anything else is a fault."""
    if type(raw) is not str:
        raise ValueFault(code, f"{message}, not {shape(raw)}")
    return raw.strip(_SPACE) or None


def _within(value: int) -> int:
    if not -INTEGER_BOUND <= value <= INTEGER_BOUND:
        raise ValueFault("out_of_range", "is beyond ±1,000,000,000,000,000,000")
    return value


def _read_integer(raw: object) -> int | None:
    if type(raw) is int:
        return _within(raw)
    if type(raw) is str and len(raw) < 19 and raw.isascii() and raw.isdigit():
        return int(raw)
    if type(raw) is float and raw.is_integer() and abs(raw) <= _EXACT_INTEGER:
        return int(raw)
    text = _core(raw, "not_an_integer", "must be a whole number such as 250")
    if text is None:
        return None
    if _INTEGER.fullmatch(text) is None:
        raise ValueFault("not_an_integer", "is not a whole number such as 250")
    return _within(int(text))


def _read_decimal(raw: object) -> Decimal | None:
    if type(raw) is int:
        if abs(raw) >= 10**DECIMAL_DIGITS:
            raise ValueFault("out_of_range", f"has more than {DECIMAL_DIGITS} digits")
        return Decimal(raw)
    if type(raw) is float:
        if not math.isfinite(raw):
            raise ValueFault("out_of_range", "is not a finite number")
        return bounded(Decimal(repr(raw)))
    text = _core(raw, "not_a_decimal", "must be a number such as 12.50")
    if text is None:
        return None
    if len(text) > 3 * DECIMAL_DIGITS or _DECIMAL.fullmatch(text) is None:
        raise ValueFault("not_a_decimal", "is not a number such as 12.50, with a point and no separators")
    return bounded(Decimal(text))


def _number(value: Decimal) -> int | float | str:
    """A JSON number where it says exactly the same, else text."""
    if value == value.to_integral_value() and value.as_tuple().exponent == 0 and abs(value) <= _EXACT_INTEGER:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else format(value, "f")


def _read_boolean(raw: object) -> bool | None:
    if type(raw) is bool:
        return raw
    if type(raw) is int and raw in (0, 1):
        return raw == 1
    if type(raw) is str and raw in _TRUTH:
        return _TRUTH[raw]
    text = _core(raw, "not_a_boolean", "must be true or false")
    if text is None:
        return None
    if (truth := _TRUTH.get(text.lower())) is not None:
        return truth
    raise ValueFault("not_a_boolean", "is neither true/yes/on/1 nor false/no/off/0")


def _read_date(raw: object) -> dt.date | None:
    if type(raw) is str and len(raw) == 10 and raw[4] == raw[7] == "-":  # not 2024-W01-1
        try:
            return dt.date.fromisoformat(raw)
        except ValueError:
            raise ValueFault(
                "not_a_date", "is not a day of the calendar written year-month-day, such as 2024-12-31"
            ) from None
    text = _core(raw, "not_a_date", "must be a date such as 2024-12-31")
    if text is None:
        return None
    if text != raw:
        return _read_date(text)
    raise ValueFault("not_a_date", "is not a day of the calendar written year-month-day, such as 2024-12-31")


def _read_datetime(raw: object) -> dt.datetime | None:
    text = _core(raw, "not_a_datetime", "must be a date and time such as 2024-12-31T18:30:00Z")
    if text is None:
        return None
    found = _DATETIME.fullmatch(text)
    if found is None:
        raise ValueFault("not_a_datetime", "is not a date and time such as 2024-12-31T18:30:00Z")
    if found["zone"] is None:
        raise ValueFault("no_time_zone", "has no time zone; end it with Z or an offset such as +02:00")
    try:
        return _in_utc(dt.datetime.fromisoformat(text.upper()))
    except ValueError:
        raise ValueFault("not_a_datetime", "names a date or time that does not exist") from None


def _in_utc(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueFault("no_time_zone", "has no time zone")
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise ValueFault("out_of_range", "lies outside the years 1 to 9999 in UTC") from None


def _read_time(raw: object) -> dt.time | None:
    text = _core(raw, "not_a_time", "must be a time of day such as 18:30")
    if text is None:
        return None
    try:
        if _TIME.fullmatch(text) is not None:
            return dt.time.fromisoformat(text)
    except ValueError:
        pass
    raise ValueFault("not_a_time", "is not a time of day such as 18:30 or 18:30:15, without zone")


def _read_choices(raw: object) -> tuple[str, ...] | None:
    items: list[object] | tuple[object, ...]
    if type(raw) is str:
        items = [item.strip(_SPACE) for item in raw.split(LIST_SEPARATOR, LIST_ITEMS)]
    elif isinstance(raw, list | tuple):
        items = raw
    else:
        raise ValueFault("not_a_list", f"must be a list of texts, or texts joined by ;, not {shape(raw)}")
    if len(items) > LIST_ITEMS:
        raise ValueFault("out_of_range", f"has more than {LIST_ITEMS:,} choices")
    return tuple(text for text in map(_read_text, items) if text) or None


def _read_json(raw: object) -> object:
    """The value itself, after a walk without recursion."""
    level: list[object] = [raw]
    seen = 0
    for _ in range(JSON_DEPTH + 1):
        inner: list[object] = []
        for node in level:
            inner.extend(_parts_of(node))
        seen += len(inner)
        if seen > JSON_NODES:
            raise ValueFault("out_of_range", f"has more than {JSON_NODES:,} values")
        if not inner:
            return raw
        level = inner
    raise ValueFault("too_deep", f"is nested more than {JSON_DEPTH} deep")


def _parts_of(node: object) -> list[object]:
    match node:
        case None | bool():
            return []
        case str():
            _read_text(node)
            return []
        case int() if -(2**63) <= node < 2**64:
            return []
        case float() if math.isfinite(node):
            return []
        case list() | tuple():
            return list(node)
        case dict():
            for key in node:
                _read_text(key)
            return list(node.values())
        case _:
            raise ValueFault("not_json", "contains a value that JSON cannot hold, or a number beyond 64 bits")


PHONE_LENGTH = 64
URL_LENGTH = 8_192

PLAIN_SHAPES: Mapping[FieldType, tuple[int, Callable[[str], object]]] = {
    FieldType.EMAIL: (EMAIL_LENGTH, _PLAIN_EMAIL.fullmatch),
    FieldType.PHONE: (PHONE_LENGTH, _PHONE.fullmatch),
    FieldType.URL: (URL_LENGTH, _URL.fullmatch),
}
"""By type, how long an ASCII text may be and what it must match to be read as it stands; most are."""

READERS: Mapping[FieldType, Callable[[object], Value]] = {
    FieldType.STRING: _read_text,
    FieldType.TEXT: _read_text,
    FieldType.ENUM: _read_text,
    FieldType.REFERENCE: _read_reference,
    FieldType.EMAIL: _shaped(
        _EMAIL,
        EMAIL_LENGTH,
        "not_an_email",
        "is not an email address such as name@example.org",
        plain=_PLAIN_EMAIL,
    ),
    FieldType.PHONE: _shaped(
        _PHONE, PHONE_LENGTH, "not_a_phone", "is not a telephone number such as +1 (555) 010-2345"
    ),
    FieldType.URL: _shaped(
        _URL, URL_LENGTH, "not_a_url", "is not a web address such as https://example.org/page"
    ),
    FieldType.BINARY: _read_binary,
    FieldType.INTEGER: _read_integer,
    FieldType.DECIMAL: _read_decimal,
    FieldType.BOOLEAN: _read_boolean,
    FieldType.DATE: _read_date,
    FieldType.DATETIME: _read_datetime,
    FieldType.TIME: _read_time,
    FieldType.MULTI_ENUM: _read_choices,
    FieldType.JSON: cast("Callable[[object], Value]", _read_json),
}
"""Reader per type, for a raw value that is not None."""
