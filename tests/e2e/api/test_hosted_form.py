"""A person fills in the hosted form; what arrives in the store."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from tests.e2e.api.world import World
from tests.unit.api.asgi import Answer, call
from tests.unit.web.dom import parse


async def fill_in(world: World, token: str | None = None, **answers: str) -> Answer:
    """Opens the page as a browser does, and sends it."""
    path = f"/f/{world.form_key}"
    page = parse((await call(world.app, "GET", path)).text)
    hidden = page.one("input", name="formlane-token").attributes["value"]
    body = urlencode({"formlane-token": token or hidden, **answers}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await call(world.app, "POST", path, body=body, headers=headers)


async def stored(world: World) -> list[object]:
    """The values of every record, newest batch first."""
    values: list[object] = []
    for batch in (await world.request("GET", "/v1/batches")).json()["data"]:
        records = (await world.request("GET", f"/v1/batches/{batch['id']}/records")).json()["data"]
        values += [record["values"] for record in records]
    return values


async def test_answers_are_stored_and_thanked_for(world: World) -> None:
    answer = await fill_in(world, email="ada@example.org", name="Ada ✓", age="36")
    assert answer.status == 303
    thanks = await call(world.app, "GET", answer.header("location") or "")
    assert "Thank you" in thanks.text
    assert await stored(world) == [{"email": "ada@example.org", "name": "Ada ✓", "age": "36"}]


async def test_wrong_answers_store_nothing(world: World) -> None:
    before = await world.counts()
    answer = await fill_in(world, email="nobody", age="-3")
    assert answer.status == 422
    targets = [link.attributes["href"] for link in parse(answer.text).one("section").all("a")]
    assert targets == ["#field-1", "#field-3"]
    assert await world.counts() == before


async def test_a_page_sent_twice_is_stored_once(world: World) -> None:
    token = "one-time-token-of-a-page"
    answers = await asyncio.gather(*(fill_in(world, token, email="ada@example.org") for _ in range(4)))
    assert [answer.status for answer in answers] == [303] * 4
    changed = await fill_in(world, token, email="bob@example.org")
    assert changed.status == 409
    assert "sent already" in changed.text
    assert await stored(world) == [{"email": "ada@example.org"}]


async def test_a_form_without_routes_says_that_it_takes_no_answers(world: World) -> None:
    await world.request("DELETE", f"/v1/routes/{world.route}")
    before = await world.counts()
    answer = await fill_in(world, email="ada@example.org")
    assert (answer.status, "takes no answers" in answer.text) == (409, True)
    assert await world.counts() == before
