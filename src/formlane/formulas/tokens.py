"""The words of the language: how they look, and the checks that are made on them before parsing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal

from lark import Token

from formlane.formulas import limits
from formlane.formulas.problems import FormulaError, Span

TERMINALS = r"""
COMPARISON: "<>" | "<=" | ">=" | "<" | ">" | "==" | "=" | "!="
_AMPERSAND: "&"
PLUS: "+"
MINUS: "-"
STAR: "*"
SLASH: "/"
OPEN: "("
CLOSE: ")"
_COMMA: ","
NUMBER: /[0-9]+(\.[0-9]+)?|\.[0-9]+/
TEXT: /"([^"]|"")*"|'([^']|'')*'/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
%ignore /[ \t\r\n]+/
"""

PUNCTUATION = frozenset({"OPEN", "CLOSE", "_COMMA"})
VISIBLE_CONTROLS = frozenset("\t\r\n")

ADVICE = {
    ";": "Separate arguments with commas.",
    "%": "Divide by 100.",
    "^": "There are no powers; multiply.",
    "|": "Use OR(…).",
    "!": "Use NOT(…), or <> for unequal.",
    ".": "Inputs have no parts; a number needs a digit after the point.",
    "[": "Write an input's name without brackets.",
    "{": "Write an input's name without braces.",
    "“": 'Use straight quotes: "…".',
    "”": 'Use straight quotes: "…".',
    "‘": 'Use straight quotes: "…".',
    "’": 'Use straight quotes: "…".',
}


def check_source(source: str) -> None:
    """Raises `FormulaError` for a source that is empty, too long, or holds characters nobody can see."""
    if len(source) > limits.SOURCE_CHARACTERS:
        raise FormulaError.at(
            Span(limits.SOURCE_CHARACTERS, len(source)),
            f"The formula has {len(source)} characters; {limits.SOURCE_CHARACTERS} are allowed.",
        )
    if not source.strip(" \t\r\n"):
        raise FormulaError.at(Span(0, len(source)), "The formula is empty.")
    for position, character in enumerate(source):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in VISIBLE_CONTROLS:
            raise FormulaError.at(
                Span(position, position + 1),
                f"The character U+{ord(character):04X} is not text and cannot stand in a formula.",
            )


def counted(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens, as long as there are not too many and their parentheses and signs nest not too deep."""
    nodes = opened = signs = 0
    for token in tokens:
        nodes += token.type not in PUNCTUATION
        opened += (token.type == "OPEN") - (token.type == "CLOSE")
        signs = signs + 1 if token.type == "MINUS" else 0
        if nodes > limits.NODES:
            raise FormulaError.at(
                span_of(token), f"The formula has more than {limits.NODES} names, values and operators."
            )
        if opened > limits.DEPTH or signs > limits.DEPTH:
            raise FormulaError.at(
                span_of(token), f"This part is nested more than {limits.DEPTH} levels deep."
            )
        yield token


def span_of(token: Token) -> Span:
    """Where the token stands."""
    start = token.start_pos or 0
    return Span(start, start + len(token.value))


def text_of(token: Token) -> str:
    """The text that a quoted literal stands for: a doubled quote is one quote, nothing else is special."""
    quote = token.value[0]
    return str(token.value[1:-1].replace(quote * 2, quote))


def number_of(token: Token) -> int | Decimal:
    """The exact number; whole ones beyond the whole-number range become decimals.

    Raises `FormulaError` for more significant digits than arithmetic keeps.
    """
    digits = token.value.replace(".", "").strip("0")
    if len(digits) > limits.SIGNIFICANT_DIGITS or len(token.value) > limits.LARGEST_EXPONENT:
        raise FormulaError.at(
            span_of(token), f"A number can have at most {limits.SIGNIFICANT_DIGITS} significant digits."
        )
    number = Decimal(token.value)
    return number if "." in token.value or number > limits.LARGEST_INTEGER else int(number)


def unreadable(source: str, position: int) -> FormulaError:
    """What to say about a character that begins no word of the language."""
    character = source[position]
    span = Span(position, position + 1)
    if character in "\"'":
        return FormulaError.at(
            Span(position, len(source)),
            "This text has no closing quote.",
            f"Close it with {character}; a quote within it is written twice.",
        )
    shown = f'"{character}"' if character.isascii() else f'"{character}" ({_named(character)})'
    return FormulaError.at(span, f"{shown} has no meaning in a formula.", ADVICE.get(character))


def _named(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}")
