"""What a value becomes on its way from one type to another; `docs/reference/types.md` has the table.

Nothing is lost silently: a conversion that could lose something either is marked `lossy`, so that
saving warns of it, or raises `ValueFault` for the values that would lose.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import cast

import orjson

from formlane.domain.types import TEXTUAL, FieldType, Json, Value
from formlane.domain.values import INTEGER_BOUND, LIST_SEPARATOR, READERS, ValueFault, read, render

PLAIN = frozenset({FieldType.STRING, FieldType.TEXT, FieldType.ENUM, FieldType.REFERENCE})
"""Types that take any text."""

PLAIN_FLOATS = (1e-15, 1e15)
"""Between these a JSON number is within all bounds of decimals and rendered as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How a value that is not None changes type; `apply` is None when it stays as it is.

    `lossy`: part of every value is dropped. `may_fail`: some values raise `ValueFault`.
    """

    apply: Callable[[Value], Value] | None = None
    lossy: bool = False
    may_fail: bool = False

    def __call__(self, value: Value) -> Value:
        """The value in the new type; None stays None. Raises `ValueFault`."""
        return value if self.apply is None or value is None else self.apply(value)


def conversion(source: FieldType, target: FieldType) -> Conversion | None:
    """The way from one type to the other; None when there is none that makes sense."""
    if source is target:
        return SAME
    if target is FieldType.JSON:
        return Conversion(apply=lambda value: cast(Value, render(source, value)))
    if source is FieldType.JSON:
        return _from_json(target)
    if source in TEXTUAL:
        return SAME if target in PLAIN else Conversion(apply=partial(read, target), may_fail=True)
    if (source, target) in _PAIRS:
        return _PAIRS[source, target]
    return Conversion(apply=partial(_written, source)) if target in PLAIN else None


def passage(source: FieldType, target: FieldType, way: Conversion) -> Callable[[object], Json]:
    """The way from a record's JSON to the destination's JSON in one step, for a raw value that is not None.

    Equal to reading as `source`, converting and rendering in turn; raises `ValueFault`.
    """
    reader = READERS[source]
    if way.apply is None and (target in TEXTUAL or target in (FieldType.INTEGER, FieldType.BOOLEAN)):
        return cast("Callable[[object], Json]", reader)
    if source is target and source in _PASSED:
        return _PASSED[source]
    convert = way.apply or _unchanged

    def pass_on(raw: object) -> Json:
        value = reader(raw)
        return None if value is None else render(target, convert(value))

    return pass_on


def _unchanged(value: Value) -> Value:
    return value


def _pass_decimal(raw: object) -> Json:
    if type(raw) is float and PLAIN_FLOATS[0] < raw < PLAIN_FLOATS[1]:
        return raw
    return render(FieldType.DECIMAL, read(FieldType.DECIMAL, raw))


def _pass_date(raw: object) -> Json:
    value = read(FieldType.DATE, raw)
    return raw if type(raw) is str and len(raw) == 10 and value is not None else render(FieldType.DATE, value)


def _from_json(target: FieldType) -> Conversion:
    if target in PLAIN:
        return Conversion(apply=_text_of_json)
    return Conversion(apply=partial(read, target), may_fail=True)


def _text_of_json(value: Value) -> Value:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _written(source: FieldType, value: Value) -> Value:
    """A value as text, in one spelling per type."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case tuple():
            return LIST_SEPARATOR.join(cast("tuple[str, ...]", value))
        case _:
            return cast(Value, render(source, value))


def _single(value: Value) -> Value:
    choices = cast("tuple[str, ...]", value)
    if len(choices) > 1:
        raise ValueFault("several_choices", "holds several choices where one is allowed")
    return choices[0] if choices else None


def _whole(value: Value) -> Value:
    number = cast(Decimal, value)
    if number != number.to_integral_value():
        raise ValueFault("not_an_integer", "has decimal places where a whole number is needed; round it")
    if abs(number) > INTEGER_BOUND:
        raise ValueFault("out_of_range", "is beyond ±1,000,000,000,000,000,000")
    return int(number)


def _truth(value: Value) -> Value:
    if value not in (0, 1):
        raise ValueFault("not_a_boolean", "is neither 0 nor 1")
    return value == 1


def _midnight(value: Value) -> Value:
    return dt.datetime.combine(cast(dt.date, value), dt.time(), dt.UTC)


def _date_of(value: Value) -> Value:
    return cast(dt.datetime, value).date()


def _time_of(value: Value) -> Value:
    return cast(dt.datetime, value).time()


SAME = Conversion()

_PASSED: Mapping[FieldType, Callable[[object], Json]] = {
    FieldType.DECIMAL: _pass_decimal,
    FieldType.DATE: _pass_date,
}
"""Shorter ways for a raw value to itself."""

_PAIRS: Mapping[tuple[FieldType, FieldType], Conversion] = {
    (FieldType.MULTI_ENUM, FieldType.ENUM): Conversion(apply=_single, may_fail=True),
    (FieldType.INTEGER, FieldType.DECIMAL): Conversion(apply=lambda value: Decimal(cast(int, value))),
    (FieldType.INTEGER, FieldType.BOOLEAN): Conversion(apply=_truth, may_fail=True),
    (FieldType.INTEGER, FieldType.PHONE): Conversion(
        apply=lambda value: read(FieldType.PHONE, str(value)), may_fail=True
    ),
    (FieldType.DECIMAL, FieldType.INTEGER): Conversion(apply=_whole, may_fail=True),
    (FieldType.BOOLEAN, FieldType.INTEGER): Conversion(apply=lambda value: int(cast(bool, value))),
    (FieldType.BOOLEAN, FieldType.DECIMAL): Conversion(apply=lambda value: Decimal(cast(bool, value))),
    (FieldType.DATE, FieldType.DATETIME): Conversion(apply=_midnight),
    (FieldType.DATETIME, FieldType.DATE): Conversion(apply=_date_of, lossy=True),
    (FieldType.DATETIME, FieldType.TIME): Conversion(apply=_time_of, lossy=True),
}
