"""A page as elements, read with the standard library's parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"input", "meta", "link", "br", "hr", "img"})


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def all(self, tag: str | None = None, **attributes: str) -> Iterator[Element]:
        """Elements below, in the order of the page; `class_` for class."""
        for child in self.children:
            wanted = tag in (None, child.tag) and all(
                child.attributes.get(name.rstrip("_").replace("_", "-")) == value
                for name, value in attributes.items()
            )
            if wanted:
                yield child
            yield from child.all(tag, **attributes)

    def one(self, tag: str | None = None, **attributes: str) -> Element:
        found = list(self.all(tag, **attributes))
        assert len(found) == 1, f"{len(found)} of {tag} {attributes}"
        return found[0]

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def within(self, tag: str) -> bool:
        return self.parent is not None and (self.parent.tag == tag or self.parent.within(tag))


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self._here = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute comes twice in {tag}: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs}, self._here)
        self._here.children.append(element)
        if tag not in VOID:
            self._here = element

    def handle_endtag(self, tag: str) -> None:
        assert self._here.tag == tag, f"</{tag}> closes <{self._here.tag}>"
        assert self._here.parent is not None
        self._here = self._here.parent

    def handle_data(self, data: str) -> None:
        here: Element | None = self._here
        while here is not None:
            here.texts.append(data)
            here = here.parent


def parse(page: str) -> Element:
    """The document; fails where elements are not closed in order or attributes come twice."""
    builder = _Builder()
    builder.feed(page)
    builder.close()
    assert builder._here is builder.root
    return builder.root
