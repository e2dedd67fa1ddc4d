"""OAuth 2.0 (3LO): consent, tokens, rotation, scopes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.jira.settings import (
    CLIENT_ID,
    CLIENT_SECRET,
    CLOUD_ID,
    REFRESH_TOKEN,
    OAuthClient,
)
from tests.integration.sandbox.test_jira import Answer, Jira, Json, cloud, issue

GATEWAY = f"/ex/jira/{CLOUD_ID}/rest/api/3"
BACK = "https://forms.example/back?tenant=1"
CONSENT = {
    "audience": "api.atlassian.com",
    "client_id": CLIENT_ID,
    "scope": "read:jira-work write:jira-work read:jira-user offline_access",
    "redirect_uri": BACK,
    "state": "s1",
    "response_type": "code",
    "prompt": "consent",
}


async def token(jira: Jira, grant: str, **more: str) -> Answer:
    body = {"grant_type": grant, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **more}
    return await jira.post("/oauth/token", body, auth="")


async def refreshed(jira: Jira, refresh: str = REFRESH_TOKEN) -> Json:
    answer = await token(jira, "refresh_token", refresh_token=refresh)
    assert answer.status == 200, answer.text
    return answer.json()


async def consent(jira: Jira, **changes: str) -> Answer:
    asked = {name: value for name, value in {**CONSENT, **changes}.items() if value}
    return await jira.get(f"/authorize?{urlencode(asked)}", auth="")


def sent_back(answer: Answer) -> dict[str, list[str]]:
    return parse_qs(urlsplit(answer.headers["location"]).query)


@asynccontextmanager
async def gateway(*, clock: Clock | None = None, **settings: object) -> AsyncIterator[Jira]:
    """A client with an access token."""
    async with cloud(clock=clock, **settings) as jira:
        tokens = await refreshed(jira)
        yield Jira(jira.sim, jira.session, f"Bearer {tokens['access_token']}", GATEWAY)


async def test_from_consent_to_a_call() -> None:
    async with cloud() as jira:
        back = await consent(jira)
        answer = await token(jira, "authorization_code", code=sent_back(back)["code"][0], redirect_uri=BACK)
        bearer = f"Bearer {answer['access_token']}"
        resources = (await jira.get("/oauth/token/accessible-resources", auth=bearer)).items()
        me = await jira.get(f"{GATEWAY}/myself", auth=bearer)
        old = await jira.get(f"{GATEWAY.replace('/3', '/2')}/myself", auth=bearer)
        on_site = await jira.get("/rest/api/3/myself", auth=bearer)
        again = await token(jira, "authorization_code", code=sent_back(back)["code"][0], redirect_uri=BACK)

    assert (back.status, sent_back(back)["state"], sent_back(back)["tenant"]) == (302, ["s1"], ["1"])
    assert (answer["expires_in"], answer["token_type"]) == (3600, "Bearer")
    assert answer["scope"] == "read:jira-work write:jira-work read:jira-user"
    assert answer["refresh_token"]
    assert resources == [
        {
            "id": CLOUD_ID,
            "name": "sandbox",
            "url": jira.sim.url,
            "scopes": ["read:jira-work", "write:jira-work", "read:jira-user"],
            "avatarUrl": f"{jira.sim.url}/avatar.png",
        }
    ]
    assert (me.status, old.status, on_site.status) == (200, 200, 401)
    assert (again.status, again["error"]) == (403, "invalid_grant")


async def test_no_refresh_token_without_offline_access() -> None:
    async with cloud() as jira:
        code = sent_back(await consent(jira, scope="read:jira-work"))["code"][0]
        answer = await token(jira, "authorization_code", code=code, redirect_uri=BACK)

    assert "refresh_token" not in answer.json()


async def test_consent_that_is_denied_or_wrong() -> None:
    async with cloud(deny_consent=True) as jira:
        denied = await consent(jira)
        wrong = [
            await consent(jira, **change)
            for change in (
                {"client_id": "x"},
                {"redirect_uri": "x"},
                {"response_type": "token"},
                {"audience": ""},
            )
        ]

    assert sent_back(denied)["error"] == ["access_denied"]
    assert [answer.status for answer in wrong] == [400] * 4


async def test_a_code_is_for_its_client_its_address_and_ten_minutes() -> None:
    clock = Clock()
    async with cloud(clock=clock) as jira:
        codes = [sent_back(await consent(jira))["code"][0] for _ in range(2)]
        elsewhere = await token(
            jira, "authorization_code", code=codes[0], redirect_uri="https://other.example"
        )
        clock.shift(601)
        late = await token(jira, "authorization_code", code=codes[1], redirect_uri=BACK)

    assert [(answer.status, answer["error"]) for answer in (elsewhere, late)] == [(403, "invalid_grant")] * 2


async def test_refresh_tokens_rotate() -> None:
    async with cloud() as jira:
        first = await refreshed(jira)
        second = await refreshed(jira, str(first["refresh_token"]))
        old = await token(jira, "refresh_token", refresh_token=str(first["refresh_token"]))
        calls = [
            (await jira.get(f"{GATEWAY}/myself", auth=f"Bearer {tokens['access_token']}")).status
            for tokens in (first, second)
        ]

    assert (old.status, old.json()) == (
        403,
        {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."},
    )
    assert calls == [200, 200]


async def test_of_two_refreshes_at_once_one_loses() -> None:
    async with cloud() as jira:
        answers = await asyncio.gather(
            *(token(jira, "refresh_token", refresh_token=REFRESH_TOKEN) for _ in range(2))
        )

        assert sorted(answer.status for answer in answers) == [200, 403]
        assert jira.sim.stats()["refreshes"] == 1


async def test_an_access_token_lives_its_scaled_hour() -> None:
    clock = Clock(time_scale=0.1)
    async with gateway(clock=clock) as jira:
        statuses = [(await jira.get("myself")).status]
        clock.shift(350)
        statuses.append((await jira.get("myself")).status)
        clock.shift(20)
        late = await jira.get("myself")

    assert statuses == [200, 200]
    assert (late.status, late.json()) == (401, {"code": 401, "message": "Unauthorized"})


async def test_expired_and_revoked_by_control() -> None:
    async with gateway() as jira:
        tokens = await jira.post("/_control/tokens", {"action": "issue"}, auth="")
        bearer = f"Bearer {tokens['access_token']}"
        before = await jira.get("myself", auth=bearer)
        await jira.post("/_control/tokens", {"action": "expire"}, auth="")
        expired = await jira.get("myself", auth=bearer)
        fresh = await refreshed(jira, str(tokens["refresh_token"]))
        await jira.post("/_control/tokens", {"action": "revoke"}, auth="")
        revoked = await token(jira, "refresh_token", refresh_token=str(fresh["refresh_token"]))

    assert (before.status, expired.status, revoked.status) == (200, 401, 403)


async def test_a_token_expires_in_the_middle() -> None:
    async with gateway() as jira:
        jira.arm("token_expiry", skip=2)
        statuses = [(await jira.get("myself")).status for _ in range(4)]

    assert statuses == [200, 200, 401, 401]


async def test_scopes_that_are_missing() -> None:
    client = OAuthClient(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        scopes=("read:jira-work",),
        refresh_token=REFRESH_TOKEN,
    )
    async with gateway(clients=(client,)) as jira:
        read = await jira.get("field")
        answers = [await jira.post("issue", issue()), await jira.get("myself")]

    assert read.status == 200
    assert [answer.status for answer in answers] == [401, 401]
    assert answers[0].json() == {"code": 401, "message": "Unauthorized; scope does not match"}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "access_denied"),
        ({"client_id": "wrong"}, 401, "access_denied"),
        ({"grant_type": "password"}, 403, "unsupported_grant_type"),
        ({"refresh_token": "wrong"}, 403, "invalid_grant"),
    ],
    ids=["secret", "client", "grant", "token"],
)
async def test_wrong_token_requests(body: dict[str, str], status: int, error: str) -> None:
    asked = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        **body,
    }
    async with cloud() as jira:
        answer = await jira.post("/oauth/token", asked, auth="")

    assert (answer.status, answer["error"]) == (status, error)


async def test_token_requests_as_a_form_or_nonsense() -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
    }
    async with cloud() as jira:
        async with jira.session.post("/oauth/token", data=form) as response:
            status = response.status
        async with jira.session.post("/oauth/token", data=b"{") as response:
            broken = response.status
        resources = await jira.get("/oauth/token/accessible-resources", auth="Bearer x")

    assert (status, broken, resources.status) == (200, 400, 401)
