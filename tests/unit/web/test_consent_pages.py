"""The page that a browser comes back to from a destination."""

from __future__ import annotations

import pytest

from formlane.errors import Conflict, InvalidInput, NotFound, SealBroken, Unavailable
from formlane.services.consents import Answered
from tests.unit.api.asgi import call
from tests.unit.web.fakes import Site

BACK = "/oauth/callback?state=s&code=c"


async def test_it_says_what_is_connected_now() -> None:
    site = Site()
    answer = await site.get(BACK)
    assert answer.status == 200
    assert site.consents.answered == [Answered(state="s", code="c")]
    assert "Leads &lt;b&gt; may be used now." in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (NotFound("Not known."), 404),
        (Conflict("Too late."), 409),
        (InvalidInput("Said <no>."), 400),
        (Unavailable("Away."), 503),
        (SealBroken("secret detail"), 500),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_trouble_is_told_with_its_status(trouble: Exception, status: int) -> None:
    site = Site()
    site.consents.trouble = trouble
    answer = await site.get(BACK)
    assert answer.status == status
    assert "<no>" not in answer.text
    assert ("secret detail" in answer.text) is False
    assert "not connected" in answer.text or status == 500


@pytest.mark.parametrize(
    ("query", "answered"),
    [
        ("", Answered(state="")),
        ("state=a&state=b&code=c", Answered(state="", code="c")),
        ("state=s&error=access_denied", Answered(state="s", error="access_denied")),
        (f"state=s&code={'c' * 5000}", Answered(state="s")),
        ("state=%00%ff&code=%0d%0a", Answered(state="\x00\ufffd", code="\r\n")),
    ],
    ids=["nothing", "twice", "error", "long", "bytes"],
)
async def test_parameters_are_taken_once_and_short(query: str, answered: Answered) -> None:
    site = Site()
    await site.get(f"/oauth/callback?{query}")
    assert site.consents.answered == [answered]


async def test_looking_ahead_at_the_link_spends_nothing() -> None:
    site = Site()
    answer = await call(site.app, "HEAD", BACK)
    assert answer.status == 405
    assert site.consents.answered == []


async def test_the_page_is_kept_nowhere_and_tells_nobody_its_address() -> None:
    headers = (await Site().get(BACK)).headers
    assert ("cache-control", "no-store") in headers
    assert [value for name, value in headers if name == "referrer-policy"] == ["no-referrer"]
