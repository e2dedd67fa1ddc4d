"""XML in and out, and the filters of a retrieve."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from formlane_sandbox.sfmc.soap.filters import BadFilterError, compiled
from formlane_sandbox.sfmc.soap.message import BadMessageError, answered, body, parse, put, text_of

KNOWN = frozenset({"name", "ordinal"})
ENTITIES = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">'


@pytest.mark.parametrize(
    "content",
    [
        f"<!DOCTYPE x [{ENTITIES}]><x>&c;</x>",
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><x>&f;</x>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><x/>',
        "<x>&undefined;</x>",
        "<x>",
        "",
        "{}",
    ],
    ids=["bomb", "file", "system", "undefined", "open", "empty", "json"],
)
def test_anything_but_plain_xml_is_refused(content: str) -> None:
    with pytest.raises(BadMessageError):
        parse(content.encode())


def test_names_are_read_without_their_namespace() -> None:
    root = parse(b'<s:a xmlns:s="urn:s" xmlns:x="urn:x"><b xmlns="urn:b" x:type="q:C"> t </b></s:a>')

    assert (root.tag, text_of(root, "b"), root[0].get("type")) == ("a", "t", "q:C")


def test_what_xml_cannot_hold_is_left_out() -> None:
    content = body("M")
    put(content, "V", "a\x00b<&\N{SNOWMAN}\ud800")
    written = answered("A", content, now=0).body

    assert "<V>ab&lt;&amp;\N{SNOWMAN}</V>" in written.decode()
    assert text_of(parse(written), "Body/M/V") == "ab<&\N{SNOWMAN}"


def simple(name: str, operator: str, *values: str) -> str:
    inner = "".join(f"<Value>{value}</Value>" for value in values)
    return f"<Property>{name}</Property><SimpleOperator>{operator}</SimpleOperator>{inner}"


def names(filtered: str, kind: str = "SimpleFilterPart") -> list[str]:
    records = [{"name": name, "ordinal": str(place)} for place, name in enumerate(("Ann", "bob", "Cid", ""))]
    element: Element = parse(f'<Filter type="{kind}">{filtered}</Filter>'.encode())
    test = compiled(element, KNOWN)
    return [record["name"] for record in records if test(record)]


@pytest.mark.parametrize(
    ("operator", "values", "found"),
    [
        ("equals", ["ann"], ["Ann"]),
        ("notEquals", ["ann"], ["bob", "Cid", ""]),
        ("IN", ["ANN", "cid"], ["Ann", "Cid"]),
        ("isNull", [], [""]),
        ("isNotNull", [], ["Ann", "bob", "Cid"]),
        ("like", ["%B"], ["bob"]),
        ("between", ["b", "d"], ["bob", "Cid"]),
        ("greaterThan", ["bob"], ["Cid"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_operators(operator: str, values: list[str], found: list[str]) -> None:
    assert names(simple("Name", operator, *values)) == found


def test_numbers_compare_as_numbers() -> None:
    assert names(simple("Ordinal", "lessThanOrEqual", "1.0")) == ["Ann", "bob"]


@pytest.mark.parametrize(("operator", "found"), [("AND", []), ("OR", ["Ann", "bob"])])
def test_filters_are_joined(operator: str, found: list[str]) -> None:
    parts = (
        f"<LeftOperand>{simple('Name', 'equals', 'Ann')}</LeftOperand>"
        f"<LogicalOperator>{operator}</LogicalOperator>"
        f"<RightOperand>{simple('Name', 'equals', 'Bob')}</RightOperand>"
    )

    assert names(parts, "ComplexFilterPart") == found


@pytest.mark.parametrize("wrong", [("Colour", "equals"), ("Name", "resembles")], ids=lambda pair: pair[0])
def test_unknown_properties_and_operators_are_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(BadFilterError, match=r"not (a|valid)"):
        names(simple(*wrong, "x"))
