"""Control of a site: schema, objects, settings, languages, the page."""

from __future__ import annotations

import aiohttp
import pytest

from formlane_sandbox.jira.settings import ApiToken
from formlane_sandbox.jira.simulator import JiraSimulator
from tests.integration.sandbox.test_command_line import started
from tests.integration.sandbox.test_jira import Jira, Json, Site, basic, cloud, data_center, issue
from tests.integration.sandbox.test_webhook_control import Outline


async def alter(jira: Jira, *changes: Json) -> Json:
    answer = await jira.post("/_control/schema", list(changes), auth="")
    assert answer.status == 200, answer.text
    return answer.json()


async def fields(jira: Jira, kind: str = "10001") -> dict[str, Json]:
    page = await jira.get(f"issue/createmeta/HELP/issuetypes/{kind}?maxResults=200")
    return {str(item["fieldId"]): item for item in page.listed("fields")}


async def test_fields_come_change_and_go() -> None:
    async with cloud() as jira:
        await alter(
            jira,
            {
                "change": "add_field",
                "name": "Colour",
                "kind": "select",
                "id": "customfield_20000",
                "options": ["Red"],
            },
            {"change": "rename_field", "field": "customfield_10206", "name": "Sum"},
            {"change": "retype_field", "field": "customfield_10203", "kind": "float"},
            {"change": "shorten_field", "field": "customfield_10218", "limit": 5},
            {"change": "place_field", "field": "duedate", "create": False, "edit": False},
            {"change": "place_field", "field": "customfield_10211", "required": True, "type": "Task"},
            {"change": "drop_field", "field": "customfield_10205"},
        )
        shown, bug = await fields(jira), await fields(jira, "10002")
        refused = await jira.post(
            "issue",
            issue(
                customfield_10203="x",
                customfield_10218="123456",
                duedate="2026-01-31",
                customfield_10205="https://a.b",
            ),
        )
        every = {item["id"] for item in (await jira.get("field")).items()}

    assert shown["customfield_20000"]["allowedValues"]
    assert shown["customfield_10206"]["name"] == "Sum"
    assert shown["customfield_10203"]["schema"] == {
        "type": "number",
        "custom": "com.atlassian.jira.plugin.system.customfieldtypes:float",
        "customId": 10203,
    }
    assert (shown["customfield_10211"]["required"], bug["customfield_10211"]["required"]) == (True, False)
    assert not {"duedate", "customfield_10205"} & set(shown)
    assert "customfield_10205" not in every
    assert set(refused.errors()) == {
        "customfield_10203",
        "customfield_10211",
        "customfield_10218",
        "customfield_10205",
        "duedate",
    }


async def test_values_of_a_retyped_field_are_lost() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue(customfield_10203="x", customfield_10206=1))
        await alter(jira, {"change": "retype_field", "field": "customfield_10203", "kind": "userpicker"})
        found = (await jira.get("issue/HELP-1?fields=customfield_10203,customfield_10206"))["fields"]

    assert found == {"customfield_10203": None, "customfield_10206": 1}


async def test_options_are_disabled_renamed_and_added() -> None:
    async with cloud() as jira:
        await alter(
            jira,
            {
                "change": "change_options",
                "field": "customfield_10200",
                "add": ["Legal"],
                "disable": ["Sales"],
                "rename": {"Finance": "Money"},
            },
        )
        values = (await fields(jira))["customfield_10200"]["allowedValues"]
        gone = await jira.post("issue", issue(customfield_10200={"id": "1020010"}))
        back = await alter(
            jira, {"change": "change_options", "field": "customfield_10200", "enable": ["Sales"]}
        )
        right = await jira.post("issue", issue(customfield_10200={"value": "Sales"}))
    assert isinstance(values, list)

    assert [item["value"] for item in values] == ["Support", "Money", "Platform", "Legal"]
    assert gone.errors() == {"customfield_10200": "Option id '1020010' is not valid"}
    assert right.status == 201
    assert "fields" in back


async def test_types_and_projects_come_and_go() -> None:
    async with cloud() as jira:
        await alter(
            jira,
            {"change": "add_type", "name": "Story", "id": "10050", "project": "HELP"},
            {"change": "drop_type", "type": "Bug", "project": "HELP"},
            {"change": "add_project", "key": "new", "name": "New one"},
            {"change": "set_project", "project": "WEB", "archived": True},
        )
        types = [
            item["name"] for item in (await jira.get("issue/createmeta/HELP/issuetypes")).listed("issueTypes")
        ]
        gone = await jira.post("issue", issue(issuetype={"id": "10002"}))
        projects = [item["key"] for item in (await jira.get("project/search")).listed("values")]
        archived = await jira.get("issue/createmeta/WEB/issuetypes")
        made = await jira.post("issue", issue(project={"key": "NEW"}))

    assert types == ["Epic", "Task", "Sub-task", "Service request", "Story"]
    assert gone.errors() == {"issuetype": "The issue type selected is invalid."}
    assert projects == ["HELP", "NEW"]
    assert (archived.status, made["key"]) == (404, "NEW-1")


@pytest.mark.parametrize(
    "change",
    [
        {"change": "drop_field", "field": "customfield_1"},
        {"change": "add_field", "name": "x", "kind": "colour"},
        {"change": "add_field", "name": "x", "kind": "float", "id": "x"},
        {"change": "add_field", "name": "x", "kind": "float", "type": "Nothing"},
        {"change": "retype_field", "field": "summary", "kind": "float"},
        {"change": "change_options", "field": "customfield_10200", "disable": ["Nothing"]},
        {"change": "set_project", "project": "NONE"},
        {"change": "explode"},
    ],
    ids=["field", "kind", "id", "type", "system", "option", "project", "change"],
)
async def test_wrong_changes_change_nothing(change: Json) -> None:
    async with cloud() as jira:
        before = (await jira.get("/_control/schema", auth="")).text
        answer = await jira.post("/_control/schema", change, auth="")
        after = (await jira.get("/_control/schema", auth="")).text

    assert (answer.status, before) == (422, after)


@pytest.mark.parametrize("make", [cloud, data_center], ids=["cloud", "data center"])
async def test_what_arrived_can_be_read_in_full(make: Site) -> None:
    async with make() as jira:
        for number in range(5):
            body = {**issue(f"l{number}", description=...), "properties": [{"key": "p", "value": number}]}
            await jira.post("issue", body)
        counts = {
            item["name"]: item["count"]
            for item in (await jira.get("/_control/objects", auth="")).listed("items")
        }
        found, after = [], 0
        while True:
            page = await jira.get(f"/_control/objects/HELP/Task?limit=2&after={after}", auth="")
            found += page.listed("items")
            if page["next"] is None:
                break
            after = int(str(page["next"]))
        none = await jira.get("/_control/objects/NONE", auth="")
        one = jira.sim.document("HELP-1")

    assert (counts["issues"], counts["HELP"], counts["HELP/Task"], counts["WEB"]) == (5, 5, 5, 0)
    assert [item["properties"] for item in found] == [{"p": number} for number in range(5)]
    assert one == found[0]
    assert none.status == 404


async def test_an_issue_is_hidden_shown_and_doubled() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue())
        statuses = []
        for action in ("hide", "show", "duplicate"):
            answer = await jira.post("/_control/issues/HELP-1", {"action": action}, auth="")
            assert answer.status == 200
            statuses.append((await jira.get("issue/HELP-1")).status)
        copy = await jira.get("issue/HELP-2")
        none = await jira.post("/_control/issues/HELP-9", {"action": "hide"}, auth="")

    assert (statuses, copy.status, none.status) == ([404, 200, 200], 200, 404)


async def test_settings_are_read_and_changed() -> None:
    async with cloud() as jira:
        before = await jira.get("/_control/settings", auth="")
        after = await jira.put(
            "/_control/settings", {"index_lag": 5, "keep": 2, "limits": {"burst": None}}, auth=""
        )
        kept = await jira.put(
            "/_control/settings", {"tokens": [{"email": "lena@example.com", "token": "t"}]}, auth=""
        )
        wrong = await jira.put("/_control/settings", {"deployment": "datacenter"}, auth="")
        old, new = await jira.get("myself"), await jira.get("myself", auth=basic("lena@example.com", "t"))

    assert (before["deployment"], before["index_lag"]) == ("cloud", 0.0)
    assert (after["index_lag"], kept["index_lag"], wrong.status) == (5.0, 5.0, 422)
    assert (old.status, new.status) == (401, 200)
    assert jira.sim.requests.newest.maxlen == 2


async def test_another_client_may_be_registered() -> None:
    async with cloud() as jira:
        client = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}
        await jira.put("/_control/settings", {"clients": [client]}, auth="")
        asked = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
        answer = await jira.post("/oauth/token", asked, auth="")

    assert answer.status == 200


async def test_reset_and_stats() -> None:
    async with cloud() as jira:
        await alter(jira, {"change": "drop_type", "type": "Bug"})
        await jira.post("issue", issue())
        await jira.get("issue/HELP-9")
        stats = await jira.get("/_control/stats", auth="")
        await jira.ask("POST", "/_control/reset", auth="")
        after = await jira.get("/_control/stats", auth="")
        found = (await jira.get("issue/HELP-1")).status
        following = await jira.post("issue", issue(issuetype={"name": "Bug"}))

    assert stats["statuses"] == {"201": 1, "404": 1}
    assert (stats["issues"], after["issues"]) == ({"HELP": 1, "WEB": 0}, {"HELP": 0, "WEB": 0})
    assert (found, following["key"]) == (404, "HELP-2")


async def test_messages_are_in_the_users_language_unless_forced() -> None:
    tokens = (ApiToken(email="jonas@example.com", token="t"),)
    async with cloud(tokens=tokens) as jira:
        jonas = basic("jonas@example.com", "t")
        body = issue("x y", summary=None)
        answers = [
            await jira.post("issue", body, auth=jonas),
            await jira.post("issue", body, auth=jonas, accept_language="en"),
            await jira.post("issue", body, auth=jonas, accept_language="en", x_force_accept_language="true"),
            await jira.get("issue/HELP-1", auth=jonas),
        ]
        await jira.put("/_control/settings", {"language": "en"}, auth="")
        forced = await jira.post(
            "issue", body, auth=jonas, accept_language="de", x_force_accept_language="true"
        )

    german = {
        "labels": "Das Stichwort 'x y' enthält Leerzeichen und ist ungültig.",
        "summary": "Sie müssen eine Zusammenfassung für den Vorgang angeben.",
    }
    assert [answer.errors() for answer in (answers[0], answers[1], forced)] == [german] * 3
    assert answers[2].errors()["summary"] == "You must specify a summary of the issue."
    assert "Der Vorgang existiert nicht" in answers[3].text


async def test_the_page_shows_the_site_and_escapes_it() -> None:
    async with cloud() as jira:
        await jira.post("issue", issue(summary="<script>x</script>"))
        jira.arm("maintenance")
        page = await jira.get("/", auth="")
    outline = Outline()
    outline.feed(page.text)

    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "mia@example.com / sandbox-api-token" in page.text
    assert "maintenance" in page.text
    assert "POST /rest/api/3/issue" in page.text
    assert outline.open == []
    assert outline.headings == ["h1", "h2", "h2", "h2", "h2", "h3"]


async def test_the_page_of_data_center() -> None:
    async with data_center() as jira:
        page = await jira.get("/", auth="")

    assert "Jira Data Center" in page.text
    assert "sandbox-personal-token" in page.text
    assert "mia / mia-password" in page.text


async def test_buttons() -> None:
    async with cloud() as jira:
        met = []
        for choice in ("maintenance", "busy", "quota", "revoked", "normal"):
            pressed = await jira.post(f"/_control/page/{choice}", {}, auth="")
            assert (pressed.status, pressed.headers["location"]) == (303, "/")
            met.append((await jira.get("myself")).status)
        await jira.post("issue", issue())
        await jira.post("/_control/page/reset", {}, auth="")
        unknown = await jira.post("/_control/page/nothing", {}, auth="")

        assert met == [503, 429, 429, 401, 200]
        assert jira.sim.site.issues.by_id == {}
        assert unknown.status == 404


async def test_other_sites_change_nothing() -> None:
    async with cloud() as jira:
        for path, body in (
            ("/_control/page/reset", {}),
            ("/_control/schema", {"change": "drop_type", "type": "Bug"}),
            ("/_control/tokens", {"action": "revoke"}),
            ("/_control/issues/HELP-1", {"action": "hide"}),
        ):
            answer = await jira.post(path, body, auth="", sec_fetch_site="cross-site")
            assert answer.status == 403


@pytest.mark.parametrize(
    ("words", "name", "shown", "deployment"),
    [
        (["jira"], "jira", ["http", "gateway", "login"], "Cloud"),
        (["jira-dc", "--context", "/jira"], "jira-dc", ["http", "login"], "Server"),
        (["jira", "--deployment", "datacenter"], "jira-dc", ["http", "login"], "Server"),
    ],
    ids=["cloud", "data center", "by option"],
)
async def test_the_commands(words: list[str], name: str, shown: list[str], deployment: str) -> None:
    more = ("--port", "0", "--index-lag", "1.5", "--token", "lena@example.com:t:1")
    async with started(*words, *more, lines=len(shown)) as (process, lines):
        found = dict(line.split(" ", 2)[1:] for line in lines)
        context = "/jira" if "--context" in words else ""
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{found['http']}{context}/rest/api/2/serverInfo") as response:
                info = await response.json()
            async with session.get(f"{found['http']}/_control/settings") as response:
                settings = await response.json()
        process.terminate()

        assert await process.wait() == 0
    assert {line.split(" ")[0] for line in lines} == {name}
    assert list(found) == shown
    assert info["deploymentType"] == deployment
    assert settings["index_lag"] == 1.5
    assert settings["tokens"][-1] == {"email": "lena@example.com", "token": "t:1", "scopes": []}


def test_addresses_are_empty_before_the_start() -> None:
    assert JiraSimulator().addresses == {}
