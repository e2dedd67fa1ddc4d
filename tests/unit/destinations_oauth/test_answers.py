"""What answers of a token endpoint become, over real HTTP."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from formlane.destinations.http import Failure, NetworkFault
from formlane.destinations.oauth import ClientCredentials
from formlane.destinations.oauth_errors import CODES, row_of, unreached
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope
from tests.token_server import CLIENT_SECRET, TokenServer
from tests.unit.destinations_oauth.asking import NOW, SetClock, asking, by_credentials, by_refresh

BLOCKING = {
    "invalid_grant": Reason.CREDENTIALS,
    "invalid_client": Reason.CREDENTIALS,
    "unauthorized_client": Reason.CREDENTIALS,
    "access_denied": Reason.CREDENTIALS,
    "invalid_client_id": Reason.CREDENTIALS,
    "inactive_user": Reason.CREDENTIALS,
    "inactive_org": Reason.CREDENTIALS,
    "invalid_app_access": Reason.PERMISSION,
    "invalid_scope": Reason.CONFIGURATION,
    "invalid_request": Reason.CONFIGURATION,
    "unsupported_grant_type": Reason.CONFIGURATION,
    "never_heard_of": Reason.CREDENTIALS,
}


async def outcome_of(server: TokenServer, refuse: Response) -> Token | Blocked | Deferred:
    server.refuse = refuse
    async with asking(server, by_credentials(server)) as oauth:
        found = await oauth.token()
    assert isinstance(found, Token | Blocked | Deferred)
    return found


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(("code", "reason"), BLOCKING.items())
async def test_a_refusal_blocks_and_says_what_to_do(
    server: TokenServer, code: str, reason: Reason, status: int
) -> None:
    body = {"error": code, "error_description": "their own words"}
    outcome = await outcome_of(server, JSONResponse(body, status))
    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, reason)
    assert (outcome.vendor_code, outcome.vendor_text) == (code, "their own words")
    assert outcome.message.startswith(f"The destination gave no access token ({code}).")
    assert len(outcome.message.split(". ")) > 1


@pytest.mark.parametrize(
    ("status", "body", "outcome", "reason"),
    [
        (401, {"error": "server_error", "error_description": "access_denied"}, Blocked, Reason.CREDENTIALS),
        (401, {}, Blocked, Reason.CREDENTIALS),
        (403, {}, Blocked, Reason.CREDENTIALS),
        (400, {}, Blocked, Reason.CONFIGURATION),
        (400, {"error": "server_error"}, Deferred, Reason.UNAVAILABLE),
        (400, {"error": "temporarily_unavailable"}, Deferred, Reason.UNAVAILABLE),
        (503, {"error": "invalid_grant"}, Deferred, Reason.UNAVAILABLE),
        (500, {}, Deferred, Reason.UNAVAILABLE),
        (404, {}, Deferred, Reason.UNAVAILABLE),
        (200, {}, Deferred, Reason.UNAVAILABLE),
        (200, {"error": "invalid_grant"}, Blocked, Reason.CREDENTIALS),
        (200, {"access_token": None}, Deferred, Reason.UNAVAILABLE),
        (200, {"access_token": ["a"]}, Deferred, Reason.UNAVAILABLE),
        (200, {"access_token": ""}, Deferred, Reason.UNAVAILABLE),
        (200, {"access_token": "a\nb"}, Deferred, Reason.UNAVAILABLE),
        (200, {"access_token": "a", "expires_in": "soon"}, Deferred, Reason.UNAVAILABLE),
        (201, {"access_token": "a"}, Deferred, Reason.UNAVAILABLE),
        (429, {"message": "Your requests are blocked.", "errorcode": 50200}, Deferred, Reason.RATE_LIMITED),
        (400, {"error": "rate_limit_exceeded"}, Deferred, Reason.RATE_LIMITED),
        (
            400,
            {
                "error": "invalid_grant",
                "error_description": "Token request is already being processed",
            },
            Deferred,
            Reason.UNAVAILABLE,
        ),
    ],
)
async def test_other_answers(
    server: TokenServer,
    status: int,
    body: dict[str, object],
    outcome: type[Blocked] | type[Deferred],
    reason: Reason,
) -> None:
    found = await outcome_of(server, JSONResponse(body, status))
    assert isinstance(found, outcome)
    assert (found.scope, found.reason) == (Scope.CONNECTION, reason)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Log in</html>", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"access_token":', b"[" * 9999],
    ids=["empty", "html", "list", "null", "text", "bytes", "torn", "deep"],
)
async def test_what_is_no_answer_is_asked_again(server: TokenServer, body: bytes) -> None:
    found = await outcome_of(server, Response(body))
    assert isinstance(found, Deferred)
    assert found.reason is Reason.UNAVAILABLE


async def test_a_redirect_is_not_followed(server: TokenServer) -> None:
    found = await outcome_of(server, RedirectResponse("https://elsewhere.example/token"))
    assert isinstance(found, Deferred)
    assert len(server.asked) == 1


async def test_the_servers_own_word_on_when_is_kept(server: TokenServer) -> None:
    found = await outcome_of(server, JSONResponse({}, 429, headers={"Retry-After": "17"}))
    assert isinstance(found, Deferred)
    assert found.retry_after == dt.timedelta(seconds=17)


async def test_secrets_in_the_servers_words_are_hidden(server: TokenServer) -> None:
    words = f"no client with secret {CLIENT_SECRET}\x00 {'x' * 500}"
    found = await outcome_of(server, JSONResponse({"error": "invalid_client", "error_description": words}))
    assert isinstance(found, Blocked)
    assert found.vendor_text is not None
    assert found.vendor_text.startswith("no client with secret ***  x")
    assert len(found.vendor_text) == 200


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(1079, 1079), ("3600", 3600), (59.9, 59.9), (0, 0), (-5, -5), (10**30, 365 * 86400)],
    ids=["number", "text", "part", "none", "past", "huge"],
)
async def test_lifetimes_are_believed_within_reason(
    server: TokenServer, expires_in: object, seconds: float
) -> None:
    server.expires_in = expires_in
    async with asking(server, by_credentials(server)) as oauth:
        found = await oauth.token()
    assert isinstance(found, Token)
    assert found.expires_at == NOW + dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("lifetime", [None, dt.timedelta(minutes=5)], ids=["until refused", "assumed"])
async def test_a_token_without_a_lifetime(server: TokenServer, lifetime: dt.timedelta | None) -> None:
    server.expires_in = None
    async with asking(server, by_credentials(server), lifetime=lifetime) as oauth:
        found = await oauth.token()
    assert isinstance(found, Token)
    assert found.expires_at == (None if lifetime is None else NOW + lifetime)


async def test_what_else_was_said_is_kept_but_for_secrets(server: TokenServer) -> None:
    server.extra = {"instance_url": "https://my.example", "id_token": "hidden", "scope": "a b"}
    async with asking(server, by_refresh(server)) as oauth:
        found = await oauth.token()
    assert isinstance(found, Token)
    assert found.extra == {
        "instance_url": "https://my.example",
        "scope": "a b",
        "token_type": "Bearer",
        "expires_in": 3600,
    }
    assert "hidden" not in json.dumps(found.extra)


async def test_a_lost_answer_is_asked_again(server: TokenServer) -> None:
    server.drops = 1
    async with asking(server, by_credentials(server)) as oauth:
        lost, found = await oauth.token(), await oauth.token()
    assert isinstance(lost, Deferred)
    assert (lost.scope, lost.reason) == (Scope.CONNECTION, Reason.NETWORK)
    assert isinstance(found, Token)


@pytest.mark.parametrize(
    "url", ["http://example.com/token", "https://10.0.0.1/token", "ftp://x", ""], ids=str
)
async def test_the_guard_watches_the_token_address(server: TokenServer, url: str) -> None:
    grant = ClientCredentials(token_url=url, client_id="a", client_secret="b")
    async with asking(server, grant) as oauth:
        found = await oauth.token()
    assert isinstance(found, Blocked)
    assert found.reason is Reason.ADDRESS_NOT_ALLOWED


@pytest.mark.parametrize("fault", NetworkFault)
def test_every_fault_has_an_outcome(fault: NetworkFault) -> None:
    outcome = unreached(Failure(fault=fault, may_have_arrived=True, text="the text", elapsed=0.1))
    assert isinstance(outcome, Blocked) == (fault is NetworkFault.ADDRESS_NOT_ALLOWED)
    assert outcome.scope is Scope.CONNECTION


@pytest.mark.parametrize("code", ["", *CODES])
def test_whatever_the_server_has_wrong_itself_never_blocks(code: str) -> None:
    assert not [status for status in (429, *range(500, 600)) if row_of(status, code, "").blocks]


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client"])
def test_bad_credentials_block_whatever_the_status(code: str) -> None:
    assert {row_of(status, code, "").reason for status in range(200, 429)} == {Reason.CREDENTIALS}


async def test_the_token_is_kept_until_a_minute_before_its_end(server: TokenServer) -> None:
    clock = SetClock()
    async with asking(server, by_credentials(server), clock=clock) as oauth:
        first = await oauth.token()
        clock.ahead = dt.timedelta(minutes=58, seconds=59)
        kept = await oauth.token()
        clock.ahead = dt.timedelta(minutes=59)
        renewed = await oauth.token()
    assert kept == first != renewed
    assert len(server.asked) == 2


async def test_a_short_life_is_used_for_four_fifths(server: TokenServer) -> None:
    clock = SetClock()
    server.expires_in = 30
    async with asking(server, by_credentials(server), clock=clock) as oauth:
        await oauth.token()
        clock.ahead = dt.timedelta(seconds=23)
        await oauth.token()
        asked = len(server.asked)
        clock.ahead = dt.timedelta(seconds=24)
        await oauth.token()
    assert (asked, len(server.asked)) == (1, 2)


async def test_a_refused_token_is_replaced_once(server: TokenServer) -> None:
    async with asking(server, by_refresh(server)) as oauth:
        first = await oauth.token()
        assert isinstance(first, Token)
        second = await oauth.token(refused=first)
        third = await oauth.token(refused=first)
    assert first != second == third
    assert len(server.asked) == 2
    assert server.asked[1]["refresh_token"] != server.asked[0]["refresh_token"]


async def test_the_refused_token_again_is_no_token(server: TokenServer) -> None:
    server.refuse = JSONResponse({"access_token": "same", "expires_in": 99})
    async with asking(server, by_credentials(server)) as oauth:
        first = await oauth.token()
        assert isinstance(first, Token)
        second = await oauth.token(refused=first)
    assert isinstance(second, Blocked)
    assert second.reason is Reason.CREDENTIALS
