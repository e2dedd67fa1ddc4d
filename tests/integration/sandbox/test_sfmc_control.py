"""The simulator's control API, its page, its command."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import aiohttp
import pytest

from tests.unit.sandbox_sfmc.caller import GRANT, Caller, Json, calling, lead


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as found:
        yield found


async def control(caller: Caller, method: str, path: str, body: Json = None) -> tuple[int, Json]:
    async with caller.session.request(method, f"{caller.sim.url}/_control/{path}", json=body) as response:
        return response.status, await response.json() if response.content_length else None


async def test_objects_are_read_in_pages(caller: Caller) -> None:
    await caller.upsert([lead(f"k{number}", Score=number) for number in range(5)])
    seen: list[Json] = []
    after: int | None = 0
    while after is not None:
        _, page = await control(caller, "GET", f"objects/form_leads?limit=2&after={after}")
        seen, after = [*seen, *page["items"]], page["next"]

    assert [row["SubscriberKey"] for row in seen] == [f"k{number}" for number in range(5)]
    assert (seen[3]["Score"], seen[3]["IsActive"], seen[3]["LastLogin"]) == ("3.00", True, None)
    assert (await control(caller, "GET", "objects/form_leads?account=7281699"))[1]["items"] == []
    assert (await control(caller, "GET", "objects/gone"))[0] == 404


async def test_objects_are_listed_with_their_columns(caller: Caller) -> None:
    _, found = await control(caller, "GET", "objects")

    assert len(found["items"]) == 7
    assert found["items"][0]["columns"][0] == {
        "name": "SubscriberKey",
        "type": "Text",
        "length": 100,
        "scale": None,
        "primary_key": True,
        "nullable": False,
        "default": "",
    }


async def test_schema_changes_over_http(caller: Caller) -> None:
    steps: list[dict[str, Json]] = [
        {"change": "add_object", "object": "new", "columns": [{"name": "Id", "primary_key": True}]},
        {"change": "add_field", "object": "new", "field": {"name": "N", "type": "Number"}},
        {"change": "rename_field", "object": "new", "field": "n", "to": "Count"},
        {
            "change": "alter_field",
            "object": "new",
            "field": "Count",
            "type": "Text",
            "length": 3,
            "nullable": False,
        },
        {"change": "rename_object", "object": "new", "to": "newer"},
    ]
    for step in steps:
        assert (await control(caller, "POST", "schema", step))[0] == 200
    row: dict[str, object] = {"keys": {"Id": "1"}, "values": {"Count": "abc"}}

    assert (await caller.upsert([row], path="hub/v1/dataevents/key:newer/rowset"))[0] == 200
    assert (await caller.upsert([row], path="hub/v1/dataevents/key:new/rowset"))[0] == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("schema", {"change": "drop_object", "object": "gone"}),
        ("schema", {"change": "explode", "object": "form_leads"}),
        ("schema", {"change": "add_object", "object": "form_leads", "columns": []}),
    ],
    ids=["gone", "unknown", "taken"],
)
async def test_wrong_schema_changes(caller: Caller, path: str, body: Json) -> None:
    assert (await control(caller, "POST", path, body))[0] == 422


@pytest.mark.parametrize(
    "body",
    [{"lags": {"visible": -1}}, {"lags": {"nope": 1}}, {"behaviour": {"nulls": "perhaps"}}, {"keep": 0}],
)
async def test_wrong_settings_change_nothing(caller: Caller, body: Json) -> None:
    before = caller.sim.settings()

    assert (await control(caller, "PUT", "settings", body))[0] == 422
    assert caller.sim.settings() == before


async def test_settings_are_shown_in_the_form_they_are_taken(caller: Caller) -> None:
    _, shown = await control(caller, "GET", "settings")
    shown["limits"]["rest_per_minute"] = None

    assert (await control(caller, "PUT", "settings", shown))[0] == 200
    assert (await control(caller, "GET", "settings"))[1] == shown


async def test_a_removed_client_cannot_log_in(caller: Caller) -> None:
    await control(caller, "PUT", "settings", {"clients": {GRANT["client_id"]: None}})

    assert (await caller.grant(GRANT))[0] == 401


async def test_reset_gives_a_fresh_account_and_keeps_the_token(caller: Caller) -> None:
    await caller.upsert([lead("a")])
    await control(caller, "POST", "schema", {"change": "drop_object", "object": "feedback_log"})
    await control(caller, "POST", "reset")

    assert caller.keys() == []
    assert caller.sim.objects("feedback_log") == []
    assert caller.sim.arrivals(after=0, limit=10).items == []
    assert (await caller.upsert([lead("a")]))[0] == 200


async def test_contacts_and_entries_are_read(caller: Caller) -> None:
    event = {"ContactKey": "c1", "EventDefinitionKey": "APIEvent-form-submitted", "Data": {"a": 1}}
    await caller.call("POST", "interaction/v1/events", json=event)
    _, contacts = await control(caller, "GET", "contacts")
    _, entries = await control(caller, "GET", "entries")

    assert [one["key"] for one in contacts["items"]] == ["c1"]
    assert [(one["contact"], one["data"]) for one in entries["items"]] == [("c1", {"a": 1})]


async def test_the_page_shows_what_arrived_and_escapes_it(caller: Caller) -> None:
    await caller.upsert([lead("<script>x</script>")])
    async with caller.session.get(f"{caller.sim.rest_url}/") as response:
        text = await response.text()
    outline = Outline()
    outline.feed(text)

    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "<script" not in text
    assert "sandbox-secret" in text
    assert outline.open == []
    assert outline.headings[:5] == ["h1", "h2", "h2", "h2", "h2"]


async def test_buttons_make_it_fail_and_work_again(caller: Caller) -> None:
    met = []
    for choice in ("throttled", "blocked", "maintenance", "normal"):
        path = f"{caller.sim.url}/_control/page/{choice}"
        async with caller.session.post(path, allow_redirects=False) as response:
            assert response.status == 303
        met.append((await caller.upsert([lead("a")]))[0])
    async with caller.session.post(f"{caller.sim.url}/_control/page/reset") as response:
        assert response.status == 200
    elsewhere = {"sec-fetch-site": "cross-site"}
    async with caller.session.post(f"{caller.sim.url}/_control/page/blocked", headers=elsewhere) as response:
        assert response.status == 403

    assert met == [429, 429, 503, 200]
    assert caller.keys() == []
    assert (await control(caller, "POST", "page/explode"))[0] == 404


async def test_the_command_says_where_and_with_what() -> None:
    words = (
        "sfmc",
        "--port",
        "0",
        "--rest-port",
        "0",
        "--soap-port",
        "0",
        "--client",
        "me:word",
        "--account",
        "42",
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "formlane_sandbox", *words), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(4)]
    urls = {line.split()[1]: line.split()[2] for line in lines}
    grant = {**GRANT, "client_id": "me", "client_secret": "word"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{urls['auth']}/v2/token", json=grant) as response,
    ):
        answer = await response.json()
    process.send_signal(signal.SIGTERM)

    assert await process.wait() == 0
    assert answer["rest_instance_url"] == f"{urls['rest']}/"
    assert lines[3] == "sfmc client me secret word account 42"


class Outline(HTMLParser):
    """Headings and unclosed elements of a page."""

    _VOID = ("meta", "link", "br", "input")

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
