"""pysnc against an instance: records, batch, OAuth, errors. Arguments: URL, CA file, JSON login."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

url, authority, login = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
os.environ["REQUESTS_CA_BUNDLE"] = authority

import pysnc  # noqa: E402 - after the environment is set
import requests  # noqa: E402
from pysnc.auth import ServiceNowClientCredentialsFlow, ServiceNowPasswordGrantFlow  # noqa: E402
from pysnc.exceptions import AuthenticationException, RequestException, RoleException  # noqa: E402

ADMIN = "6816f79cc0a8016401c5a33be04be441"


def main() -> None:
    client = pysnc.ServiceNowClient(url, (login["user"], login["password"]), auto_retry=False)
    create_read_update_delete(client)
    supplied_sys_id(client)
    query(client)
    batch(client)
    batch_with_failures(client)
    long_query(client)
    dot_walk(client)
    related(client)
    oauth()
    errors(client)
    sys.stdout.write("pysnc accepts the instance\n")


def create_read_update_delete(client: pysnc.ServiceNowClient) -> None:
    record = client.GlideRecord("problem")
    record.initialize()
    record.short_description = "Unit"
    record.bunk_field = "Bunk"
    sys_id = record.insert()
    assert record.get_value("opened_by") != record.get_display_value("opened_by")
    assert str(record.number).startswith("PRB")

    again = client.GlideRecord("problem")
    assert again.get(sys_id)
    assert bool(again.active)
    again.short_description = "Changed"
    again.assigned_to = ADMIN
    assert again.update()
    assert again.get_display_value("assigned_to") == "System Administrator"
    assert again.delete()
    assert not client.GlideRecord("problem").get(sys_id)


def supplied_sys_id(client: pysnc.ServiceNowClient) -> None:
    wanted = "AAAABBBBCCCCDDDDEEEEFFFF00001111"
    record = client.GlideRecord("problem")
    record.initialize()
    record.set_new_guid_value(wanted)
    assert record.insert() == wanted
    twin = client.GlideRecord("problem")
    twin.initialize()
    twin.set_new_guid_value(wanted)
    refusal = raises(RoleException, twin.insert)
    assert "Error during insert of problem" in str(refusal)
    assert record.delete()


def query(client: pysnc.ServiceNowClient) -> None:
    for number in range(25):
        add(client, f"BUNKZZ {number}")
    record = client.GlideRecord("problem", batch_size=10)
    record.add_query("short_description", "LIKE", "BUNKZZ")
    record.query()
    assert len(record) == 25
    assert len({one.get_value("sys_id") for one in record}) == 25

    either = client.GlideRecord("sys_user")
    either.add_query("user_name", "admin").add_or_condition("user_name", "fred.luddy")
    either.query()
    assert either.get_row_count() == 2
    nobody = client.GlideRecord("sys_user")
    nobody.add_null_query("name")
    nobody.query()
    assert len(nobody) == 0
    known = client.GlideRecord("sys_user")
    known.fields = "sys_id,name,user_password"
    assert known.get(ADMIN)
    assert known.get_display_value("user_password") == "********"
    assert set(known.serialize()) == {"sys_id", "name", "user_password"}


def batch(client: pysnc.ServiceNowClient) -> None:
    record = client.GlideRecord("problem")
    record.add_query("short_description", "LIKE", "BUNKZZ")
    record.query()
    while record.next():
        record.short_description = record.short_description + " -- APPENDED"
    assert record.update_multiple()
    changed = client.GlideRecord("problem")
    changed.add_query("short_description", "LIKE", "APPENDED")
    changed.query()
    assert len(changed) == 25


def batch_with_failures(client: pysnc.ServiceNowClient) -> None:
    rule = client.GlideRecord("sys_script")
    rule.initialize()
    rule.name = "refuses"
    rule.collection = "problem"
    rule.active = rule.action_update = rule.abort_action = True
    rule.filter_condition = "short_descriptionLIKEEICAR^ORdescriptionLIKEEICAR^EQ"
    assert rule.insert()
    record = client.GlideRecord("problem")
    record.add_query("short_description", "LIKE", "BUNKZZ")
    record.query()
    for position, one in enumerate(record):
        one.short_description = f"{one.short_description} {'EICAR' if position % 2 else 'fine'}"
    assert not record.update_multiple()
    assert count(client, "EICAR") == 0
    assert count(client, "fine") == 13
    arm("unserviced", times=4)
    gone = client.GlideRecord("problem")
    gone.add_query("short_description", "LIKE", "BUNKZZ")
    assert gone.delete_multiple()
    assert count(client, "BUNKZZ") == 0


def long_query(client: pysnc.ServiceNowClient) -> None:
    record = client.GlideRecord("sys_user")
    for _ in range(2300):
        record.add_query("AAAA", "BBBB")
    record.add_query("sys_id", ADMIN)
    record.query()  # through the Batch API
    assert len(record) == 1
    assert record.next()
    assert record.sys_id == ADMIN
    page = raises(RequestException, lambda: client.GlideRecord("A" * 23_000).get("any"))
    assert str(page).startswith("<html>")


def dot_walk(client: pysnc.ServiceNowClient) -> None:
    user = client.GlideRecord("sys_user")
    user.fields = "sys_id,department,department.name,department.dept_head,department.dept_head.email"
    assert user.get("46c5bf6ca9fe1981010713e3ac7d3384")
    assert user.department.name == "Finance"
    assert user.department.dept_head.email == "natasha.ingram@example.com"


def related(client: pysnc.ServiceNowClient) -> None:
    managers = client.GlideRecord("sys_user")
    joined = managers.add_join_query("sys_user_group", join_table_field="manager")
    joined.add_query("active", "true")
    managers.query()
    assert len(managers) == 1
    without = client.GlideRecord("sys_user")
    without.add_rl_query("sys_user_group", "manager", "=0")
    without.query()
    everybody = client.GlideRecord("sys_user")
    everybody.query()
    assert len(without) == len(everybody) - 1


def oauth() -> None:
    flows = (
        ServiceNowPasswordGrantFlow(
            login["user"], login["password"], login["client_id"], login["client_secret"]
        ),
        ServiceNowClientCredentialsFlow(login["client_id"], login["client_secret"]),
    )
    for flow in flows:
        client = pysnc.ServiceNowClient(url, flow)
        record = client.GlideRecord("sys_user")
        assert record.get(ADMIN), type(flow).__name__
    wrong = ServiceNowClientCredentialsFlow(login["client_id"], "wrong")
    refusal = raises(AuthenticationException, lambda: pysnc.ServiceNowClient(url, wrong))
    assert "access_denied" in str(refusal)


def errors(client: pysnc.ServiceNowClient) -> None:
    stranger = pysnc.ServiceNowClient(url, (login["user"], "wrong"), auto_retry=False)
    refusal = str(raises(AuthenticationException, lambda: stranger.GlideRecord("sys_user").get("any")))
    assert "not authenticated" in refusal.lower()
    assert "required to provide auth information" in refusal.lower()
    raises(RequestException, lambda: client.GlideRecord("u_none").query())
    for name, kind, words in (
        ("data_policy", RoleException, "mandatory: Resolution code"),
        ("insert_acl", RoleException, "ACL Exception Insert Failed"),
        ("cancelled", RequestException, "maximum execution time exceeded"),
        ("semaphore", RequestException, ""),
    ):
        arm(name)
        assert words in str(raises(kind, lambda: add(client, "never"))), name
    assert count(client, "never") == 0
    arm("read_back_denied")
    raises(RoleException, lambda: add(client, "written all the same"))
    assert count(client, "written all the same") == 1
    retrying = pysnc.ServiceNowClient(url, (login["user"], login["password"]))
    arm("rate_limit", retry_after=0)
    assert retrying.GlideRecord("sys_user").get(ADMIN)


def add(client: pysnc.ServiceNowClient, text: str) -> None:
    record = client.GlideRecord("problem")
    record.initialize()
    record.short_description = text
    assert record.insert()


def count(client: pysnc.ServiceNowClient, text: str) -> int:
    record = client.GlideRecord("problem")
    record.add_query("short_description", "LIKE", text)
    record.query()
    return len(record)


def raises(kind: type[Exception], work: Callable[[], object]) -> Exception:
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def arm(name: str, *, times: int = 1, **more: object) -> None:
    fault = {"kind": "named", "name": name, "times": times, "path": "/api/*", **more}
    requests.post(f"{url}/_control/faults", json=fault, timeout=10).raise_for_status()


main()
