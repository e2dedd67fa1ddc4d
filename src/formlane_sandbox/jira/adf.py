"""Atlassian Document Format: what is a document, and its text.

Source: Atlassian Document Format, "Document structure" and the nodes and marks listed there.
"""

from __future__ import annotations

_INLINE = frozenset(
    ("text", "hardBreak", "emoji", "mention", "date", "status", "inlineCard", "mediaInline", "placeholder")
)
_LIST_ITEM = frozenset(("paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle", "taskList"))
_CELL = _LIST_ITEM | {"heading", "blockquote", "panel", "rule", "blockCard", "mediaGroup", "decisionList"}
_BLOCKS = _CELL | {"table", "expand", "layoutSection", "embedCard", "extension", "bodiedExtension"}
# Node type to its children's types; `None`: a node without content.
_CHILDREN: dict[str, frozenset[str] | None] = {
    "doc": _BLOCKS,
    "paragraph": _INLINE,
    "heading": _INLINE,
    "codeBlock": frozenset(("text",)),
    "bulletList": frozenset(("listItem",)),
    "orderedList": frozenset(("listItem",)),
    "listItem": _LIST_ITEM,
    "taskList": frozenset(("taskItem", "taskList")),
    "taskItem": _INLINE,
    "decisionList": frozenset(("decisionItem",)),
    "decisionItem": _INLINE,
    "blockquote": frozenset(("paragraph", "bulletList", "orderedList", "codeBlock")),
    "panel": _LIST_ITEM | {"heading", "rule", "blockCard", "mediaGroup", "decisionList"},
    "expand": _CELL | {"table", "nestedExpand"},
    "nestedExpand": _CELL,
    "table": frozenset(("tableRow",)),
    "tableRow": frozenset(("tableHeader", "tableCell")),
    "tableHeader": _CELL | {"nestedExpand"},
    "tableCell": _CELL | {"nestedExpand"},
    "layoutSection": frozenset(("layoutColumn",)),
    "layoutColumn": _BLOCKS,
    "mediaSingle": frozenset(("media", "caption")),
    "mediaGroup": frozenset(("media",)),
    "caption": _INLINE,
    "bodiedExtension": _BLOCKS,
    **dict.fromkeys(_INLINE - {"text"}),
    **dict.fromkeys(("rule", "media", "blockCard", "embedCard", "extension")),
}
_NOT_EMPTY = frozenset(
    ("bulletList", "orderedList", "listItem", "table", "tableRow", "blockquote", "panel", "mediaSingle")
)
_MARKS = frozenset(
    (
        "strong",
        "em",
        "code",
        "link",
        "strike",
        "underline",
        "subsup",
        "textColor",
        "backgroundColor",
        "alignment",
        "indentation",
        "border",
    )
)
_ENDS_LINE = frozenset(("paragraph", "heading", "codeBlock", "rule", "tableRow"))


def is_document(value: object) -> bool:
    """Whether it is a document: version 1, known nodes in places they may be in, no empty text."""
    if not isinstance(value, dict) or value.get("type") != "doc":
        return False
    version = value.get("version")
    if version != 1 or isinstance(version, bool) or not isinstance(value.get("content"), list):
        return False
    left = [value]
    while left:
        node = left.pop()
        content = node.get("content")
        allowed = _CHILDREN[node["type"]]
        if content is None and node["type"] not in _NOT_EMPTY:
            continue
        if not isinstance(content, list) or allowed is None or (not content and node["type"] in _NOT_EMPTY):
            return False
        for child in content:
            if not _is_node(child, allowed):
                return False
            if child["type"] != "text":
                left.append(child)
    return True


def document_text(document: dict[str, object]) -> str:
    """The text of a document, a line per block."""
    pieces: list[str] = []
    left: list[object] = [document]
    while left:
        node = left.pop()
        if isinstance(node, str):
            pieces.append(node)
            continue
        assert isinstance(node, dict)
        if node["type"] == "text":
            pieces.append(node["text"])
        elif node["type"] == "hardBreak":
            pieces.append("\n")
        else:
            if node["type"] in _ENDS_LINE:
                left.append("\n")
            left += reversed(node.get("content") or ())
    return "".join(pieces).rstrip("\n")


def text_document(text: str) -> dict[str, object]:
    """A document of one paragraph per line."""
    content: list[object] = []
    for line in text.split("\n"):
        inner = [{"type": "text", "text": line}] if line else []
        content.append({"type": "paragraph", "content": inner})
    return {"type": "doc", "version": 1, "content": content}


def _is_node(node: object, allowed: frozenset[str]) -> bool:
    if not isinstance(node, dict) or not _is_one_of(node.get("type"), allowed):
        return False
    marks = node.get("marks")
    if marks is not None and not _are_marks(marks):
        return False
    kind = node["type"]
    if kind == "text":
        text = node.get("text")
        return isinstance(text, str) and text != ""
    if kind == "heading":
        attributes = node.get("attrs")
        return isinstance(attributes, dict) and attributes.get("level") in (1, 2, 3, 4, 5, 6)
    return True


def _are_marks(marks: object) -> bool:
    if not isinstance(marks, list):
        return False
    for mark in marks:
        if not isinstance(mark, dict) or not _is_one_of(mark.get("type"), _MARKS):
            return False
        if mark["type"] == "link":
            attributes = mark.get("attrs")
            if not isinstance(attributes, dict) or not isinstance(attributes.get("href"), str):
                return False
    return True


def _is_one_of(kind: object, known: frozenset[str]) -> bool:
    return isinstance(kind, str) and kind in known
