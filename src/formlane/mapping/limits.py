"""What a value must keep before it is sent: length, choices, digits. Nothing is ever cut or rounded."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import inf
from typing import cast

from formlane.domain.flows import FieldMapping
from formlane.domain.outcomes import Reason
from formlane.domain.types import TEXTUAL, FieldType, Value
from formlane.domain.values import encodable
from formlane.errors import FormlaneError

CHOOSING = TEXTUAL | {FieldType.MULTI_ENUM}
"""Types that `choices` restrict."""

NUMERIC = frozenset({FieldType.INTEGER, FieldType.DECIMAL})
"""Types that `digits` and `decimals` restrict."""


class LineFault(FormlaneError):  # noqa: N818 - names what was found
    """A value that may not be sent; turned into a `MappingError`."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def check_limits(mapping: FieldMapping, value: Value) -> None:
    """Raises `LineFault` when a value, not empty, is too long, no choice, or has too many digits."""
    if isinstance(value, str) and mapping.type in TEXTUAL:
        _check_text(mapping, value)
    if mapping.choices and mapping.type in CHOOSING:
        chosen = value if isinstance(value, tuple) else (value,)
        if not set(mapping.choices).issuperset(cast("tuple[str, ...]", chosen)):
            raise LineFault(Reason.INVALID_VALUE, "is not one of the values that the destination offers")
    if counts_digits(mapping) and isinstance(value, int | Decimal):
        _check_number(mapping, value)


def counts_digits(mapping: FieldMapping) -> bool:
    """Whether a line has limits for its numbers."""
    return mapping.type in NUMERIC and not (mapping.digits is None and mapping.decimals is None)


def digits_test(mapping: FieldMapping) -> Callable[[int | float | str], bool]:
    """A test of the line's JSON numbers that is quick for usual ones and never wrong when it says yes."""
    digits, decimals = mapping.digits, mapping.decimals
    bound = inf if digits is None else 10 ** max(digits - (decimals or 0), 0)

    def keeps(value: int | float | str) -> bool:
        if type(value) is int:
            return -bound < value < bound
        if type(value) is float and decimals is not None:
            return -bound < value < bound and round(value, decimals) == value
        try:
            _check_number(mapping, Decimal(str(value)))
        except LineFault:
            return False
        return True

    return keeps


def _check_text(mapping: FieldMapping, value: str) -> None:
    if not encodable(value):
        raise LineFault(Reason.NOT_ENCODABLE, "contains half of a surrogate pair, which is not text")
    if mapping.max_length is not None and len(value) > mapping.max_length:
        raise LineFault(
            Reason.TOO_LARGE,
            f"has {len(value):,} characters, the destination takes {mapping.max_length:,}; "
            f"shorten it, for instance with LEFT(…, {mapping.max_length})",
        )


def _check_number(mapping: FieldMapping, value: int | Decimal) -> None:
    before, _, after = format(Decimal(value), "f").lstrip("-").partition(".")
    whole, places = len(before.lstrip("0")), len(after.rstrip("0"))
    if mapping.decimals is not None and places > mapping.decimals:
        raise LineFault(
            Reason.INVALID_VALUE,
            f"has {places} decimal places, the destination keeps {mapping.decimals}; "
            f"round it, for instance with ROUND(…, {mapping.decimals})",
        )
    if mapping.digits is None:
        return
    if mapping.decimals is None and whole + places > mapping.digits:
        raise LineFault(
            Reason.INVALID_VALUE, f"has {whole + places} digits, the destination takes {mapping.digits}"
        )
    room = max(mapping.digits - (mapping.decimals or 0), 0)
    if mapping.decimals is not None and whole > room:
        raise LineFault(
            Reason.INVALID_VALUE, f"has {whole} digits before the point, the destination takes {room}"
        )
