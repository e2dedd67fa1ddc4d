"""Requests of commands: what goes out, pages, and answers that are no success."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from formlane.cli.client import ApiClient, open_client
from formlane.cli.faults import ServerRefused
from formlane.errors import ConfigurationError, Problem, Unavailable
from tests.unit.cli.conftest import free_port, problem


async def things(request: web.Request) -> web.Response:
    """Pages of two, five in all; shows what was asked."""
    start = int(request.query.get("cursor", "0"))
    size = min(2, int(request.query["limit"]))
    items = [{"n": n, "key": request.headers["authorization"]} for n in range(start, min(5, start + size))]
    following = start + size
    return web.json_response({"data": items, "next_cursor": str(following) if following < 5 else None})


async def elsewhere(_: web.Request) -> web.Response:
    return web.Response(status=307, headers={"location": "http://127.0.0.1:9/"})


async def broken(_: web.Request) -> web.Response:
    return web.Response(status=502, text="<html>bad gateway</html>", headers={"retry-after": "3"})


async def refused(_: web.Request) -> web.Response:
    errors = [{"pointer": "/name", "code": "required", "message": "Name is required."}]
    return problem(422, "invalid_input", "It cannot be kept.", errors=errors)


async def echo(request: web.Request) -> web.Response:
    return web.json_response(await request.json(), headers={"etag": '"7"'})


async def text(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def nothing(_: web.Request) -> web.Response:
    return web.Response(status=204)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(
        [
            web.get("/v1/things", things),
            web.get("/v1/elsewhere", elsewhere),
            web.get("/v1/broken", broken),
            web.get("/v1/refused", refused),
            web.post("/v1/echo", echo),
            web.get("/v1/text", text),
            web.delete("/v1/thing", nothing),
        ]
    )
    started = TestServer(app)
    async with started:
        yield str(started.make_url(""))


@pytest.fixture
async def client(url: str) -> AsyncIterator[ApiClient]:
    async with open_client(url, " fl_test_k\n") as opened:
        yield opened


async def test_lists_are_read_page_after_page(client: ApiClient) -> None:
    found = await client.all("/things", limit=4)
    assert [one["n"] for one in found if isinstance(one, dict)] == [0, 1, 2, 3]
    assert len(await client.all("/things", limit=100, flow=None)) == 5
    assert (await client.all("/things", limit=1))[0] == {"n": 0, "key": "Bearer fl_test_k"}


async def test_bodies_and_etags(client: ApiClient) -> None:
    reply = await client.request("POST", "/echo", body={"a": ["é"]})
    assert (reply.body, reply.etag) == ({"a": ["é"]}, '"7"')
    assert (await client.request("DELETE", "/thing")).body is None


async def test_a_problem_document_keeps_its_places(client: ApiClient) -> None:
    with pytest.raises(ServerRefused, match="It cannot be kept") as caught:
        await client.get("/refused")
    assert (caught.value.status, caught.value.code) == (422, "invalid_input")
    assert caught.value.problems == (Problem("/name", "required", "Name is required."),)


async def test_an_answer_of_a_proxy_is_told_by_its_status(client: ApiClient) -> None:
    with pytest.raises(ServerRefused, match="502") as caught:
        await client.get("/broken")
    assert caught.value.retry_after == 3.0


async def test_a_redirect_is_not_followed(client: ApiClient) -> None:
    with pytest.raises(ServerRefused, match="307"):
        await client.get("/elsewhere")


async def test_an_answer_that_is_not_json(client: ApiClient) -> None:
    with pytest.raises(Unavailable, match="not JSON"):
        await client.get("/text")


async def test_nobody_listens() -> None:
    async with open_client(f"http://127.0.0.1:{free_port()}", "fl_test_k") as client:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.get("/things")


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://example.org", "http://", "http://[::1"])
async def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address"):
        async with open_client(url, "fl_test_k"):
            pass


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "schlüssel"])
async def test_a_key_that_is_none(key: str) -> None:
    with pytest.raises(ConfigurationError, match="API key"):
        async with open_client("http://127.0.0.1:1", key):
            pass


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://example.org", True),
        ("https://example.org", False),
        ("http://localhost:1", False),
        ("http://[::1]:1", False),
    ],
)
async def test_a_key_on_an_open_road_is_warned_of(
    url: str, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_client(url, "fl_test_k"):
        assert ("without encryption" in capsys.readouterr().err) is warned
