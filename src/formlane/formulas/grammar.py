"""The grammar, and the parser made from it once per process."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from lark import Lark, Token, Transformer, v_args

from formlane.formulas import limits
from formlane.formulas.problems import FormulaError, Span
from formlane.formulas.syntax import Binary, Call, Join, Literal, Name, Negate, Node
from formlane.formulas.tokens import TERMINALS, number_of, span_of, text_of

GRAMMAR = rf"""
?start: comparison
?comparison: joined
    | joined COMPARISON joined                              -> binary
?joined: sum
    | sum (_AMPERSAND sum)+                                 -> join
?sum: product
    | sum (PLUS | MINUS) product                            -> binary
?product: signed
    | product (STAR | SLASH) signed                         -> binary
?signed: value
    | MINUS signed                                          -> negate
?value: NUMBER                                              -> number
    | TEXT                                                  -> text
    | NAME                                                  -> name
    | NAME OPEN CLOSE                                      -> call
    | NAME OPEN comparison (_COMMA comparison)* CLOSE      -> call
    | OPEN comparison CLOSE                                -> group
{TERMINALS}
"""

WORDS = {"TRUE": True, "FALSE": False, "NULL": None}
SPELLINGS = {"==": "=", "!=": "<>"}


@cache
def parser() -> Lark:
    """The LALR parser; it keeps no state between formulas. Building it takes some 50 ms."""
    return Lark(GRAMMAR, parser="lalr", lexer="basic", transformer=_TreeBuilder())


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Node]):
    """Builds nodes bottom-up while the parser reads, so nothing recurses before the depth is known."""

    def number(self, token: Token) -> Node:
        return Literal(number_of(token), span_of(token))

    def text(self, token: Token) -> Node:
        return Literal(text_of(token), span_of(token))

    def name(self, token: Token) -> Node:
        word = token.value.upper()
        if word in WORDS:
            return Literal(WORDS[word], span_of(token))
        return Name(token.value, span_of(token))

    def group(self, opening: Token, inner: Node, closing: Token) -> Node:
        return replace(inner, span=span_of(opening).to(span_of(closing)))

    def negate(self, sign: Token, operand: Node) -> Node:
        span = span_of(sign).to(operand.span)
        return Negate(operand, span, _depth_over(span, operand))

    def binary(self, left: Node, operator: Token, right: Node) -> Node:
        span = left.span.to(right.span)
        spelling = SPELLINGS.get(operator.value, operator.value)
        return Binary(spelling, left, right, span, _depth_over(span, left, right))

    def join(self, *parts: Node) -> Node:
        span = parts[0].span.to(parts[-1].span)
        return Join(parts, span, _depth_over(span, *parts))

    def call(self, name: Token, _opening: Token, *rest: Node | Token) -> Node:
        arguments = tuple(part for part in rest if not isinstance(part, Token))
        closing = next(part for part in reversed(rest) if isinstance(part, Token))
        span = span_of(name).to(span_of(closing))
        depth = _depth_over(span, *arguments)
        return Call(name.value.upper(), arguments, span, depth, name_span=span_of(name))


def _depth_over(span: Span, *children: Node) -> int:
    depth = 1 + max((child.depth for child in children), default=0)
    if depth > limits.DEPTH:
        raise FormulaError.at(
            span,
            f"This part is nested more than {limits.DEPTH} levels deep.",
            "Split the formula over several fields, or use CASE in place of IF within IF.",
        )
    return depth
