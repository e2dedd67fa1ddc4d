"""Text as an Atlassian document.

Source: Atlassian Document Format, "Document structure": version 1, block nodes at the top, no text node
without text, `hardBreak` for a line that ends inside a paragraph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from formlane.domain.types import Json

_BREAK: Final[Mapping[str, Json]] = {"type": "hardBreak"}


def document(text: str) -> Mapping[str, Json]:
    """The document that shows `text` as it is: lines in a row share a paragraph, an empty line is one of
    its own.
    """
    content: list[Json] = []
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line:
            lines.append(line)
            continue
        if lines:
            content.append(_paragraph(lines))
            lines = []
        content.append(_paragraph(()))
    if lines:
        content.append(_paragraph(lines))
    return {"version": 1, "type": "doc", "content": content}


def _paragraph(lines: Iterable[str]) -> Mapping[str, Json]:
    content: list[Json] = []
    for line in lines:
        if content:
            content.append(_BREAK)
        content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}
