"""Writes a syntax tree back as source, with the fewest parentheses that keep its shape."""

from __future__ import annotations

from decimal import Decimal

from formlane.formulas.syntax import Binary, Call, Join, Literal, Name, Negate, Node

COMPARISON, JOIN, SUM, PRODUCT, SIGNED, VALUE = range(6)
STRENGTH = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}


def printed(node: Node, needed: int = COMPARISON) -> str:
    """The source of the node where an operator binds as strongly as `needed`."""
    strength, source = _written(node)
    return source if strength >= needed else f"({source})"


def _written(node: Node) -> tuple[int, str]:
    match node:
        case Literal():
            return VALUE, _literal(node.value)
        case Name():
            return VALUE, node.name
        case Call():
            return VALUE, f"{node.name}({', '.join(printed(argument) for argument in node.arguments)})"
        case Negate():
            return SIGNED, f"-{printed(node.operand, SIGNED)}"
        case Join():
            return JOIN, " & ".join(printed(part, SUM) for part in node.parts)
        case Binary():
            strength = STRENGTH.get(node.operator, COMPARISON)
            left = printed(node.left, max(strength, JOIN))
            return strength, f"{left} {node.operator} {printed(node.right, strength + 1)}"


def _literal(value: str | int | Decimal | bool | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return format(value, "f") if isinstance(value, Decimal) else str(value)
