"""Number operations. NULL in, NULL out, unless said. Whole numbers and decimals are bounded alike.

A decimal result is never NaN, infinite or −0.
"""

from __future__ import annotations

import re
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

from formlane.formulas import limits
from formlane.formulas.runtime.refusal import Refusal

ARITHMETIC = Context(
    prec=limits.SIGNIFICANT_DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emin=-limits.LARGEST_EXPONENT,
    Emax=limits.LARGEST_EXPONENT,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""Shared by all threads: an operation changes nothing in it but flags that nobody reads."""

ZERO = Decimal(0)

_LONGEST_NUMBER = 100
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def integer_input(value: int | None) -> int | None:
    """The input, if it is a whole number within range."""
    if value is None:
        return None
    if type(value) is not int:
        raise Refusal("the input does not hold a whole number")
    return _bounded(value)


def decimal_input(value: Decimal | int | None) -> Decimal | None:
    """The input as a decimal, if it is a number within range."""
    if value is None:
        return None
    if type(value) is int:
        value = Decimal(_bounded(value))
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Refusal("the input does not hold a number")
    if not value:
        return ZERO
    if abs(value.adjusted()) > limits.LARGEST_EXPONENT:
        raise Refusal("the input's number is out of range")
    return value


def add_integers(one: int | None, other: int | None) -> int | None:
    """Sum."""
    return None if one is None or other is None else _bounded(one + other)


def subtract_integers(one: int | None, other: int | None) -> int | None:
    """Difference."""
    return None if one is None or other is None else _bounded(one - other)


def multiply_integers(one: int | None, other: int | None) -> int | None:
    """Product."""
    return None if one is None or other is None else _bounded(one * other)


def negate_integer(value: int | None) -> int | None:
    """With the other sign."""
    return None if value is None else -value


def add_decimals(one: Decimal | int | None, other: Decimal | int | None) -> Decimal | None:
    """Sum."""
    return None if one is None or other is None else ARITHMETIC.add(one, other) or ZERO


def subtract_decimals(one: Decimal | int | None, other: Decimal | int | None) -> Decimal | None:
    """Difference."""
    return None if one is None or other is None else ARITHMETIC.subtract(one, other) or ZERO


def multiply_decimals(one: Decimal | int | None, other: Decimal | int | None) -> Decimal | None:
    """Product."""
    return None if one is None or other is None else ARITHMETIC.multiply(one, other) or ZERO


def divide(one: Decimal | int | None, other: Decimal | int | None) -> Decimal | None:
    """Quotient; refuses a divisor of 0."""
    if one is None or other is None:
        return None
    if not other:
        raise Refusal("division by zero")
    return ARITHMETIC.divide(one, other) or ZERO


def negate_decimal(value: Decimal | None) -> Decimal | None:
    """With the other sign."""
    return None if value is None else ARITHMETIC.minus(value) or ZERO


def round_to_decimal(value: Decimal | int | None, places: int) -> Decimal | None:
    """Rounded half away from zero; negative places round to tens, hundreds and so on."""
    return None if value is None else _rounded(value, places)


def round_to_integer(value: Decimal | int | None, places: int) -> int | None:
    """The same for places up to 0, as a whole number."""
    return None if value is None else _bounded_decimal(_rounded(value, places))


def decimal_of_integer(value: int | None) -> Decimal | None:
    """The same number."""
    return None if value is None else Decimal(value)


def count_of(value: Decimal | int | None) -> int:
    """A whole number: the fraction cut off, 0 for NULL."""
    return 0 if value is None else _bounded(int(value))


def whole_of(value: Decimal | int | None) -> int | None:
    """A whole number: the fraction cut off."""
    return None if value is None else _bounded(int(value))


def number_of_text(text: str) -> Decimal | None:
    """The number written in the text, spaces around it ignored; NULL for a blank text.

    Digits are 0 to 9, the decimal separator is a point; nothing separates thousands.
    """
    text = text.strip(" ")
    if not text:
        return None
    if len(text) > _LONGEST_NUMBER or _NUMBER.fullmatch(text) is None:
        raise Refusal("the text is not a number such as -1234.5")
    number = Decimal(text)
    if len(number.as_tuple().digits) > limits.SIGNIFICANT_DIGITS:
        raise Refusal(f"the number has more than {limits.SIGNIFICANT_DIGITS} digits")
    return number or ZERO


def text_of_integer(value: int | None) -> str:
    """Digits, with a sign if negative."""
    return "" if value is None else str(value)


def text_of_decimal(value: Decimal | None) -> str:
    """All digits, without exponent and without zeros at the end of the fraction."""
    if value is None:
        return ""
    text = format(ARITHMETIC.plus(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def text_of_pattern(value: Decimal | int | None, width: int, places: int, grouped: bool) -> str:
    """At least `width` digits before the point and exactly `places` after it, rounded like ROUND."""
    if value is None:
        return ""
    number = _rounded(value, places)
    sign = "-" if number.is_signed() else ""
    whole, point, fraction = format(number.copy_abs(), f".{places}f").partition(".")
    whole = whole.zfill(width)
    if grouped:
        head = len(whole) % 3
        groups = [whole[:head]] if head else []
        whole = ",".join(groups + [whole[at : at + 3] for at in range(head, len(whole), 3)])
    return f"{sign}{whole}{point}{fraction}"


def _rounded(value: Decimal | int, places: int) -> Decimal:
    number = ARITHMETIC.plus(value if isinstance(value, Decimal) else Decimal(value))
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or places >= -exponent:
        return number or ZERO
    if places < -limits.LARGEST_EXPONENT:
        return ZERO
    unit = Decimal((0, (1,), -places))
    rounded = number.quantize(unit, rounding=ROUND_HALF_UP, context=ARITHMETIC)
    return (rounded if places >= 0 else Decimal(int(rounded))) or ZERO


def _bounded_decimal(value: Decimal) -> int:
    return _bounded(int(value.to_integral_value(rounding=ROUND_DOWN)))


def _bounded(value: int) -> int:
    if -limits.LARGEST_INTEGER <= value <= limits.LARGEST_INTEGER:
        return value
    raise Refusal("the whole number is out of range (±10^18)")
