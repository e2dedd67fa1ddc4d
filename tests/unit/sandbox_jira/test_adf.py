"""What is an Atlassian document, and what it says."""

from __future__ import annotations

import pytest

from formlane_sandbox.jira.adf import document_text, is_document, text_document


def doc(*content: object, **more: object) -> dict[str, object]:
    return {"type": "doc", "version": 1, "content": list(content), **more}


def node(kind: str, *content: object, **attrs: object) -> dict[str, object]:
    return {"type": kind, "content": list(content), **({"attrs": attrs} if attrs else {})}


def text(value: object, *marks: object) -> dict[str, object]:
    return {"type": "text", "text": value, **({"marks": list(marks)} if marks else {})}


BREAK = {"type": "hardBreak"}
LINK = {"type": "link", "attrs": {"href": "https://example.com"}}
ITEM = node("listItem", node("paragraph", text("a")))

RIGHT = {
    "empty": doc(),
    "empty paragraph": doc(node("paragraph")),
    "no content": doc({"type": "paragraph"}),
    "lines": doc(node("paragraph", text("a"), BREAK, text("b"))),
    "marks": doc(node("paragraph", text("a", {"type": "strong"}, LINK))),
    "heading": doc(node("heading", text("a"), level=2)),
    "lists": doc(node("bulletList", ITEM), node("orderedList", ITEM, ITEM)),
    "code": doc(node("codeBlock", text("x = 1"), language="python"), {"type": "rule"}),
    "table": doc(
        node(
            "table",
            node("tableRow", node("tableHeader", node("paragraph")), node("tableCell", {"type": "rule"})),
        )
    ),
    "panel": doc(node("panel", node("paragraph", text("a")), panelType="info")),
}
WRONG: dict[str, object] = {
    "a string": "text",
    "a list": [],
    "no version": {"type": "doc", "content": []},
    "version 2": {"type": "doc", "version": 2, "content": []},
    "version true": {"type": "doc", "version": True, "content": []},
    "no content": {"type": "doc", "version": 1},
    "not a doc": {"type": "paragraph", "version": 1, "content": []},
    "empty text": doc(node("paragraph", text(""))),
    "text without text": doc(node("paragraph", {"type": "text"})),
    "text is a number": doc(node("paragraph", text(5))),
    "text in doc": doc(text("a")),
    "unknown node": doc({"type": "marquee"}),
    "unknown mark": doc(node("paragraph", text("a", {"type": "blink"}))),
    "marks are no list": doc(node("paragraph", {"type": "text", "text": "a", "marks": {}})),
    "link without address": doc(node("paragraph", text("a", {"type": "link"}))),
    "heading without level": doc(node("heading", text("a"))),
    "heading of level 7": doc(node("heading", text("a"), level=7)),
    "empty list": doc(node("bulletList")),
    "list without content": doc({"type": "bulletList"}),
    "paragraph in list": doc(node("bulletList", node("paragraph"))),
    "content of a rule": doc(node("rule", text("a"))),
    "content is no list": doc({"type": "paragraph", "content": "a"}),
}


@pytest.mark.parametrize("value", RIGHT.values(), ids=RIGHT)
def test_documents(value: object) -> None:
    assert is_document(value)


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_no_documents(value: object) -> None:
    assert not is_document(value)


def test_text_has_a_line_per_block() -> None:
    document = doc(
        node("heading", text("a"), level=1),
        node("bulletList", ITEM),
        node("paragraph", text("b"), BREAK, text("c")),
    )

    assert document_text(document) == "a\na\nb\nc"


def test_a_deep_document_is_no_trouble() -> None:
    inner = node("paragraph", text("x"))
    for _ in range(5000):
        inner = node("bulletList", node("listItem", inner))

    assert is_document(doc(inner))
    assert document_text(doc(inner)) == "x"


@pytest.mark.parametrize("value", ["", "a", "a\n\nb"])
def test_text_becomes_a_document_and_back(value: str) -> None:
    document = text_document(value)

    assert is_document(document)
    assert document_text(document) == value
