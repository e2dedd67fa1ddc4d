"""Encoded queries on records."""

from __future__ import annotations

import msgspec
import pytest

from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.search import search

_DATE = 'javascript:gs.dateGenerate("{}")'


def names(instance: Instance, query: str, table: str = "u_form_submission") -> list[str]:
    shape = instance.shape(table)
    return [row.get(shape.display, "") for row in search(instance, shape, instance.query(query))]


@pytest.fixture(autouse=True)
def rows(instance: Instance) -> None:
    for name, quantity, topic, day in (
        ("ada", "10", "sales", "2026-01-31"),
        ("bob", "9", "support", "2026-02-01"),
        ("cyd", "", "", "2026-02-02"),
        ("a^b", "-5", "sales", ""),
    ):
        values = {"u_name": name, "u_quantity": quantity, "u_topic": topic, "u_birthday": day}
        instance.put(
            "u_form_submission",
            {**values, "u_consent": "true", "u_owner": "5137153cc611227c000bbd1bd8cd2005"},
        )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("u_name=ada", "ada"),
        ("u_name=Ada", ""),
        ("u_name!=ada", "bob cyd a^b"),
        ("u_nameINada,cyd,nobody", "ada cyd"),
        ("u_nameNOT INada,cyd", "bob a^b"),
        ("u_nameLIKEb", "bob a^b"),
        ("u_nameNOT LIKEb", "ada cyd"),
        ("u_nameSTARTSWITHa", "ada a^b"),
        ("u_nameENDSWITHd", "cyd"),
        ("u_topicISEMPTY", "cyd"),
        ("u_topicISNOTEMPTY^u_quantity>9", "ada"),
        ("u_quantity>=9", "ada bob"),
        ("u_quantity<0", "a^b"),
        ("u_quantityBETWEEN9@10", "ada bob"),
        ("u_birthday>2026-01-31", "bob cyd"),
        (f"u_birthdayBETWEEN{_DATE.format('2026-01-31')}@{_DATE.format('2026-02-01')}", "ada bob"),
        ("u_topic=sales^u_quantity=10^ORu_quantity=9", "ada"),
        ("u_topic=sales^u_quantity=10^NQu_name=cyd", "ada cyd"),
        ("u_name=a^^b", "a^b"),
        ("u_consent=1^u_name=ada", "ada"),
        ("u_owner.user_name=fred.luddy^u_name=ada", "ada"),
        ("u_nameSAMEASu_topic", ""),
        ("u_bogus=1", "ada bob cyd a^b"),
        ("nonsense", "ada bob cyd a^b"),
        ("ORDERBYu_quantity", "cyd a^b bob ada"),
        ("u_quantityISNOTEMPTY^ORDERBYDESCu_quantity", "ada bob a^b"),
        ("u_topic=sales^ORDERBYDESCu_name^EQ", "ada a^b"),
    ],
)
def test_what_a_query_finds(instance: Instance, query: str, found: str) -> None:
    assert names(instance, query) == found.split()


def test_an_invalid_term_leaves_nothing_if_the_instance_is_set_so(instance: Instance) -> None:
    strict = msgspec.structs.replace(instance.settings.behaviour, invalid_query_returns_no_rows=True)
    instance.configure(msgspec.structs.replace(instance.settings, behaviour=strict))

    assert names(instance, "u_bogus=1") == []
    assert names(instance, "u_name=ada") == ["ada"]


def test_a_parent_lists_what_extends_it(instance: Instance) -> None:
    instance.put("incident", {"number": "INC1"})
    instance.put("problem", {"number": "PRB1"})

    assert names(instance, "numberINPRB1,INC1", "task") == ["PRB1", "INC1"]
    assert names(instance, "numberINPRB1,INC1", "incident") == ["INC1"]
    assert names(instance, "sys_class_name=problem", "task") == ["PRB1"]


def test_indexes_follow_changes(instance: Instance) -> None:
    assert names(instance, "u_name=ada") == ["ada"]
    shape = instance.shape("u_form_submission")
    family = instance.store.family(shape.root)
    row = next(iter(family.having("u_name", "ada").values()))
    family.change(row, {"u_name": "eve"})
    assert (names(instance, "u_name=ada"), names(instance, "u_name=eve")) == ([], ["eve"])
    family.remove("u_form_submission", row["sys_id"])
    assert names(instance, "u_name=eve") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("JOINsys_user.sys_id=sys_user_group.manager!active=true^ORDERBYname", "Natasha Ingram"),
        ("JOINsys_user.sys_id=sys_user_group.manager!name=none", ""),
        ("RLQUERYu_form_submission.u_owner,>=4^ENDRLQUERY", "Fred Luddy"),
        ("RLQUERYu_form_submission.u_owner,>0,m2m^u_owner.name=Nobody^ENDRLQUERY", ""),
        ("user_nameSTARTSWITHf^RLQUERYu_form_submission.u_owner,=0^ENDRLQUERY", "Formlane Integration"),
    ],
)
def test_records_that_others_point_to(instance: Instance, query: str, found: str) -> None:
    assert names(instance, query, "sys_user") == ([found] if found else [])


def test_a_join_with_an_unknown_table_is_ignored(instance: Instance) -> None:
    everybody = names(instance, "", "sys_user")

    assert names(instance, "JOINsys_user.sys_id=nothing.x!a=b", "sys_user") == everybody
