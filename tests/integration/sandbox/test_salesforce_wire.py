"""The org on the wire: encodings, faults of the connection, control API, page, https."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.server import running
from formlane_sandbox.tls import Authority

ROOT = "/services/data/v68.0"
UPSERT = f"{ROOT}/composite/sobjects/Contact/Ext__c"


class Bench:
    """A running org and a client that is logged in."""

    def __init__(self, sim: Salesforce, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def arm(self, **fault: object) -> None:
        async with self.session.post("/_control/faults", json=fault) as reply:
            assert reply.status == 201, await reply.text()

    async def control(self, method: str, path: str, document: object = None) -> tuple[int, Any]:
        async with self.session.request(method, f"/_control/{path}", json=document) as reply:
            text = await reply.text()
            return reply.status, orjson.loads(text) if text else None

    async def upsert(self, *keys: str) -> int:
        """The status."""
        async with self.session.patch(UPSERT, json=records(*keys)) as reply:
            await reply.read()
            return reply.status

    def keys(self) -> list[object]:
        return [row["Ext__c"] for row in self.sim.rows("Contact")]


def records(*keys: str) -> dict[str, object]:
    return {"records": [{"attributes": {"type": "Contact"}, "Ext__c": key, "LastName": "A"} for key in keys]}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    sim = Salesforce(clock=Clock(time_scale=0.01))
    async with running(sim):
        token = sim.sessions.open(720_000, scope="api").token
        headers = {"AUTHORIZATION": f"Bearer {token}"}
        async with aiohttp.ClientSession(sim.url, headers=headers, auto_decompress=False) as session:
            yield Bench(sim, session)


async def test_compressed_both_ways(bench: Bench) -> None:
    keys = [str(number) for number in range(200)]
    body = gzip.compress(orjson.dumps(records(*keys)))
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json; charset=utf-8"}
    async with bench.session.patch(UPSERT, data=body, headers=headers) as reply:
        packed = await reply.read()
        assert reply.headers["content-encoding"] == "gzip"
        assert reply.headers["content-type"] == "application/json;charset=UTF-8"
    plain = {"Accept-Encoding": "identity"}
    async with bench.session.get(f"{ROOT}/sobjects", headers=plain) as reply:
        assert "content-encoding" not in reply.headers
        assert (await reply.json())["encoding"] == "UTF-8"

    assert [one["success"] for one in orjson.loads(gzip.decompress(packed))] == [True] * 200
    assert bench.keys() == keys


async def test_chunked_bodies_pretty_answers_and_head(bench: Bench) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"Last'
        yield b'Name":"A"}'

    headers = {"content-type": "application/json", "X-PrettyPrint": "1"}
    async with bench.session.post(f"{ROOT}/sobjects/Contact", data=pieces(), headers=headers) as reply:
        assert (reply.status, b'\n  "id": "003' in await reply.read()) == (201, True)
    async with bench.session.head(f"{ROOT}/limits/") as reply:
        assert (reply.status, await reply.read()) == (200, b"")
        assert int(reply.headers["content-length"]) > 100
        assert reply.headers["cache-control"] == "no-cache,must-revalidate,max-age=0,no-store,private"


@pytest.mark.parametrize("kind", ["reset", "close", "timeout"])
async def test_an_answer_lost_after_the_commit_and_a_retry(bench: Bench, kind: str) -> None:
    await bench.arm(kind=kind, commit=True, times=1, seconds=1, path="*/composite/sobjects/*")
    with pytest.raises(aiohttp.ClientError):
        await bench.upsert("a", "b")
    assert bench.keys() == ["a", "b"]
    assert await bench.upsert("a", "b") == 200
    assert bench.keys() == ["a", "b"]


async def test_a_fifth_of_the_answers_is_lost_and_nothing_is_there_twice(bench: Bench) -> None:
    await bench.arm(
        kind="reset", commit=True, share=0.2, seed=3, method="PATCH", path="*/composite/sobjects/*"
    )
    lost = 0
    for number in range(100):
        for _ in range(20):
            try:
                await bench.upsert(f"k{number}")
            except aiohttp.ClientError:
                lost += 1
            else:
                break
    assert 5 <= lost <= 60
    assert bench.keys() == [f"k{number}" for number in range(100)]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 429, "retry_after": 7}, 429),
        (
            {
                "kind": "status",
                "status": 503,
                "body": "<html>away</html>",
                "headers": {"content-type": "text/html"},
            },
            503,
        ),
        ({"kind": "named", "name": "total_requests"}, 403),
        ({"kind": "named", "name": "unknown_exception", "commit": True}, 500),
        ({"kind": "slow", "seconds": 1}, 200),
    ],
    ids=["rate", "html", "daily", "unknown", "slow"],
)
async def test_faults_once(bench: Bench, fault: dict[str, object], status: int) -> None:
    await bench.arm(**fault, times=1)
    assert [await bench.upsert("a") for _ in range(2)] == [status, 200]
    assert bench.keys() == ["a"]


async def test_control_shows_what_arrived(bench: Bench) -> None:
    await bench.upsert("a", "b", "c")
    status, page = await bench.control("GET", "objects/Contact?limit=2")
    _, rest = await bench.control("GET", f"objects/Contact?after={page['next']}")
    _, arrived = await bench.control("GET", "arrivals")
    _, stats = await bench.control("GET", "stats")
    _, counts = await bench.control("GET", "objects")

    assert (status, [row["Ext__c"] for row in page["items"] + rest["items"]]) == (200, ["a", "b", "c"])
    assert rest["next"] is None
    assert (arrived["items"][0]["method"], arrived["items"][0]["path"]) == ("PATCH", UPSERT)
    assert '"Ext__c":"a"' in arrived["items"][0]["body"].replace(" ", "")
    assert '"success":true' in arrived["items"][0]["answer"]
    assert (stats["objects"]["Contact"], stats["statuses"], stats["api_calls"]) == (3, {"200": 1}, 1)
    assert (counts["Contact"], (await bench.control("GET", "objects/Nothing"))[0]) == (3, 404)


async def test_control_changes_the_schema(bench: Bench) -> None:
    change = {"action": "drop_field", "object": "Contact", "name": "LastName"}
    assert (await bench.control("POST", "schema", change))[0] == 204
    assert (await bench.control("POST", "schema", change))[0] == 404
    assert (await bench.control("POST", "schema", {"action": "burn", "object": "Contact"}))[0] == 422
    assert await bench.upsert("a") == 400
    _, kinds = await bench.control("GET", "schema")
    contact = next(kind for kind in kinds if kind["name"] == "Contact")
    assert "LastName" not in [field["name"] for field in contact["fields"]]
    assert (await bench.control("POST", "reset"))[0] == 204
    assert await bench.upsert("a") == 200


async def test_control_settings(bench: Bench) -> None:
    status, settings = await bench.control("PUT", "settings", {"daily_requests": 1})
    assert (status, settings["daily_requests"], settings["session_seconds"]) == (200, 1, 7200)
    assert [await bench.upsert("a") for _ in range(2)] == [200, 403]
    for wrong in ({"daily_requests": -1}, {"nothing": 1}, {"limit_info": "x"}):
        assert (await bench.control("PUT", "settings", wrong))[0] == 422


async def test_key_names_and_other_sites(bench: Bench) -> None:
    async with bench.session.get("/_control/private-key") as reply:
        assert (await reply.text()).startswith("-----BEGIN PRIVATE KEY-----")
    _, names = await bench.control("GET", "fault-names")
    assert {"lock_row", "maintenance", "refresh_race"} <= set(names)
    headers = {"sec-fetch-site": "cross-site"}
    for path in ("sessions/revoke", "sessions/expire", "instance/move", "schema", "page/reset"):
        async with bench.session.post(f"/_control/{path}", headers=headers) as reply:
            assert reply.status == 403


async def test_the_page(bench: Bench) -> None:
    await bench.upsert("<script>x</script>")
    async with bench.session.post("/_control/page/daily", allow_redirects=False) as reply:
        assert reply.status == 303
    assert await bench.upsert("a") == 403
    async with bench.session.get("/") as reply:
        text = await reply.text()
        policy = reply.headers["content-security-policy"]
    async with bench.session.post("/_control/page/normal", allow_redirects=False) as reply:
        assert reply.status == 303

    assert "<script>" not in text
    assert ("Daily limit reached (" in text, bench.sim.org.settings.consumer_key in text) == (True, True)
    assert "default-src 'none'" in policy
    assert await bench.upsert("a") == 200
    async with bench.session.post("/_control/page/nothing") as reply:
        assert reply.status == 404


async def test_https_on_every_host() -> None:
    authority = Authority()
    async with running(Salesforce(), tls=authority.server_context()) as sim:
        connector = aiohttp.TCPConnector(ssl=authority.client_context())
        async with aiohttp.ClientSession(connector=connector) as session:
            for url in (sim.url, sim.login_url, sim.moved_url):
                async with session.get(f"{url}/services/data") as reply:
                    assert (url[:8], reply.status) == ("https://", 200)
