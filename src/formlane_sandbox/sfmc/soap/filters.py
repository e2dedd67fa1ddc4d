"""Filters of a SOAP retrieve.

Source: Marketing Cloud SOAP API, "SimpleFilterPart", "ComplexFilterPart", "SimpleOperators".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from formlane_sandbox.sfmc.soap.message import kind_of, text_of

Properties = Mapping[str, str]
Test = Callable[[Properties], bool]
Comparable = tuple[int, Decimal | str]


class BadFilterError(ValueError):
    """A filter that is not understood."""


def compiled(element: Element | None, known: frozenset[str]) -> Test:
    """A test of a record's properties by name; BadFilterError for unknown properties and operators."""
    if element is None or not len(element):
        return lambda record: True
    if kind_of(element) == "ComplexFilterPart" or element.find("LeftOperand") is not None:
        return _complex(element, known)
    return _simple(element, known)


def _complex(element: Element, known: frozenset[str]) -> Test:
    operands = [element.find("LeftOperand"), element.find("RightOperand")]
    operands += element.findall("AdditionalOperands/Operand")
    tests = [compiled(operand, known) for operand in operands if operand is not None]
    joined = any if text_of(element, "LogicalOperator").upper() == "OR" else all
    return lambda record: joined(test(record) for test in tests)


def _simple(element: Element, known: frozenset[str]) -> Test:
    name, operator = text_of(element, "Property"), text_of(element, "SimpleOperator")
    values = [(value.text or "").strip() for value in element.findall("Value")]
    if name.lower() not in known:
        raise BadFilterError(f"The Filter Property '{name}' is not a retrievable property.")
    compare = _OPERATORS.get(operator)
    if compare is None:
        raise BadFilterError(f"The operator '{operator}' is not valid.")
    return lambda record: compare(record.get(name.lower(), ""), values or [""])


def _comparable(text: str) -> Comparable:
    try:
        return (0, Decimal(text))
    except InvalidOperation:
        return (1, text.rstrip().casefold())


def _like(text: str, values: list[str]) -> bool:
    parts = (re.escape(part) for part in values[0].split("%"))
    return re.fullmatch(".*".join(parts), text, re.IGNORECASE | re.DOTALL) is not None


def _same(text: str, value: str) -> bool:
    return text.rstrip().casefold() == value.rstrip().casefold()


def _between(text: str, values: list[str]) -> bool:
    return _comparable(values[0]) <= _comparable(text) <= _comparable(values[-1])


_OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "equals": lambda text, values: _same(text, values[0]),
    "notEquals": lambda text, values: not _same(text, values[0]),
    "IN": lambda text, values: any(_same(text, value) for value in values),
    "isNull": lambda text, values: text == "",
    "isNotNull": lambda text, values: text != "",
    "greaterThan": lambda text, values: _comparable(text) > _comparable(values[0]),
    "lessThan": lambda text, values: _comparable(text) < _comparable(values[0]),
    "greaterThanOrEqual": lambda text, values: _comparable(text) >= _comparable(values[0]),
    "lessThanOrEqual": lambda text, values: _comparable(text) <= _comparable(values[0]),
    "between": _between,
    "like": _like,
}
