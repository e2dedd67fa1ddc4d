"""Every way into the org, and out of it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import ANY
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.salesforce import mishaps
from formlane_sandbox.salesforce.simulator import Salesforce
from formlane_sandbox.server import running

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
BACK = "http://127.0.0.1:9/back"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Guest:
    """Somebody who wants to log in."""

    def __init__(self, sim: Salesforce, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        settings = sim.org.settings
        self.client = {"client_id": settings.consumer_key, "client_secret": settings.consumer_secret}

    async def post(self, path: str, host: str = "", **form: str) -> tuple[int, Any]:
        async with self.session.post(f"{host or self.sim.url}/services/oauth2/{path}", data=form) as reply:
            text = await reply.text()
            return reply.status, orjson.loads(text) if text else None

    async def token(self, host: str = "", **form: str) -> tuple[int, Any]:
        return await self.post("token", host, **form)

    async def enter(self) -> str:
        """An access token by client credentials."""
        status, document = await self.token(grant_type="client_credentials", **self.client)
        assert status == 200
        return str(document["access_token"])

    async def refresh(self, token: str = "", **more: str) -> tuple[int, Any]:
        token = token or self.sim.org.settings.refresh_token
        return await self.token(grant_type="refresh_token", refresh_token=token, **self.client, **more)

    async def api(self, token: str, host: str = "", scheme: str = "Bearer") -> tuple[int, Any]:
        url = f"{host or self.sim.url}/services/data/v68.0/limits"
        headers = {"Authorization": f"{scheme} {token}"} if token else {}
        async with self.session.get(url, headers=headers) as reply:
            return reply.status, await reply.json()

    async def authorize(self, method: str = "GET", **parameters: str) -> tuple[int, dict[str, str], str]:
        """Status, the query of the place to go to, and the page."""
        asked = {
            "response_type": "code",
            "redirect_uri": BACK,
            "client_id": self.client["client_id"],
            **parameters,
        }
        url = f"{self.sim.login_url}/services/oauth2/authorize"
        keywords: dict[str, Any] = {"params": asked} if method == "GET" else {"data": asked}
        async with self.session.request(method, url, allow_redirects=False, **keywords) as reply:
            target = urlsplit(reply.headers.get("location", ""))
            return reply.status, dict(parse_qsl(target.query)), await reply.text()

    def assertion(self, key: bytes | None = None, /, **claims: object) -> str:
        settings = self.sim.org.settings
        body = {
            "iss": settings.consumer_key,
            "sub": settings.username,
            "aud": "https://login.salesforce.com",
            "exp": str(int(time.time()) + 180),
            **claims,
        }
        head = f"{encode({'alg': 'RS256'})}.{encode(body)}"
        private = load_pem_private_key(key or self.sim.private_key, None)
        assert isinstance(private, RSAPrivateKey)
        signature = private.sign(head.encode(), PKCS1v15(), SHA256())
        return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def encode(document: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(document)).rstrip(b"=").decode()


@pytest.fixture
async def guest() -> AsyncIterator[Guest]:
    async with running(Salesforce()) as sim, aiohttp.ClientSession() as session:
        yield Guest(sim, session)


async def test_client_credentials_in_the_body_and_by_basic(guest: Guest) -> None:
    status, document = await guest.token(grant_type="client_credentials", **guest.client)
    basic = {
        "Authorization": aiohttp.encode_basic_auth(guest.client["client_id"], guest.client["client_secret"])
    }
    url = f"{guest.sim.url}/services/oauth2/token"
    async with guest.session.post(url, data={"grant_type": "client_credentials"}, headers=basic) as reply:
        assert reply.status == 200
        assert "no-store" in reply.headers["cache-control"]

    assert status == 200
    assert document["instance_url"] == guest.sim.url
    assert document["token_type"] == "Bearer"
    assert abs(int(document["issued_at"]) / 1000 - time.time()) < 60
    assert not {"expires_in", "refresh_token"} & document.keys()
    assert (await guest.api(document["access_token"]))[0] == 200


async def test_client_credentials_belong_to_the_orgs_own_host(guest: Guest) -> None:
    status, document = await guest.token(guest.sim.login_url, grant_type="client_credentials", **guest.client)
    assert (status, document["error"]) == (400, "invalid_grant")
    guest.sim.configure(b'{"client_credentials_user": false}')
    status, document = await guest.token(grant_type="client_credentials", **guest.client)
    assert document == {"error": "invalid_grant", "error_description": "no client credentials user enabled"}


async def test_the_form_may_come_in_chunks(guest: Guest) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (
            aiohttp.FormData({"grant_type": "client_credentials", **guest.client})().decode().split("&")
        ):
            yield (piece + "&").encode()

    headers = {"content-type": "application/x-www-form-urlencoded"}
    url = f"{guest.sim.url}/services/oauth2/token"
    async with guest.session.post(url, data=pieces(), headers=headers) as reply:
        assert reply.status == 200


async def test_jwt_bearer(guest: Guest) -> None:
    for audience in ("https://login.salesforce.com", "https://test.salesforce.com", guest.sim.url):
        assertion = guest.assertion(aud=audience)
        status, document = await guest.token(guest.sim.login_url, grant_type=JWT, assertion=assertion)
        assert (status, document["instance_url"]) == (200, guest.sim.url)
        assert "refresh_token" not in document
        assert (await guest.api(document["access_token"]))[0] == 200


@pytest.mark.parametrize(
    ("claims", "error", "description"),
    [
        ({"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
        ({"exp": 1_000_000_000}, "invalid_grant", "expired"),
        ({"exp": 4_000_000_000}, "invalid_grant", "invalid assertion"),
        ({"exp": "soon"}, "invalid_grant", "invalid assertion"),
        ({"iss": "other"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "other@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
    ],
    ids=["audience", "expired", "too-long", "no-time", "issuer", "subject"],
)
async def test_a_jwt_with_wrong_claims(
    guest: Guest, claims: dict[str, object], error: str, description: str
) -> None:
    status, document = await guest.token(grant_type=JWT, assertion=guest.assertion(None, **claims))
    assert (status, document) == (400, {"error": error, "error_description": description})


async def test_a_jwt_with_a_wrong_signature(guest: Guest) -> None:
    other = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unsigned = f"{encode({'alg': 'none'})}.{encode({'iss': guest.client['client_id']})}."
    for assertion in (guest.assertion(other), unsigned, "a.b.c", ""):
        status, document = await guest.token(grant_type=JWT, assertion=assertion)
        assert (status, document["error_description"]) == (400, "invalid assertion")
    status, _ = await guest.token(grant_type=JWT, assertion=guest.assertion(), scope="api")
    assert status == 400


async def test_web_flow_with_pkce(guest: Guest) -> None:
    status, answered, _ = await guest.authorize(
        code_challenge=CHALLENGE, code_challenge_method="S256", state="s&1", scope="api refresh_token"
    )
    assert (status, answered["state"]) == (302, "s&1")
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
        "code": answered["code"],
        **guest.client,
    }
    status, document = await guest.token(guest.sim.login_url, code_verifier=VERIFIER, **form)
    again, repeated = await guest.token(code_verifier=VERIFIER, **form)

    assert (status, document["scope"]) == (200, "api refresh_token")
    assert (again, repeated["error_description"]) == (400, "expired authorization code")
    assert (await guest.api(document["access_token"]))[0] == 200
    assert (await guest.refresh(document["refresh_token"]))[0] == 200


async def test_codes_that_are_not_redeemed(guest: Guest) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, **guest.client}

    async def refusal(**more: str) -> str:
        _, answered, _ = await guest.authorize(code_challenge=CHALLENGE)
        if "late" in more:
            guest.sim.clock.shift(901)
            del more["late"]
        status, document = await guest.token(**{**form, "code": answered["code"], **more})
        assert status == 400
        return str(document["error_description"])

    assert await refusal(code_verifier="x" * 64) == "invalid code verifier"
    assert await refusal() == "invalid code verifier"
    assert (
        await refusal(code_verifier=VERIFIER, redirect_uri="http://x/")
        == "redirect_uri must match configuration"
    )
    assert await refusal(code_verifier=VERIFIER, late="") == "expired authorization code"


async def test_a_person_allows_or_denies(guest: Guest) -> None:
    guest.sim.configure(b'{"auto_approve": false}')
    status, _, page = await guest.authorize(code_challenge=CHALLENGE, state='"><script>')
    assert (status, "Allow" in page, "<script>" in page) == (200, True, False)
    denied = await guest.authorize("POST", code_challenge=CHALLENGE, state="s", decision="deny")
    allowed = await guest.authorize("POST", code_challenge=CHALLENGE, state="s", decision="allow")

    assert (denied[1]["error"], denied[1]["state"]) == ("access_denied", "s")
    assert (allowed[0], allowed[1]) == (302, {"code": ANY, "state": "s"})


@pytest.mark.parametrize(
    ("parameters", "status", "text"),
    [
        ({"client_id": "other"}, 400, "invalid_client_id"),
        ({"redirect_uri": ""}, 400, "redirect_uri_mismatch"),
        ({"response_type": "token"}, 302, "unsupported_response_type"),
        ({}, 302, "invalid_request"),
    ],
    ids=["client", "target", "type", "challenge"],
)
async def test_requests_for_a_code_that_are_refused(
    guest: Guest, parameters: dict[str, str], status: int, text: str
) -> None:
    answered, query, page = await guest.authorize(**parameters)
    assert answered == status
    assert text in (page if status == 400 else query["error"])


async def test_refresh_tokens_rotate_if_so_set(guest: Guest) -> None:
    status, document = await guest.refresh()
    assert (status, "refresh_token" in document) == (200, False)
    guest.sim.configure(b'{"rotate_refresh_tokens": true}')
    _, first = await guest.refresh()
    again, refused = await guest.refresh()
    status, _ = await guest.refresh(first["refresh_token"])

    assert (again, refused["error_description"]) == (400, "expired access/refresh token")
    assert status == 200


async def test_two_refreshes_at_once(guest: Guest) -> None:
    replies = await asyncio.gather(*[guest.refresh() for _ in range(4)])
    refused = [document for status, document in replies if status == 400]
    assert len(refused) == 3
    assert {one["error_description"] for one in refused} == {"token request is already being processed"}
    assert (await guest.refresh())[0] == 200


async def test_the_password_flow(guest: Guest) -> None:
    settings = guest.sim.org.settings
    good = {"username": settings.username, "password": settings.password + settings.security_token}
    assert (await guest.token(grant_type="password", **good, **guest.client))[0] == 200
    guest.sim.configure(b'{"password_flow": false}')
    status, document = await guest.token(grant_type="password", **good, **guest.client)
    assert (status, document["error_description"]) == (400, "authentication failure")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_id": "x"}, 400, "invalid_client_id"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "x"}, 400, "unsupported_grant_type"),
    ],
    ids=["id", "secret", "grant"],
)
async def test_wrong_clients_and_grants(
    guest: Guest, change: dict[str, str], status: int, error: str
) -> None:
    form = {"grant_type": "client_credentials", **guest.client, **change}
    answered, document = await guest.token(**form)
    assert (answered, document["error"]) == (status, error)


@pytest.mark.parametrize("name", mishaps.TOKEN_ERRORS)
async def test_named_faults_of_the_token_endpoint(guest: Guest, name: str) -> None:
    guest.sim.faults.arm(Fault(kind=Kind.NAMED, name=name, times=1))
    status, error, description = mishaps.TOKEN_ERRORS[name]
    assert await guest.refresh() == (status, {"error": error, "error_description": description})
    assert (await guest.refresh())[0] == 200


async def test_sessions_end_after_two_hours_without_use(guest: Guest) -> None:
    used, unused = await guest.enter(), await guest.enter()
    for _ in range(3):
        guest.sim.clock.shift(3000)
        assert (await guest.api(used))[0] == 200
    status, document = await guest.api(unused)
    assert (status, document) == (
        401,
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
    )


async def test_sessions_end_on_demand(guest: Guest) -> None:
    token = await guest.enter()
    async with guest.session.post(f"{guest.sim.url}/_control/sessions/expire") as reply:
        assert (await reply.json()) == {"expired": 1}
    assert (await guest.api(token))[0] == 401
    assert (await guest.refresh())[0] == 200


@pytest.mark.parametrize(
    ("token", "scheme", "code"), [("", "", "INVALID_SESSION_ID"), ("x", "Token", "INVALID_AUTH_HEADER")]
)
async def test_headers_without_a_session(guest: Guest, token: str, scheme: str, code: str) -> None:
    status, document = await guest.api(token, scheme=scheme)
    assert (status, document[0]["errorCode"]) == (401, code)


async def test_revoking(guest: Guest) -> None:
    refresh_token = guest.sim.org.settings.refresh_token
    _, document = await guest.refresh()
    other = await guest.enter()
    assert (await guest.post("revoke", token=refresh_token)) == (200, None)
    assert (await guest.api(document["access_token"]))[0] == 401
    assert (await guest.refresh())[1]["error_description"] == "expired access/refresh token"
    assert (await guest.api(other))[0] == 200
    assert (await guest.post("revoke", token=other))[0] == 200
    assert (await guest.post("revoke", token=other))[1]["error"] == "invalid_token"


async def test_revoking_everything_from_outside(guest: Guest) -> None:
    token = await guest.enter()
    guest.sim.revoke_all()
    guest.sim.configure(b'{"daily_requests": 10}')
    assert (await guest.api(token))[0] == 401
    assert (await guest.refresh())[0] == 400
    guest.sim.configure(b'{"refresh_token": "another"}')
    assert (await guest.refresh("another"))[0] == 200


async def test_introspection_identity_and_user(guest: Guest) -> None:
    _, issued = await guest.token(grant_type="client_credentials", **guest.client)
    _, alive = await guest.post("introspect", token=issued["access_token"], **guest.client)
    _, dead = await guest.post("introspect", token="x", **guest.client)
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    async with guest.session.get(issued["id"], headers=headers) as reply:
        identity = await reply.json()

    assert (alive["active"], alive["exp"] - alive["iat"], alive["scope"]) == (True, 7200, "api")
    assert dead == {"active": False}
    assert identity["preferred_username"] == alive["username"] == guest.sim.org.settings.username


async def test_the_instance_moves(guest: Guest) -> None:
    token = await guest.enter()
    assert (await guest.api(token, guest.sim.login_url))[0] == 401
    moved = guest.sim.move_instance()
    assert moved == guest.sim.moved_url != guest.sim.url
    assert (await guest.api(token))[0] == 401
    _, document = await guest.refresh()

    assert document["instance_url"] == moved
    assert (await guest.api(document["access_token"], moved))[0] == 200
    assert (await guest.api(document["access_token"], guest.sim.url))[0] == 401


async def test_soap_login_is_retired(guest: Guest) -> None:
    async with guest.session.post(f"{guest.sim.login_url}/services/Soap/u/59.0", data=b"<x/>") as reply:
        assert reply.status == 500
        assert "<sf:exceptionCode>INVALID_OPERATION</sf:exceptionCode>" in await reply.text()
