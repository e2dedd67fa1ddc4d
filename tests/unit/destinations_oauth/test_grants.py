"""What is sent for each grant, and how it is answered, over real HTTP."""

from __future__ import annotations

import datetime as dt

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from oauthlib.oauth2 import WebApplicationClient

from formlane.destinations.oauth import (
    AuthorizationCode,
    JwtBearer,
    OAuth,
    RefreshToken,
    private_key_fault,
)
from formlane.destinations.oauth_grants import Grant
from formlane.destinations.tokens import Obtained, Style, Token
from formlane.domain.outcomes import Blocked, Reason, Scope
from tests.token_server import AUDIENCE, CLIENT_ID, CLIENT_SECRET, USER, TokenServer
from tests.unit.destinations_oauth.asking import NOW, SetClock, asking, by_credentials, by_refresh

KEY = rsa.generate_private_key(65537, 2048)


def pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    encryption: KeySerializationEncryption | None = None,
) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def assertion(server: TokenServer, **changes: object) -> JwtBearer:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    server.public_key = public.decode()
    given: dict[str, object] = {
        "token_url": server.token_url,
        "client_id": CLIENT_ID,
        "private_key": pem(KEY),
        "subject": USER,
        "audience": AUDIENCE,
    }
    return JwtBearer(**{**given, **changes})  # type: ignore[arg-type]  # checked by the test itself


class RightNow(SetClock):
    """The real time: the server's library checks assertions by it."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


@pytest.mark.parametrize("style", ["form", "json", "basic"])
async def test_client_credentials_arrive_in_every_style(server: TokenServer, style: Style) -> None:
    async with asking(server, by_credentials(server, style, "read write")) as oauth:
        token = await oauth.token()
    assert isinstance(token, Token)
    assert server.access[token.access]
    assert server.styles == [style]
    assert server.asked == [
        {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": "read write",
        }
    ]
    assert token.expires_at == NOW + dt.timedelta(hours=1)


@pytest.mark.parametrize("style", ["form", "json", "basic"])
async def test_a_refresh_token_arrives_in_every_style(server: TokenServer, style: Style) -> None:
    grant = by_refresh(server, style=style)
    async with asking(server, grant) as oauth:
        assert isinstance(await oauth.token(), Token)
    assert server.styles == [style]
    assert server.asked[0]["refresh_token"] == grant.refresh_token


async def test_an_assertion_is_signed_and_short_lived(server: TokenServer) -> None:
    async with asking(server, assertion(server), clock=RightNow()) as oauth:
        assert isinstance(await oauth.token(), Token)
    sent = server.asked[0]
    assert sent.keys() == {"grant_type", "assertion"}
    claims = jwt.decode(sent["assertion"], server.public_key, algorithms=["RS256"], audience=AUDIENCE)
    assert claims["exp"] - claims["iat"] == 180


async def test_further_parameters_go_along(server: TokenServer) -> None:
    grant = assertion(server, extra={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    async with asking(server, grant, clock=RightNow()) as oauth:
        assert isinstance(await oauth.token(), Token)
    assert server.asked[0]["client_secret"] == CLIENT_SECRET


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="empty"),
        pytest.param("not a key", id="text"),
        pytest.param(pem(ec.generate_private_key(ec.SECP256R1())), id="elliptic"),
        pytest.param(pem(KEY, BestAvailableEncryption(b"word")), id="encrypted"),
        pytest.param(
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            id="public",
        ),
    ],
)
async def test_a_key_that_cannot_sign_blocks_before_anything_is_sent(server: TokenServer, key: str) -> None:
    async with asking(server, assertion(server, private_key=key)) as oauth:
        outcome = await oauth.token()
    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.CREDENTIALS)
    assert outcome.message == private_key_fault(key)
    assert server.asked == []


def test_a_good_key_has_no_fault() -> None:
    assert private_key_fault(pem(KEY)) is None


async def test_without_a_consent_nothing_is_asked(server: TokenServer) -> None:
    async with asking(server, by_refresh(server, "")) as oauth:
        outcome = await oauth.token()
    assert isinstance(outcome, Blocked)
    assert "Connect the account" in outcome.message
    assert server.asked == []


async def test_a_public_client_sends_no_secret(server: TokenServer) -> None:
    grant = RefreshToken(token_url=server.token_url, client_id=CLIENT_ID, refresh_token="r")
    async with asking(server, grant) as oauth:
        await oauth.token()
    assert "client_secret" not in server.asked[0]


@pytest.mark.parametrize("style", ["form", "json", "basic"])
async def test_a_code_is_exchanged_with_its_verifier_in_every_style(
    server: TokenServer, style: Style
) -> None:
    client = WebApplicationClient(CLIENT_ID)
    verifier = client.create_code_verifier(64)
    challenge = client.create_code_challenge(verifier, "S256")
    server.codes["code"] = {"code_challenge": challenge, "redirect_uri": "https://x.example/back"}
    grant = AuthorizationCode(
        token_url=server.token_url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        code="code",
        redirect_uri="https://x.example/back",
        verifier=verifier,
        style=style,
    )
    async with asking(server, grant) as oauth:
        obtained = await oauth.obtain(None)
    assert isinstance(obtained, Obtained)
    assert obtained.refresh in server.refresh
    assert server.styles == [style]


def grants(url: str) -> list[Grant]:
    return [
        by_credentials(TokenServer()),
        RefreshToken(token_url=url, client_id="id", client_secret="hidden", refresh_token="hidden"),
        JwtBearer(token_url=url, client_id="id", private_key="hidden", subject="s", audience="a"),
        AuthorizationCode(
            token_url=url,
            client_id="id",
            client_secret="hidden",
            code="hidden",
            redirect_uri="https://x.example",
            verifier="hidden",
        ),
    ]


@pytest.mark.parametrize("grant", grants("https://x.example/token"), ids=lambda one: type(one).__name__)
def test_no_grant_prints_its_secrets(grant: Grant) -> None:
    shown = repr(grant)
    assert "hidden" not in shown
    assert CLIENT_SECRET not in shown


def test_no_token_prints_itself() -> None:
    assert "hidden" not in repr(Token(access="hidden"))
    assert OAuth.token.__doc__ is not None
