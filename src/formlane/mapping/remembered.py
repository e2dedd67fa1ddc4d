"""What a function made of short texts, kept: dates and numbers of forms come again and again."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final, TypeVar

from formlane.domain.types import FieldType
from formlane.mapping import quasiquote as code

REPETITIVE: Final = frozenset(
    {FieldType.INTEGER, FieldType.DECIMAL, FieldType.BOOLEAN, FieldType.DATE, FieldType.TIME}
)
"""Types whose texts are worth it."""

MOST: Final = 4096
"""Results kept of one function; later texts are worked out each time."""

LONGEST: Final = 24
"""Characters of a text that is kept."""

Result = TypeVar("Result")


class Remembered(dict[str, Result]):
    """`remembered[text]` is `function(text)`, which must be pure; what it raises is not kept."""

    def __init__(self, function: Callable[[object], Result]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, text: str) -> Result:
        result = self._function(text)
        if len(text) <= LONGEST and len(self) < MOST:
            self[text] = result
        return result


def remembering(kind: FieldType, function: ast.Name, value: ast.expr, bound: dict[str, object]) -> ast.expr:
    """The call of a bound function of one value; its texts are remembered where the type is repetitive."""
    if kind not in REPETITIVE:
        return code.expression("H_F(H_V)", H_F=function, H_V=value)
    known = f"known_{function.id}"
    bound[known] = Remembered(bound[function.id])  # type: ignore[arg-type] # a function of one value
    return code.expression(
        "H_KNOWN[H_V] if type(H_V) is str else H_F(H_V)", H_KNOWN=code.name(known), H_F=function, H_V=value
    )
