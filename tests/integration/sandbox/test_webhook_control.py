"""The receiver's control API and its page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser

import aiohttp
import pytest

from formlane_sandbox.server import running
from formlane_sandbox.webhook.simulator import WebhookReceiver

Session = aiohttp.ClientSession


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    async with running(WebhookReceiver()) as sim, Session(sim.url) as session:
        yield session


async def get(session: Session, path: str) -> dict[str, object]:
    async with session.get(path) as response:
        assert response.status == 200
        found: dict[str, object] = await response.json()
        return found


async def send(session: Session, number: int, *, name: str = "a") -> None:
    body = {"records": [{"id": f"r{number}"}, {"id": f"s{number}"}]}
    async with session.put(f"/hook/{name}", json=body, headers={"webhook-id": f"m{number}"}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/_control/arrivals", "seq"),
        ("/_control/hooks/a/messages", "webhook_id"),
        ("/_control/hooks/a/records", "id"),
    ],
)
async def test_cursor_pages_give_everything_once_in_order(session: Session, path: str, key: str) -> None:
    for number in range(7):
        await send(session, number)
    found: list[object] = []
    after: object = 0
    while after is not None:
        page = await get(session, f"{path}?limit=3&after={after}")
        items = page["items"]
        assert isinstance(items, list)
        found += [item[key] for item in items]
        after = page["next"]

    assert (
        found
        == {
            "seq": [1, 2, 3, 4, 5, 6, 7],
            "webhook_id": [f"m{number}" for number in range(7)],
            "id": [f"{letter}{number}" for number in range(7) for letter in "rs"],
        }[key]
    )


async def test_reset_forgets_arrivals_and_faults(session: Session) -> None:
    await send(session, 1)
    async with session.post("/_control/faults", json={"kind": "status"}) as response:
        assert response.status == 201
    async with session.post("/_control/reset") as response:
        assert response.status == 204

    assert (await get(session, "/_control/stats"))["hooks"] == {}
    assert (await get(session, "/_control/faults"))["items"] == []
    await send(session, 1)


async def test_clock_shift(session: Session) -> None:
    async with session.post("/_control/clock", json={"seconds": 86400}) as response:
        assert (await response.json())["offset"] == 86400


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "after=-1", "after=x"])
async def test_wrong_cursor(session: Session, query: str) -> None:
    async with session.get(f"/_control/arrivals?{query}") as response:
        assert response.status == 422


@pytest.mark.parametrize(
    "document", [b"{", b'{"keep":0}', b'{"x":1}', b'{"default":{"secrets":["whsec_*"]}}']
)
async def test_wrong_settings(session: Session, document: bytes) -> None:
    async with session.put("/_control/settings", data=document) as response:
        assert response.status == 422
        assert (await response.json())["error"]


async def test_other_methods_and_paths(session: Session) -> None:
    for method, path, status in (
        ("GET", "/hook/a", 405),
        ("POST", "/hook/", 404),
        ("POST", "/hook/a/b", 404),
    ):
        async with session.request(method, path) as response:
            assert response.status == status


async def test_the_page_shows_what_arrived_and_escapes_it(session: Session) -> None:
    async with session.post("/hook/a", data=b'{"id":"<script>x</script>"}', headers={"webhook-id": "m1"}):
        pass
    await send(session, 2)
    await send(session, 2)
    async with session.get("/") as response:
        text = await response.text()
        policy = response.headers["content-security-policy"]
    outline = Outline()
    outline.feed(text)

    assert "default-src 'none'" in policy
    assert "<script" not in text
    assert "&lt;script&gt;x" in text
    assert "came 1 more time" in text
    assert "repeat of request 2, same bytes" in text
    assert outline.open == []
    assert outline.headings == ["h1", "h2", "h2", "h2", "h3", "h3", "h3"]
    assert outline.refresh == ["3"]


async def test_refreshing_can_be_stopped(session: Session) -> None:
    async with session.get("/?live=off") as response:
        outline = Outline()
        outline.feed(await response.text())

    assert outline.refresh == []


async def test_buttons_make_it_fail_and_work_again(session: Session) -> None:
    met = []
    for choice in ("unavailable", "busy", "normal"):
        async with session.post(f"/_control/page/{choice}", allow_redirects=False) as response:
            assert (response.status, response.headers["location"]) == (303, "/")
        async with session.post("/hook/a", data=b"{}") as response:
            met.append((response.status, response.headers.get("retry-after")))
    await session.post("/_control/page/refuse", allow_redirects=False)
    with pytest.raises(aiohttp.ClientError):
        await session.post("/hook/a", data=b"{}")

    assert met == [(503, None), (429, "5"), (200, None)]


async def test_other_sites_cannot_press_buttons(session: Session) -> None:
    elsewhere = {"sec-fetch-site": "cross-site"}
    for path in ("/_control/page/unavailable", "/_control/faults", "/_control/reset"):
        async with session.post(path, headers=elsewhere, json={"kind": "status"}) as response:
            assert response.status == 403

    assert (await get(session, "/_control/faults"))["items"] == []


class Outline(HTMLParser):
    """Headings, unclosed elements and refresh of a page."""

    _VOID = ("meta", "link", "br", "input")

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.open: list[str] = []
        self.refresh: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if dict(attrs).get("http-equiv") == "refresh":
            self.refresh.append(dict(attrs)["content"])
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
