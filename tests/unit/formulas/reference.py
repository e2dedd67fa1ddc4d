"""A second, naive implementation: walks the syntax tree, decides everything by the values it meets.

It knows as much of the language as `trees.py` generates.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DecimalException, localcontext
from fractions import Fraction
from typing import TypeAlias

from formlane.formulas.syntax import Binary, Call, Join, Literal, Name, Negate, Node

Datum: TypeAlias = str | int | Decimal | bool | dt.date | None

TEXT_INPUTS = {"first_name", "last_name"}
TEXT_CALLS = {
    "TRIM", "UPPER", "LOWER", "PROPER", "LEFT", "RIGHT", "MID", "SUBSTITUTE", "TEXT", "DATE_FORMAT",
}  # fmt: skip
MOST_CHARACTERS = 32_768
LARGEST = 10**18
DECIMALS = Context(prec=34, Emax=99, Emin=-99)


class NoResult(Exception):  # noqa: N818 - the counterpart of FormulaFault
    """The formula fails on these values."""


def evaluated(node: Node, values: Mapping[str, Datum], today: dt.date) -> Datum:
    """The value of the tree; raises `NoResult`."""
    return _Walk(values, today).value(node)


class _Walk:
    def __init__(self, values: Mapping[str, Datum], today: dt.date) -> None:
        self.values = values
        self.today = today

    def value(self, node: Node) -> Datum:
        match node:
            case Literal():
                return node.value
            case Name():
                return self.values.get(node.name)
            case Negate():
                return arithmetic("*", -1, self.value(node.operand))
            case Join():
                return limited("".join([text(self.value(part)) for part in node.parts]))
            case Binary():
                left, right = self.value(node.left), self.value(node.right)
                if node.operator in {"+", "-", "*", "/"}:
                    return arithmetic(node.operator, left, right)
                return compared(node.operator, left, right, is_text(node.left) or is_text(node.right))
            case Call():
                lazy = getattr(self, f"call_{node.name.lower()}", None)
                if lazy is not None:
                    result: Datum = lazy(*node.arguments)
                    return result
                return FUNCTIONS[node.name](*(self.value(argument) for argument in node.arguments))

    def call_if(self, condition: Node, then: Node, otherwise: Node) -> Datum:
        return self.value(then if self.value(condition) is True else otherwise)

    def call_and(self, *conditions: Node) -> bool:
        return all(self.value(condition) is True for condition in conditions)

    def call_or(self, *conditions: Node) -> bool:
        return any(self.value(condition) is True for condition in conditions)

    def call_coalesce(self, *nodes: Node) -> Datum:
        found: Datum = None
        for node in nodes:
            found = self.value(node)
            if found is not None and found != "":
                return found
        return found

    def call_case(self, selector: Node, *arms: Node) -> Datum:
        chosen = self.value(selector)
        textual = is_text(selector)
        for choice, result in zip(arms[:-1:2], arms[1::2], strict=True):
            if compared("=", chosen, self.value(choice), textual):
                return self.value(result)
        return self.value(arms[-1])

    def call_today(self) -> dt.date:
        return self.today


def is_text(node: Node) -> bool:
    match node:
        case Literal():
            return isinstance(node.value, str)
        case Name():
            return node.name in TEXT_INPUTS or node.name.startswith("text_")
        case Join():
            return True
        case Call():
            if node.name in {"IF", "COALESCE"}:
                return is_text(node.arguments[-1])
            if node.name == "CASE":
                return is_text(node.arguments[-1])
            return node.name in TEXT_CALLS
        case _:
            return False


def text(value: Datum) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Decimal):
        plain = format(DECIMALS.plus(value), "f")
        while "." in plain and plain[-1] in "0.":
            plain = plain[:-1]
        return plain
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def limited(value: str) -> str:
    if len(value) > MOST_CHARACTERS:
        raise NoResult
    return value


def whole(value: Datum) -> int:
    number = int(value) if isinstance(value, int | Decimal) else 0
    if abs(number) > LARGEST:
        raise NoResult
    return number


def arithmetic(operator: str, left: Datum, right: Datum) -> Datum:
    if left is None or right is None:
        return None
    try:
        if isinstance(left, dt.date):
            return shifted(operator, left, right)
        assert isinstance(left, int | Decimal)
        assert isinstance(right, int | Decimal)
        if isinstance(left, int) and isinstance(right, int) and operator != "/":
            return whole({"+": left + right, "-": left - right, "*": left * right}[operator])
        with localcontext(DECIMALS):
            one, other = Decimal(left), Decimal(right)
            compute: dict[str, Callable[[], Decimal]] = {
                "+": lambda: one + other,
                "-": lambda: one - other,
                "*": lambda: one * other,
                "/": lambda: one / other,
            }
            return compute[operator]()
    except (DecimalException, OverflowError, ZeroDivisionError):
        raise NoResult from None


def shifted(operator: str, left: dt.date, right: Datum) -> Datum:
    if isinstance(right, dt.date):
        return (left - right).days
    assert isinstance(right, int)
    return left + dt.timedelta(days=right if operator == "+" else -right)


def compared(operator: str, left: Datum, right: Datum, textual: bool) -> bool:
    if textual:
        left, right = text(left).casefold(), text(right).casefold()
    if operator == "=":
        return left == right
    if operator == "<>":
        return left != right
    if left is None or right is None:
        return False
    less = left < right  # type: ignore[operator]  # generated trees compare like with like
    return {"<": less, "<=": less or left == right, ">": not less and left != right, ">=": not less}[operator]


def trimmed(value: Datum) -> str:
    return " ".join(word for word in text(value).split(" ") if word)


def left_of(value: Datum, count: Datum) -> str:
    if whole(count) < 0:
        raise NoResult
    return "".join(character for place, character in enumerate(text(value)) if place < whole(count))


def right_of(value: Datum, count: Datum) -> str:
    return left_of(text(value)[::-1], count)[::-1]


def middle_of(value: Datum, start: Datum, count: Datum) -> str:
    if whole(start) < 1:
        raise NoResult
    return left_of(text(value)[whole(start) - 1 :], count)


def substituted(value: Datum, old: Datum, new: Datum) -> str:
    return limited(text(new).join(text(value).split(text(old)))) if text(old) else text(value)


def number_in(value: Datum) -> Decimal | None:
    written = text(value).strip(" ")
    if not written:
        return None
    digits = written[1:] if written[0] in "+-" else written
    head, _, tail = digits.partition(".")
    if not (head + tail) or not all(character in "0123456789" for character in head + tail):
        raise NoResult
    return Decimal(written)


def rounded(value: Datum, places: Datum) -> Datum:
    if value is None:
        return None
    assert isinstance(value, int | Decimal)
    unit = Fraction(10) ** whole(places)
    scaled = math.floor(abs(Fraction(value)) * unit + Fraction(1, 2))
    exact = Fraction(scaled if value >= 0 else -scaled) / unit
    result = Decimal(exact.numerator) / Decimal(exact.denominator)
    return whole(result) if whole(places) <= 0 else result


def date_in(value: Datum) -> dt.date | None:
    written = text(value).strip(" ")
    if not written:
        return None
    try:
        return dt.datetime.strptime(written, "%Y-%m-%d").date() if len(written) == 10 else day(0, 0, 0)  # noqa: DTZ007
    except ValueError:
        raise NoResult from None


def day(year: Datum, month: Datum, number: Datum) -> dt.date | None:
    if year is None or month is None or number is None:
        return None
    try:
        return dt.date(whole(year), whole(month), whole(number))
    except (ValueError, OverflowError):
        raise NoResult from None


def fixed(value: Datum, pattern: Datum) -> str:
    places = len(str(pattern).partition(".")[2])
    if value is None:
        return ""
    exact = rounded(Decimal(value) if isinstance(value, int) else value, places)
    shown = f"{Decimal(exact) if isinstance(exact, int) else exact:,.{places}f}"
    shown = shown if "," in str(pattern) else shown.replace(",", "")
    return shown.removeprefix("-") if not shown.strip("-0.,") else shown


FUNCTIONS: dict[str, Callable[..., Datum]] = {
    "TRIM": trimmed,
    "UPPER": lambda value: limited(text(value).upper()),
    "LOWER": lambda value: limited(text(value).lower()),
    "PROPER": lambda value: limited(text(value).title()),
    "LEFT": left_of,
    "RIGHT": right_of,
    "MID": middle_of,
    "LEN": lambda value: len(text(value)),
    "SUBSTITUTE": substituted,
    "CONTAINS": lambda value, part: text(value).find(text(part)) >= 0,
    "FIND": lambda part, value: text(value).find(text(part)) + 1,
    "EXACT": lambda one, other: text(one) == text(other),
    "TEXT": lambda value, pattern=None: text(value) if pattern is None else fixed(value, pattern),
    "VALUE": number_in,
    "NOT": lambda value: value is not True,
    "ISBLANK": lambda value: value is None or value == "",
    "ROUND": rounded,
    "DATE": day,
    "DATEVALUE": date_in,
    "DATE_FORMAT": lambda value, pattern: "" if value is None else f"{value:%d}.{value:%m}.{value.year:04d}",
    "YEAR": lambda value: None if value is None else value.year,
    "MONTH": lambda value: None if value is None else value.month,
    "DAY": lambda value: None if value is None else value.day,
}
