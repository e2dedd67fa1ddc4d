"""Search: queries, pages, what it does not see yet, and what it will not do."""

from __future__ import annotations

import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.jira.adf import text_document
from tests.integration.sandbox.test_jira import Jira, cloud, data_center, issue


async def keys(jira: Jira, jql: str, **more: object) -> list[object]:
    answer = await jira.post("search/jql", {"jql": jql, "fields": ["summary"], **more})
    assert answer.status == 200, answer.text
    return [item["key"] for item in answer.listed("issues")]


QUERIES = {
    "project = HELP": ["HELP-3", "HELP-2", "HELP-1"],
    "project = 10001": ["WEB-1"],
    'project in ("Help desk", WEB) order by key': ["HELP-1", "HELP-2", "HELP-3", "WEB-1"],
    "project != HELP": ["WEB-1"],
    'labels = "fx-1"': ["HELP-1"],
    'project = HELP AND labels in ("fx-1", "fx-2", "none")': ["HELP-2", "HELP-1"],
    "labels = none": [],
    "labels is empty": ["WEB-1"],
    "labels != fx-1 and project = HELP": ["HELP-3", "HELP-2"],
    "key in (HELP-1, HELP-3) order by key desc": ["HELP-3", "HELP-1"],
    "id = 10001": ["HELP-2"],
    "key >= HELP-2 and project = HELP": ["HELP-3", "HELP-2"],
    "cf[10206] = 2": ["HELP-2"],
    "Amount >= 2 order by Amount asc": ["HELP-2", "HELP-3"],
    "Amount not in (1, 2)": ["HELP-3"],
    "Amount is not empty and not Amount = 3": ["HELP-2", "HELP-1"],
    "summary ~ second": ["HELP-2"],
    "summary !~ second and project = HELP": ["HELP-3", "HELP-1"],
    'text ~ "details"': ["HELP-3"],
    '"Web page" = "https://example.com" or status = Done': ["HELP-2"],
    "issuetype = Task and status = 'To Do'": ["WEB-1", "HELP-3", "HELP-2", "HELP-1"],
    "priority = High": ["HELP-1"],
    "assignee = currentUser()": ["HELP-1"],
    "reporter = 'mia@example.com' AND assignee is EMPTY order by created DESC": ["WEB-1", "HELP-3", "HELP-2"],
    "Department = Sales": ["HELP-2"],
    "created >= -5m and project = WEB": ["WEB-1"],
    "created < '2020-01-01'": [],
    "created <= now() and updated >= startOfDay() and project = WEB": ["WEB-1"],
    "duedate < '2026/02/01'": ["HELP-3"],
    "project = HELP order by summary desc": ["HELP-3", "HELP-2", "HELP-1"],
}


async def test_queries() -> None:
    more = {"customfield_10200": {"value": "Sales"}, "customfield_10205": "https://example.com"}
    async with cloud() as jira:
        await jira.post(
            "issue",
            issue(
                "fx-1",
                summary="a first",
                priority={"name": "High"},
                customfield_10206=1,
                assignee={"accountId": "5b10a2844c20165700ede21g"},
            ),
        )
        await jira.post(
            "issue",
            issue("fx-2", summary="b second", customfield_10206=2, **more),
        )
        await jira.post(
            "issue",
            issue(
                "fx-3",
                summary="c third",
                customfield_10206=3,
                duedate="2026-01-31",
                description=text_document("The Details of it"),
            ),
        )
        await jira.post("issue", issue(project={"key": "WEB"}))
        found = {jql: await keys(jira, jql) for jql in QUERIES}

    assert found == QUERIES


UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
WRONG = {
    "": UNBOUNDED,
    "order by created": UNBOUNDED,
    "project = INVALID": "The value 'INVALID' does not exist for the field 'project'.",
    "issuetype = Story": "The value 'Story' does not exist for the field 'issuetype'.",
    "status = Gone": "The value 'Gone' does not exist for the field 'status'.",
    "key = HELP-99": "An issue with key 'HELP-99' does not exist for field 'key'.",
    "issuekey in (HELP-99)": "An issue with key 'HELP-99' does not exist for field 'issuekey'.",
    "colour = red": "Field 'colour' does not exist or you do not have permission to view it.",
    "summary = x": "The operator '=' is not supported by the 'Summary' field.",
    "labels > x": "The operator '>' is not supported by the 'Labels' field.",
    "created > soon": "Date value 'soon' for field 'created' is invalid.",
    "Amount = x": "The value 'x' does not exist for the field 'Amount'.",
    "assignee = nobody()": "Field 'nobody()' does not exist or you do not have permission to view it.",
    'issue.property[forms.submission].id = "a"': (
        "Field 'issue.property[forms.submission].id' does not exist or you do not have permission to view it."
    ),
    "project = ": "Error in the JQL Query: The character or word at position 8 is not expected.",
}


@pytest.mark.parametrize("jql", WRONG, ids=[jql or "nothing" for jql in WRONG])
async def test_wrong_queries(jql: str) -> None:
    async with cloud() as jira:
        answer = await jira.post("search/jql", {"jql": jql})

    assert (answer.status, answer["errorMessages"]) == (400, [WRONG[jql]])


async def test_without_fields_there_are_only_ids() -> None:
    async with cloud() as jira:
        await jira.post("issue", {**issue("a"), "properties": [{"key": "p", "value": 1}]})
        bare = await jira.post("search/jql", {"jql": "project = HELP"})
        some = await jira.post(
            "search/jql",
            {"jql": "project = HELP", "fields": ["labels", "-summary"], "properties": ["p", "q"]},
        )
        every = await jira.get("search/jql?jql=project%3DHELP&fields=*all&fields=-comment")
        none = await jira.get("search/jql?jql=project%3DHELP&fields=")

    assert bare.json() == {"issues": [{"id": "10000"}], "isLast": True}
    (shown,) = some.listed("issues")
    assert (shown["key"], shown["fields"], shown["properties"]) == ("HELP-1", {"labels": ["a"]}, {"p": 1})
    (full,) = every.listed("issues")
    assert isinstance(full["fields"], dict)
    assert {"summary", "updated", "customfield_10200"} <= set(full["fields"])
    assert "comment" not in full["fields"]
    assert none.json() == bare.json()


async def test_pages_by_token() -> None:
    clock = Clock()
    async with cloud(clock=clock) as jira:
        await jira.post("issue/bulk", {"issueUpdates": [issue() for _ in range(5)]})
        asked: dict[str, object] = {"jql": "project = HELP", "fields": ["summary"], "maxResults": 2}
        pages = [await jira.post("search/jql", asked)]
        while not pages[-1]["isLast"]:
            pages.append(
                await jira.post("search/jql", {**asked, "nextPageToken": pages[-1]["nextPageToken"]})
            )
        token = pages[0]["nextPageToken"]
        other = await jira.post("search/jql", {**asked, "jql": "project = WEB", "nextPageToken": token})
        broken = await jira.post("search/jql", {**asked, "nextPageToken": "x"})
        null = await jira.post("search/jql", {**asked, "nextPageToken": None})
        clock.shift(7 * 86_400 + 1)
        late = await jira.post("search/jql", {**asked, "nextPageToken": token})

    assert [[item["key"] for item in page.listed("issues")] for page in pages] == [
        ["HELP-5", "HELP-4"],
        ["HELP-3", "HELP-2"],
        ["HELP-1"],
    ]
    assert all("total" not in page.json() for page in pages)
    assert "nextPageToken" not in pages[-1].json()
    assert [answer.status for answer in (other, broken, null, late)] == [400] * 4


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"maxResults": 0}, 400),
        ({"maxResults": 5001}, 400),
        ({"maxResults": "50"}, 400),
        ({"maxResults": 5000}, 200),
        ({"startAt": 0}, 400),
        ({"properties": ["a", "b", "c", "d", "e", "f"]}, 400),
        ({"properties": None, "expand": None}, 200),
        ({"reconcileIssues": list(range(51))}, 400),
    ],
    ids=["none", "too many", "text", "most", "startAt", "properties", "nulls", "reconcile"],
)
async def test_members_of_a_search(more: dict[str, object], status: int) -> None:
    async with cloud() as jira:
        answer = await jira.post("search/jql", {"jql": "project = HELP", **more})

    assert answer.status == status


async def test_search_sees_writes_after_its_lag() -> None:
    clock = Clock(time_scale=0.5)
    async with cloud(clock=clock, index_lag=60) as jira:
        await jira.post("issue", issue("a"))
        seen = [await keys(jira, "labels = a"), await keys(jira, "labels = a", reconcileIssues=[10000])]
        got = (await jira.get("issue/HELP-1")).status
        clock.shift(31)
        seen.append(await keys(jira, "labels = a"))
        await jira.put("issue/HELP-1", {"fields": {"labels": ["b"]}})
        seen += [await keys(jira, "labels = a"), await keys(jira, "labels = b")]
        seen.append(await keys(jira, "labels = b", reconcileIssues=["10000"]))
        clock.shift(31)
        seen += [await keys(jira, "labels = a"), await keys(jira, "labels = b")]

    assert got == 200
    assert seen == [[], ["HELP-1"], ["HELP-1"], ["HELP-1"], [], ["HELP-1"], [], ["HELP-1"]]


async def test_deleted_and_hidden_issues_are_not_found() -> None:
    async with cloud() as jira:
        for _ in range(3):
            await jira.post("issue", issue("a"))
        await jira.ask("DELETE", "issue/HELP-1")
        jira.sim.site.issues.by_key["HELP-2"].hidden = True

        assert await keys(jira, "labels = a") == ["HELP-3"]


async def test_two_issues_with_one_label() -> None:
    async with cloud() as jira:
        await jira.post("issue", {**issue("fx-1"), "properties": [{"key": "p", "value": 1}]})
        copy = jira.sim.duplicate("HELP-1")

        assert await keys(jira, "labels = fx-1") == [copy.key, "HELP-1"]
        assert copy.properties == {"p": 1}


async def test_a_declared_property_can_be_searched() -> None:
    async with cloud(indexed_properties=("forms.submission.id",)) as jira:
        for value in ("s1", "s2"):
            body = {**issue(), "properties": [{"key": "forms.submission", "value": {"id": value}}]}
            await jira.post("issue", body)

        assert await keys(jira, 'issue.property[forms.submission].id = "s2"') == ["HELP-2"]


async def test_the_old_search_of_cloud_is_gone() -> None:
    async with cloud() as jira:
        answers = [await jira.post("search", {"jql": ""}), await jira.get("/rest/api/2/search?jql=")]

    assert [answer.status for answer in answers] == [410, 410]
    assert "/rest/api/3/search/jql" in answers[0].text


async def test_counting() -> None:
    async with cloud() as jira:
        for _ in range(3):
            await jira.post("issue", issue())
        answer = await jira.post("search/approximate-count", {"jql": "project = HELP"})

    assert answer.json() == {"count": 3}


async def test_search_of_data_center() -> None:
    async with data_center() as jira:
        for number in range(3):
            await jira.post("issue", issue(f"l{number}", description="a"))
        body = {"jql": "project = HELP order by key", "startAt": 1, "maxResults": 1, "fields": ["labels"]}
        page = await jira.post("search", body)
        everything = await jira.get("search?jql=&maxResults=5000&fields=summary")
        wrong = await jira.post("search", {**body, "properties": []})

    assert (page["total"], page["startAt"], page["maxResults"]) == (3, 1, 1)
    (shown,) = page.listed("issues")
    assert shown["fields"] == {"labels": ["l1"]}
    assert (everything["total"], everything["maxResults"]) == (3, 1000)
    assert (wrong.status, wrong["errorMessages"]) == (400, ['Unrecognized field "properties"'])
