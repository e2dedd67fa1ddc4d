"""Control API and page of the ServiceNow instance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest

from formlane_sandbox.servicenow.options import build
from tests.unit.sandbox_servicenow.calls import Calls, calling


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with calling() as calls:
        yield calls


async def test_objects_in_full_by_pages(calls: Calls) -> None:
    for number in range(5):
        await calls.post("table/incident", {"short_description": f"{number}"})
    first = (await calls.control("GET", "objects/incident?limit=3")).document
    rest = (await calls.control("GET", f"objects/incident?limit=3&after={first['next']}")).document
    counts = (await calls.control("GET", "objects")).document

    assert [row["short_description"] for row in first["items"] + rest["items"]] == list("01234")
    assert rest["next"] is None
    assert counts["incident"] == 5
    assert (await calls.control("GET", "objects/nothing")).status == 404
    assert (await calls.control("POST", "objects/nothing", [{}])).status == 404


async def test_arrivals_and_stats(calls: Calls) -> None:
    await calls.post("table/incident", {"short_description": "x"})
    await calls.get("table/nothing")
    (posted, got) = (await calls.control("GET", "arrivals")).document["items"]
    stats = (await calls.control("GET", "stats")).document

    assert (posted["method"], posted["status"], posted["user"]) == ("POST", 201, "formlane.integration")
    assert posted["body"] == '{"short_description":"x"}'
    assert "INC0010001" in posted["answer"]
    assert got["status"] == 400
    assert stats["simulator"] == "servicenow"
    assert stats["counts"]["inserted incident"] == 1
    assert stats["counts"]["answered 400"] == 1


async def test_reset_gives_a_fresh_instance(calls: Calls) -> None:
    await calls.post("table/incident", {})
    await calls.configure(limits={"page": 7}, keep=5)
    assert (await calls.control("POST", "reset")).status == 204

    assert calls.sim.rows("incident") == []
    assert len(calls.sim.rows("sys_user")) == 5
    assert (await calls.control("GET", "arrivals")).document["items"] == []
    assert (await calls.control("GET", "settings")).document["limits"]["page"] == 7
    assert (await calls.post("table/incident", {})).result["number"] == "INC0010001"


@pytest.mark.parametrize("document", [b"{", b'{"x":1}', b'{"limits":{"page":0}}', b'{"users":[{}]}', b"[]"])
async def test_wrong_settings(calls: Calls, document: bytes) -> None:
    before = calls.sim.settings()
    assert (await calls.control("PUT", "settings", document)).status == 422
    assert calls.sim.settings() == before


async def test_tokens_can_be_ended(calls: Calls) -> None:
    assert (await calls.control("POST", "tokens/expire")).status == 204
    assert (await calls.control("POST", "tokens/revoke")).status == 204
    assert (await calls.control("POST", "tokens/other")).status == 404


async def test_other_sites_cannot_control(calls: Calls) -> None:
    elsewhere = {"sec-fetch-site": "cross-site"}
    for path in ("objects/incident", "schema", "tokens/revoke", "page/maintenance"):
        assert (await calls.send("POST", f"/_control/{path}", b"[]", elsewhere)).status == 403
    assert calls.sim.rows("incident") == []


async def test_the_page(calls: Calls) -> None:
    await calls.post("table/incident", {"short_description": "<script>x</script>"})
    await calls.send("GET", "/elsewhere")
    page = (await calls.send("GET", "/", headers={})).body.decode()
    outline = _Outline()
    outline.feed(page)

    assert "integration-password" in page
    assert "<script" not in page
    assert "&lt;script&gt;x" in page
    assert outline.open == []
    assert outline.headings == ["h1", "h2", "h2", "h2", "h2", "h3", "h3"]


async def test_buttons(calls: Calls) -> None:
    met = []
    for choice in ("maintenance", "rate_limit", "normal"):
        assert (await calls.control("POST", f"page/{choice}")).status == 303
        met.append((await calls.get("table/incident")).status)
        assert (await calls.send("GET", "/", headers={})).status == 200
    assert met == [503, 429, 200]
    assert (await calls.control("POST", "page/other")).status == 404
    assert (await calls.control("POST", "page/reset")).status == 303
    assert calls.sim.stats()["counts"] == {}


def test_credentials_of_the_command_line() -> None:
    sim = build(user="u", password="p", client_id="c", client_secret="s", api_key="k", time_scale=0.5)
    settings = sim.instance.settings

    assert [user.name for user in settings.users] == ["admin", "u"]
    assert (settings.clients[0].id, settings.clients[0].user, settings.api_keys) == ("c", "u", {"k": "u"})
    assert sim.clock.time_scale == 0.5


class _Outline(HTMLParser):
    """Headings and unclosed elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
