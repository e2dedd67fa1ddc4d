"""Creating issues, one and in bulk."""

from __future__ import annotations

import pytest

from formlane_sandbox.jira.adf import text_document
from formlane_sandbox.jira.drift import AddField, PlaceField
from tests.integration.sandbox.test_jira import Jira, Json, cloud, data_center, issue

NOT_ON_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."


async def fields(jira: Jira, key: str, *names: str) -> Json:
    found = (await jira.get(f"issue/{key}?fields={','.join(names)}"))["fields"]
    assert isinstance(found, dict)
    return found


async def test_create_gives_strings_as_ids_and_keys_in_sequence() -> None:
    async with cloud() as jira:
        made = [await jira.post("issue", issue()) for _ in range(2)]
        other = await jira.post("issue", issue(project={"id": "10001"}))

    assert [answer.status for answer in (*made, other)] == [201] * 3
    assert [answer["key"] for answer in (*made, other)] == ["HELP-1", "HELP-2", "WEB-1"]
    assert made[0].json() == {
        "id": "10000",
        "key": "HELP-1",
        "self": f"{jira.sim.url}/rest/api/3/issue/10000",
    }


async def test_an_issue_comes_back_as_it_was_sent() -> None:
    given: Json = {
        "priority": {"name": "High"},
        "duedate": "2026-01-31",
        "components": [{"name": "Portal"}],
        "fixVersions": [{"name": "1.0"}],
        "assignee": {"accountId": "5b10a2844c20165700ede21g"},
        "security": {"id": "10000"},
        "timetracking": {"originalEstimate": "1d"},
        "customfield_10020": 42,
        "customfield_10030": "team-1",
        "customfield_10200": {"value": "Sales"},
        "customfield_10201": [{"value": "Phone"}],
        "customfield_10202": {"value": "Europe", "child": {"value": "Berlin"}},
        "customfield_10204": text_document("note"),
        "customfield_10206": 12.5,
        "customfield_10208": "2026-01-31T14:05:00.000+01:00",
        "customfield_10213": [{"accountId": "5b10a2844c20165700ede21g"}],
        "customfield_10214": {"name": "support-team"},
        "customfield_10215": {"key": "WEB"},
        "customfield_10216": {"name": "2.0"},
        "customfield_10219": [{"name": "support-team"}],
    }
    async with cloud() as jira:
        made = await jira.post("issue", issue("a", **given))
        found = (await jira.get(f"issue/{made['key']}"))["fields"]
    assert isinstance(found, dict)
    sent = issue("a", **given)["fields"]
    assert isinstance(sent, dict)

    for name, value in sent.items():
        assert contains(found[name], expected(name, value)), name
    assert found["reporter"]["displayName"] == "Mia Krystof"
    assert found["status"]["name"] == "To Do"
    assert found["creator"]["accountId"] == "5b10a2844c20165700ede21g"
    assert str(found["created"]).endswith("+0000")


def expected(name: str, value: object) -> object:
    known: Json = {
        "customfield_10020": [{"id": 42}],
        "customfield_10030": {"id": "team-1"},
        "customfield_10208": "2026-01-31T14:05:00.000+0100",
    }
    return known.get(name, value)


def contains(found: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(contains(found[name], item) for name, item in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and all(contains(*pair) for pair in zip(found, wanted, strict=True))
    return found == wanted


async def test_version_2_and_version_3_show_the_same_text() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue(description=text_document("one\ntwo")))
        await jira.post("/rest/api/2/issue", issue(description="one\ntwo"))
        shown = []
        for version in (2, 3):
            for key in ("HELP-1", "HELP-2"):
                answer = await jira.get(f"/rest/api/{version}/issue/{key}?fields=description")
                found = answer["fields"]
                assert isinstance(found, dict)
                shown.append(found["description"])

    assert shown == ["one\ntwo", "one\ntwo", text_document("one\ntwo"), text_document("one\ntwo")]


async def test_everything_wrong_is_said_at_once() -> None:
    async with cloud() as jira:
        answer = await jira.post(
            "issue",
            issue(
                "x y", summary=None, description="plain", customfield_10206="5", customfield_1="?", status={}
            ),
        )

    assert answer.status == 400
    assert answer["errorMessages"] == []
    assert answer.errors() == {
        "labels": "The label 'x y' contains spaces which is invalid.",
        "summary": "You must specify a summary of the issue.",
        "description": "Operation value must be an Atlassian Document (see the Atlassian Document Format)",
        "customfield_10206": "Operation value must be a number",
        "customfield_1": NOT_ON_SCREEN.format("customfield_1"),
        "status": NOT_ON_SCREEN.format("status"),
    }


PLACES: list[tuple[Json, Json]] = [
    ({"project": ...}, {"project": "Specify a valid project ID or key"}),
    ({"project": {"key": "NONE"}}, {"project": "valid project is required"}),
    (
        {"project": ..., "issuetype": ...},
        {"project": "Specify a valid project ID or key", "issuetype": "Specify an issue type"},
    ),
    ({"issuetype": ...}, {"issuetype": "Specify an issue type"}),
    ({"issuetype": {"id": "99"}}, {"issuetype": "The issue type selected is invalid."}),
    ({"issuetype": {"name": "Service request"}}, {"customfield_10200": "Department is required."}),
    (
        {"issuetype": {"name": "Sub-task"}},
        {"parentId": "Issue type is a sub-task but parent issue key or id not specified."},
    ),
    (
        {"issuetype": {"name": "Sub-task"}, "parent": {"key": "WEB-1"}},
        {"parent": "Given parent work item does not belong to appropriate hierarchy."},
    ),
]


@pytest.mark.parametrize(("changes", "errors"), PLACES, ids=[str(number) for number in range(len(PLACES))])
async def test_project_type_and_required_fields(changes: Json, errors: Json) -> None:
    async with cloud() as jira:
        await jira.post("issue", issue(project={"key": "WEB"}))
        answer = await jira.post("issue", issue(**changes))

    assert (answer.status, answer.errors()) == (400, errors)


async def test_a_missing_permission_is_a_400() -> None:
    async with cloud() as jira:
        jira.sim.site.schema.projects["10000"].creatable = False
        answer = await jira.post("issue", issue())

    assert (answer.status, answer.errors()) == (400, {"project": "You cannot create issues in this project."})


async def test_a_required_priority_is_said_without_a_field() -> None:
    async with cloud() as jira:
        jira.sim.alter(PlaceField(field="priority", create=False))
        jira.sim.alter(PlaceField(field="priority", create=True, required=True))
        answer = await jira.post("issue", issue())

    assert answer.json() == {"errorMessages": ["Field 'priority' is required"], "errors": {}}


async def test_update_verbs_on_create_and_what_may_not_be() -> None:
    async with cloud() as jira:
        body = issue()
        body["update"] = {
            "customfield_10211": [{"add": "x"}, {"add": "y"}],
            "comment": [{"add": {"body": text_document("hi")}}],
        }
        made = await jira.post("issue", body)
        found = await fields(jira, "HELP-1", "customfield_10211", "comment")
        twice = issue("a")
        twice["update"] = {"labels": [{"add": "x"}], "duedate": [{"add": "2026-01-01"}], "nothing": []}
        wrong = await jira.post("issue", twice)

    assert made.status == 201
    assert found["customfield_10211"] == ["x", "y"]
    assert isinstance(found["comment"], dict)
    assert found["comment"]["total"] == 1
    assert wrong.errors() == {
        "labels": "Field 'labels' cannot be used in both 'fields' and 'update'.",
        "duedate": "The operation 'add' is not supported for field 'duedate'.",
        "nothing": NOT_ON_SCREEN.format("nothing"),
    }


async def test_a_transition_asked_for_with_a_create() -> None:
    async with cloud() as jira:
        right = await jira.post("issue", {**issue(), "transition": {"id": "21"}})
        wrong = await jira.post("issue", {**issue(), "transition": {"id": "99"}})
        status = await fields(jira, "HELP-1", "status")

    assert right["transition"] == {"status": 200, "errorCollection": {"errorMessages": [], "errors": {}}}
    assert wrong.status == 201
    assert isinstance(wrong["transition"], dict)
    assert wrong["transition"]["status"] == 400
    assert isinstance(status["status"], dict)
    assert status["status"]["name"] == "In Progress"


async def test_bulk_create_that_partly_fails() -> None:
    async with cloud() as jira:
        updates = [issue(f"l{number}") for number in range(5)]
        updates[1] = issue(issuetype={"id": "99"})
        updates[3] = issue("x y")
        answer = await jira.post("issue/bulk", {"issueUpdates": updates})
        labels = [(await fields(jira, f"HELP-{number}", "labels"))["labels"] for number in (1, 2, 3)]

    assert answer.status == 201
    assert [item["key"] for item in answer.listed("issues")] == ["HELP-1", "HELP-2", "HELP-3"]
    assert labels == [["l0"], ["l2"], ["l4"]]
    assert answer["errors"] == [
        {
            "status": 400,
            "elementErrors": {
                "errorMessages": [],
                "errors": {"issuetype": "The issue type selected is invalid."},
                "status": 400,
            },
            "failedElementNumber": 1,
        },
        {
            "status": 400,
            "elementErrors": {
                "errorMessages": [],
                "errors": {"labels": "The label 'x y' contains spaces which is invalid."},
                "status": 400,
            },
            "failedElementNumber": 3,
        },
    ]


async def test_bulk_create_that_fails_as_a_whole() -> None:
    async with cloud() as jira:
        answer = await jira.post("issue/bulk", {"issueUpdates": [issue("x y"), "?", {}]})

    assert (answer.status, answer["issues"]) == (400, [])
    assert [item["failedElementNumber"] for item in answer.listed("errors")] == [0, 1, 2]


async def test_bulk_create_takes_50_in_cloud() -> None:
    async with cloud() as jira, data_center() as server:
        sizes = []
        for size in (50, 51):
            answer = await jira.post("issue/bulk", {"issueUpdates": [issue()] * size})
            sizes.append((answer.status, answer.json().get("errorMessages")))
        there = await server.post("issue/bulk", {"issueUpdates": [issue(description="a")] * 51})
        wrong = await jira.post("issue/bulk", {"issues": []})

    assert sizes == [(201, None), (400, ["The number of issues to create must not exceed 50."])]
    assert (there.status, len(there.listed("issues"))) == (201, 51)
    assert (wrong.status, wrong.errors()) == (400, {})


async def test_data_center_writes_names_and_strings() -> None:
    async with data_center() as jira:
        made = await jira.post(
            "issue", issue(description="*bold*", assignee={"name": "mia"}, issuetype={"name": "Task"})
        )
        found = await fields(jira, "HELP-1", "description", "assignee")
        wrong = await jira.post("issue", issue(description=text_document("a"), assignee={"accountId": "x"}))

    assert made.status == 201
    assert contains(found, {"description": "*bold*", "assignee": {"name": "mia"}})
    assert set(wrong.errors()) == {"description", "assignee"}


async def test_a_field_of_ones_own() -> None:
    async with cloud() as jira:
        jira.sim.alter(
            AddField(
                name="Colour", kind="select", id="customfield_12345", options=("Red", "Blue"), required=True
            )
        )
        missing = await jira.post("issue", issue())
        right = await jira.post("issue", issue(customfield_12345={"value": "Blue"}))

    assert missing.errors() == {"customfield_12345": "Colour is required."}
    assert right.status == 201
