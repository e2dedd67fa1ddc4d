"""Finds the statements of a PL/pgSQL body, and puts a breakpoint before each.

Knows as much of the language as our functions use: blocks, IF, loops. Anything else is refused, so that
no statement is overlooked in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<blank> \s+ | --[^\n]* | /\*.*?\*/ )
      | (?P<text> '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
      | (?P<word> [A-Za-z_]\w* )
      | (?P<sign> . )""",
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVES = re.compile(r"\s*(?:\#\w+[^\n]*\n\s*)*")
_REFUSED = frozenset({"EXCEPTION", "CASE", "FOREACH", "<"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Where a statement begins: `start` is an offset in the body, `line` counts from 1."""

    start: int
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    start: int


def find_statements(body: str) -> list[Statement]:
    """All statements, those inside IF and loops too, and the END of the whole, in order of the text.

    Raises `ValueError` for a construct that it does not know.
    """
    return [
        Statement(start=start, line=body.count("\n", 0, start) + 1, text=_first_line(body[start:]))
        for start in _Scan(_tokens(body)).starts()
    ]


def instrument(body: str, numbers: range) -> str:
    """The body with a breakpoint before each statement, numbered from the range on.

    As an IF without effect, because it leaves FOUND as it was.
    """
    parts: list[str] = []
    done = 0
    for number, statement in zip(numbers, find_statements(body), strict=True):
        parts += [
            body[done : statement.start],
            f"IF formlane.breakpoint({number}) THEN NULL; END IF; ",
        ]
        done = statement.start
    return "".join([*parts, body[done:]])


def _tokens(body: str) -> list[_Token]:
    directives = _DIRECTIVES.match(body)
    return [
        _Token(match[0].upper() if match["word"] else match[0], match.start())
        for match in _TOKEN.finditer(body, directives.end() if directives else 0)
        if not match["blank"]
    ]


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].strip()[:70]


class _Scan:
    """Reads a body from statement to statement."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def starts(self) -> list[int]:
        """Offsets of the statements, and of the END of the outermost block."""
        if self._word() == "DECLARE":
            self._at += 1
            while self._word() != "BEGIN":
                self._skip_past(";")
        self._expect("BEGIN")
        found: list[int] = []
        depth = 1
        while depth:
            word, start = self._word(), self._tokens[self._at].start
            if word in _REFUSED:
                raise ValueError(f"{word} is not understood: {start}")
            if word == "END":
                depth -= 1
                if depth == 0:
                    found.append(start)
                else:
                    self._skip_past(";")
            elif word == "ELSIF":
                self._skip_past("THEN")
            elif word == "ELSE":
                self._at += 1
            elif word == "BEGIN":
                depth += 1
                self._at += 1
            else:
                found.append(start)
                opener = {"IF": "THEN", "FOR": "LOOP", "WHILE": "LOOP", "LOOP": "LOOP"}.get(word)
                depth += opener is not None
                self._skip_past(opener or ";")
        return found

    def _word(self) -> str:
        if self._at >= len(self._tokens):
            raise ValueError("the body ends too early")
        return self._tokens[self._at].word

    def _expect(self, word: str) -> None:
        if self._word() != word:
            raise ValueError(f"{word} expected, not {self._word()}")
        self._at += 1

    def _skip_past(self, end: str) -> None:
        """Moves behind the next `end` that stands outside parentheses and CASE expressions."""
        nested = 0
        while True:
            word = self._word()
            self._at += 1
            if word == end and nested == 0:
                return
            if word in {"(", "CASE"}:
                nested += 1
            elif word == ")" or (word == "END" and nested):
                nested -= 1
