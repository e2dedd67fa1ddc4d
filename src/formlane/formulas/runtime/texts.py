"""Text operations. Characters are Unicode code points; arguments are within the text limit unless said."""

from __future__ import annotations

from typing import NoReturn

from formlane.formulas import limits
from formlane.formulas.runtime.refusal import Refusal


def trim(text: str, limit: int) -> str:
    """Without spaces at both ends, inner runs of spaces as one. Other white space is kept.

    The text may be of any length. Generated code comes here only where `strip` does not do.
    """
    if len(text) > limit:
        input_too_long(limit)
    stripped = text.strip(" ")
    return " ".join(filter(None, stripped.split(" "))) if "  " in stripped else stripped


def left(text: str, count: int) -> str:
    """The first characters; the text may be of any length."""
    if count < 0:
        raise Refusal("the number of characters is negative")
    return text[:count]


def right(text: str, count: int) -> str:
    """The last characters; the text may be of any length."""
    if count < 0:
        raise Refusal("the number of characters is negative")
    return text[-count:] if count else ""


def middle(text: str, start: int, count: int) -> str:
    """Characters from `start`, which counts from 1; the text may be of any length."""
    if start < 1:
        raise Refusal("the first character has number 1")
    if count < 0:
        raise Refusal("the number of characters is negative")
    return text[start - 1 : start - 1 + count]


def substitute(text: str, old: str, new: str) -> str:
    """Every occurrence replaced, from the left; nothing when `old` is empty."""
    if not old:
        return text
    growth = len(new) - len(old)
    if growth > 0 and len(text) + text.count(old) * growth > limits.TEXT_CHARACTERS:
        too_long()
    return text.replace(old, new)


def substitute_nth(text: str, old: str, new: str, occurrence: int) -> str:
    """One occurrence replaced; `occurrence` counts from 1."""
    if occurrence < 1:
        raise Refusal("the first occurrence has number 1")
    if not old or occurrence > len(text):
        return text
    start = -1
    reach = 0
    for _ in range(occurrence):
        start = text.find(old, reach)
        if start < 0:
            return text
        reach = start + len(old)
    if len(text) + len(new) - len(old) > limits.TEXT_CHARACTERS:
        too_long()
    return text[:start] + new + text[reach:]


def contains(text: str, part: str) -> bool:
    """Whether the part occurs, in the same case."""
    return part in text


def includes(choices: tuple[str, ...] | None, choice: str) -> bool:
    """Whether the list of choices holds this one, in the same case."""
    return choices is not None and choice in choices


def find(part: str, text: str, start: int) -> int:
    """The number of the first character of the first occurrence from `start` on, or 0."""
    if start < 1:
        raise Refusal("the first character has number 1")
    return text.find(part, start - 1) + 1


def same_text(one: str, other: str) -> bool:
    """Whether two texts are equal but for case."""
    return one == other or one.casefold() == other.casefold()


def text_of_boolean(value: bool | None) -> str:
    """TRUE, FALSE, or nothing."""
    return "" if value is None else "TRUE" if value else "FALSE"


def text_of_list(choices: tuple[str, ...] | None) -> str:
    """The choices with a semicolon between."""
    if not choices:
        return ""
    if sum(map(len, choices)) + len(choices) - 1 > limits.TEXT_CHARACTERS:
        too_long()
    return ";".join(choices)


def too_long() -> NoReturn:
    """Refuses a text that is, or would become, longer than a text may be."""
    raise Refusal(f"the text would be longer than {limits.TEXT_CHARACTERS:,} characters")


def input_too_long(limit: int) -> NoReturn:
    """Refuses to work on an input of this length."""
    raise Refusal(f"the input is longer than {limit:,} characters; cut it with LEFT first")
