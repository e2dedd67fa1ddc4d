"""From source to syntax tree."""

from __future__ import annotations

from typing import cast

from lark import Token, UnexpectedCharacters, UnexpectedToken

from formlane.formulas.grammar import parser
from formlane.formulas.problems import FormulaError, Span
from formlane.formulas.syntax import Node
from formlane.formulas.tokens import check_source, counted, span_of, unreadable

_LONGEST_WORD = 40


def parse(source: str) -> Node:
    """The tree of a formula. Raises `FormulaError` with the first place that cannot be read.

    Length, number of tokens and nesting are checked before the parser sees them; the parser itself
    keeps its own stack, so no input can exhaust Python's.
    """
    check_source(source)
    if source.lstrip().startswith("="):
        start = source.index("=")
        raise FormulaError.at(
            Span(start, start + 1), "A formula does not begin with an equals sign.", "Remove the =."
        )
    tokens = _tokens(source)
    reading = parser().parse_interactive()
    try:
        for token in tokens:
            reading.feed_token(token)
        tree: Node = reading.feed_token(Token.new_borrow_pos("$END", "", tokens[-1]))
    except UnexpectedToken as error:
        raise _misplaced(source, tokens, error) from None
    return tree


def _tokens(source: str) -> list[Token]:
    try:
        return list(counted(parser().lex(source)))
    except UnexpectedCharacters as error:
        raise unreadable(source, cast("int", error.pos_in_stream)) from None


def _misplaced(source: str, tokens: list[Token], error: UnexpectedToken) -> FormulaError:
    token = error.token
    wants_value = "NUMBER" in error.expected
    if token.type == "$END":
        return _unfinished(source, tokens, wants_value)
    span = span_of(token)
    if token.type == "COMPARISON" and not wants_value:
        return FormulaError.at(
            span, "A comparison cannot be compared again.", "Combine comparisons: AND(a < b, b < c)."
        )
    if wants_value:
        return FormulaError.at(span, f"A value is missing before {_shown(token)}.")
    if token.type == "CLOSE":
        return FormulaError.at(span, "This closing parenthesis has no opening one.", "Remove it.")
    if token.type == "_COMMA":
        return FormulaError.at(span, "A comma can stand only between the arguments of a function.")
    if token.type == "OPEN":
        return FormulaError.at(span, "An operator is missing before (.")
    return FormulaError.at(
        span, f"An operator is missing before {_shown(token)}.", "Join texts with &; multiply with *."
    )


def _unfinished(source: str, tokens: list[Token], wants_value: bool) -> FormulaError:
    end = Span(len(source), len(source))
    if wants_value:
        return FormulaError.at(end, "The formula ends where a value is missing.")
    opened: list[Token] = []
    for token in tokens:
        if token.type == "OPEN":
            opened.append(token)
        elif token.type == "CLOSE" and opened:
            opened.pop()
    return FormulaError.at(span_of(opened[-1]), "This parenthesis is never closed.", "Add a ).")


def _shown(token: Token) -> str:
    word = str(token.value)
    return word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}…"
