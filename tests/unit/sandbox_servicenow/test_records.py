"""Writing and showing records, without HTTP."""

from __future__ import annotations

import pytest

from formlane_sandbox.servicenow.answers import ApiError
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.records import SYSTEM, insert, update
from formlane_sandbox.servicenow.render import Mode, Wish, renderer
from formlane_sandbox.servicenow.values import zone_of


def test_a_business_rule_as_a_record(instance: Instance) -> None:
    rule = {"collection": "task", "name": "R", "filter_condition": "urgency=1", "abort_action": "true"}
    instance.put("sys_script", {**rule, "active": "true", "action_insert": "true"})
    shape = instance.shape("incident")
    row = insert(instance, shape, {"urgency": "2"}, SYSTEM)

    with pytest.raises(ApiError, match="Operation Failed"):
        insert(instance, shape, {"urgency": 1}, SYSTEM)
    assert update(instance, shape, row, {"urgency": 1}, SYSTEM)


def test_choices_are_not_cleared_and_text_is(instance: Instance) -> None:
    shape = instance.shape("u_form_submission")
    row = insert(instance, shape, {"u_topic": "sales", "u_name": "Ada", "u_phone": ""}, SYSTEM)
    update(instance, shape, row, {"u_topic": "", "u_name": ""}, SYSTEM)

    assert row["u_topic"] == "sales"
    assert "u_name" not in row
    assert (
        insert(instance, instance.shape("incident"), {"state": "", "description": ""}, SYSTEM)["state"] == "1"
    )


def test_display_values(instance: Instance) -> None:
    shape = instance.shape("incident")
    sent = {
        "reopen_count": 1234,
        "watch_list": "5137153cc611227c000bbd1bd8cd2005,x@example.com",
        "problem_id": "f" * 32,
    }
    row = insert(instance, shape, sent, SYSTEM)
    row["opened_at"] = "2026-07-01 09:00:00"
    fields = (
        "reopen_count",
        "watch_list",
        "problem_id",
        "opened_at",
        "sys_class_name",
        "sys_domain",
        "nothing.x",
    )
    wish = Wish(fields=fields, mode=Mode.DISPLAY, links=False, zone=zone_of("America/Los_Angeles"))

    assert renderer(instance, shape, wish)(row) == {
        "reopen_count": "1,234",
        "watch_list": "Fred Luddy, x@example.com",
        "problem_id": "",
        "opened_at": "2026-07-01 02:00:00",
        "sys_class_name": "Incident",
        "sys_domain": "global",
    }


def test_a_display_value_that_names_nothing(instance: Instance) -> None:
    shape = instance.shape("incident")
    by_id = {"caller_id": "5137153cc611227c000bbd1bd8cd2005"}

    assert insert(instance, shape, by_id, SYSTEM, display=True)["caller_id"] == by_id["caller_id"]
    assert "caller_id" not in insert(instance, shape, {"caller_id": "Nobody"}, SYSTEM, display=True)
