"""Which kinds stand in for which, and the nodes that convert them. All raise `Mismatch`."""

from __future__ import annotations

from collections.abc import Sequence

from formlane.domain.types import FieldType
from formlane.formulas import limits
from formlane.formulas.kinds import NUMBERS, Kind, kind_of
from formlane.formulas.problems import Mismatch
from formlane.formulas.typed import UNBOUNDED, Typed, apply, constant

_WRITERS = {
    Kind.INTEGER: ("text_of_integer", 20),
    Kind.DECIMAL: ("text_of_decimal", 140),
    Kind.BOOLEAN: ("text_of_boolean", 5),
    Kind.DATE: ("text_of_date", 10),
    Kind.DATETIME: ("text_of_datetime", 32),
    Kind.TIME: ("text_of_time", 32),
    Kind.LIST: ("text_of_list", limits.TEXT_CHARACTERS),
}

_ADVICE = {
    (Kind.TEXT, Kind.DECIMAL): "Use VALUE(…) to read a number from a text.",
    (Kind.TEXT, Kind.INTEGER): "Use ROUND(VALUE(…), 0) to read a whole number from a text.",
    (Kind.DECIMAL, Kind.INTEGER): "Use ROUND(…, 0).",
    (Kind.TEXT, Kind.DATE): "Use DATEVALUE(…) to read a date from a text.",
    (Kind.DATETIME, Kind.DATE): "Use DATEVALUE(…) to take the date.",
    (Kind.TEXT, Kind.DATETIME): "Use DATETIMEVALUE(…) to read a date and time from a text.",
    (Kind.DATE, Kind.DATETIME): "Use DATETIMEVALUE(…), which gives midnight UTC.",
    (Kind.TEXT, Kind.BOOLEAN): 'Compare it: … = "yes".',
    (Kind.INTEGER, Kind.BOOLEAN): "Compare it: … = 1.",
}


def mismatch(node: Typed, wanted: Kind) -> Mismatch:
    """The refusal of a node where another kind is needed, with advice where there is some."""
    return Mismatch(
        node.span,
        f"This is {node.kind.value}, but {wanted.value} is needed.",
        _ADVICE.get((node.kind, wanted)),
    )


def as_text(node: Typed, *, bounded: bool = True) -> Typed:
    """A text that is never NULL; unless `bounded` is off, never longer than a text may be."""
    if node.kind is Kind.NULL:
        return constant("", node.span)
    if node.kind in _WRITERS:
        operation, longest = _WRITERS[node.kind]
        return apply(operation, Kind.TEXT, (node,), span=node.span, longest=longest)
    if node.kind is not Kind.TEXT:
        raise mismatch(node, Kind.TEXT)
    if node.nullable:
        node = apply("or_empty", Kind.TEXT, (node,), span=node.span, longest=node.longest)
    return within_limit(node) if bounded else node


def within_limit(node: Typed) -> Typed:
    """The text, checked at run time where its length is not known to be within the limit."""
    if node.longest <= limits.TEXT_CHARACTERS:
        return node
    check = "input_within_limit" if node.longest >= UNBOUNDED else "result_within_limit"
    return apply(check, Kind.TEXT, (node,), span=node.span)


def as_number(node: Typed) -> Typed:
    """A whole or decimal number, or NULL."""
    if node.kind not in NUMBERS:
        raise mismatch(node, Kind.DECIMAL)
    return node


def as_decimal(node: Typed) -> Typed:
    """A decimal number, or NULL."""
    if as_number(node).kind is Kind.INTEGER:
        return apply("decimal_of_integer", Kind.DECIMAL, (node,), span=node.span, nullable=node.nullable)
    return node


def as_count(node: Typed) -> Typed:
    """A whole number that is never NULL: fractions are cut off, NULL counts as 0."""
    if as_number(node).kind is Kind.INTEGER and not node.nullable:
        return node
    return apply("count_of", Kind.INTEGER, (node,), span=node.span)


def as_whole(node: Typed) -> Typed:
    """A whole number or NULL: fractions are cut off."""
    if as_number(node).kind is Kind.INTEGER:
        return node
    return apply("whole_of", Kind.INTEGER, (node,), span=node.span, nullable=True)


def as_condition(node: Typed) -> Typed:
    """TRUE, FALSE or NULL, where NULL counts as FALSE."""
    if node.kind not in {Kind.BOOLEAN, Kind.NULL}:
        raise mismatch(node, Kind.BOOLEAN)
    return node


def as_definite(node: Typed) -> Typed:
    """TRUE or FALSE: NULL becomes FALSE."""
    if as_condition(node).nullable:
        return apply("is_true", Kind.BOOLEAN, (node,), span=node.span)
    return node


def unified(nodes: Sequence[Typed], what: str) -> tuple[Kind, tuple[Typed, ...]]:
    """The one kind that all nodes have or can take, and the nodes as that kind."""
    kind = Kind.NULL
    for node in nodes:
        if node.kind in {kind, Kind.NULL} or {node.kind, kind} == {Kind.INTEGER, Kind.DECIMAL}:
            kind = Kind.DECIMAL if Kind.DECIMAL in {node.kind, kind} else kind
        elif kind is Kind.NULL:
            kind = node.kind
        else:
            raise Mismatch(
                node.span,
                f"{what} must give one type: this is {node.kind.value}, an earlier one is {kind.value}.",
                "Use TEXT(…) to make a text of it." if Kind.TEXT in {kind, node.kind} else None,
            )
    if kind is Kind.DECIMAL:
        return kind, tuple(as_decimal(node) for node in nodes)
    return kind, tuple(nodes)


def as_expected(node: Typed, expected: FieldType) -> Typed:
    """The result as a target of this type takes it: texts are made of scalars, decimals of whole numbers."""
    wanted = kind_of(expected)
    if node.kind in {wanted, Kind.NULL}:
        return node
    if wanted is Kind.DECIMAL:
        return as_decimal(node)
    if wanted is Kind.JSON and node.kind in {Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.LIST}:
        return node
    if wanted is Kind.TEXT and node.kind in _WRITERS:
        return _text_or_null(node)
    raise mismatch(node, wanted)


def _text_or_null(node: Typed) -> Typed:
    if not node.nullable:
        return as_text(node)
    operation, longest = _WRITERS[node.kind]
    return apply(
        "unless_null", Kind.TEXT, (node,), span=node.span, nullable=True, longest=longest, extras=(operation,)
    )
