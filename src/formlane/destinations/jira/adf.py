"""Text as an Atlassian document.

Source: Atlassian Document Format, "Document structure": version 1, block nodes at the top, no text node
without text, `hardBreak` for a line that ends inside a paragraph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from formlane.domain.types import Json

_BREAK: Final[Mapping[str, Json]] = {"type": "hardBreak"}


def document(text: str) -> Mapping[str, Json]:
    """The document that shows `text` as it is: an empty line parts paragraphs, any other ends a line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return {"version": 1, "type": "doc", "content": [_paragraph(part) for part in lines.split("\n\n")]}


def _paragraph(text: str) -> Mapping[str, Json]:
    content: list[Json] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            content.append(_BREAK)
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}
