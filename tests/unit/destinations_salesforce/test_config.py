from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from formlane.destinations.base import Resend
from formlane.destinations.egress import Guard
from formlane.destinations.oauth import ClientCredentials, JwtBearer, RefreshToken
from formlane.destinations.salesforce.config import (
    SETTINGS,
    authorize_url,
    open_settings,
    token_url,
    validate,
)
from formlane.destinations.salesforce.connector import SALESFORCE
from formlane.destinations.settings import whole
from formlane.domain.flows import Operation
from formlane.domain.types import Json
from formlane.errors import InvalidInput

MY_DOMAIN = "https://example.my.salesforce.com"
KEY = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    .decode()
)
JWT: dict[str, Json] = {"client_id": "key", "username": "u@example.org"}


def saved(settings: dict[str, Json], **secrets: str) -> dict[str, Json]:
    return dict(validate(settings, secrets, Guard()))


def pointers(settings: dict[str, Json], **secrets: str) -> set[str]:
    with pytest.raises(InvalidInput) as caught:
        validate(settings, secrets, Guard())
    return {problem.pointer for problem in caught.value.problems}


def test_defaults_and_canonical_form() -> None:
    values = saved({**JWT, "login_url": "HTTPS://Example.My.Salesforce.com/"}, private_key=KEY)
    assert values["login_url"] == MY_DOMAIN
    assert values["api_version"] == "68.0"
    assert values["records_per_call"] == 200
    assert values["allow_delete"] is False


@pytest.mark.parametrize(
    ("settings", "secrets", "pointer"),
    [
        ({"client_id": "k"}, {"private_key": KEY}, "/settings/username"),
        (JWT, {}, "/secrets/private_key"),
        (JWT, {"private_key": "no key"}, "/secrets/private_key"),
        ({"client_id": "k", "auth": "client_credentials"}, {"client_secret": "s"}, "/settings/login_url"),
        (
            {"client_id": "k", "auth": "client_credentials", "login_url": MY_DOMAIN},
            {},
            "/secrets/client_secret",
        ),
        ({**JWT, "login_url": "http://example.org"}, {"private_key": KEY}, "/settings/login_url"),
        ({**JWT, "login_url": "https://127.0.0.1"}, {"private_key": KEY}, "/settings/login_url"),
        ({**JWT, "login_url": f"{MY_DOMAIN}/path"}, {"private_key": KEY}, "/settings/login_url"),
        ({**JWT, "login_url": f"{MY_DOMAIN}?a=b"}, {"private_key": KEY}, "/settings/login_url"),
        ({**JWT, "api_version": "52.0"}, {"private_key": KEY}, "/settings/api_version"),
        ({**JWT, "records_per_call": 201}, {"private_key": KEY}, "/settings/records_per_call"),
    ],
    ids=[
        "user",
        "key",
        "bad key",
        "shared login",
        "secret",
        "http",
        "loopback",
        "path",
        "query",
        "version",
        "size",
    ],
)
def test_what_cannot_be_saved(settings: dict[str, Json], secrets: dict[str, str], pointer: str) -> None:
    assert pointers(settings, **secrets) == {pointer}


def test_consent_needs_no_secret_to_be_saved() -> None:
    values = saved({"client_id": "k", "auth": "consent", "login_url": MY_DOMAIN})
    consent = SALESFORCE.consent
    assert consent is not None
    assert consent.authorize_url(values) == f"{MY_DOMAIN}/services/oauth2/authorize"
    assert consent.token_url(values) == f"{MY_DOMAIN}/services/oauth2/token"
    assert consent.scopes == ("api", "refresh_token")
    declared = {setting.name for setting in SETTINGS}
    assert {consent.client_id, consent.client_secret, consent.secret} <= declared
    assert authorize_url({**values, "auth": "jwt"}) is None
    assert token_url({}) == "https://login.salesforce.com/services/oauth2/token"


def test_each_way_to_sign_in_has_its_grant() -> None:
    jwt = open_settings(JWT, {"private_key": KEY}).grant
    assert isinstance(jwt, JwtBearer)
    assert (jwt.subject, jwt.audience) == ("u@example.org", "https://login.salesforce.com")
    other = open_settings({**JWT, "audience": "https://test.salesforce.com"}, {"private_key": KEY}).grant
    assert isinstance(other, JwtBearer)
    assert other.audience == "https://test.salesforce.com"
    app: dict[str, Json] = {"client_id": "k", "login_url": MY_DOMAIN}
    credentials = open_settings({**app, "auth": "client_credentials"}, {"client_secret": "s"}).grant
    assert isinstance(credentials, ClientCredentials)
    assert credentials.token_url == f"{MY_DOMAIN}/services/oauth2/token"
    consent = open_settings({**app, "auth": "consent"}, {"refresh_token": "r"}).grant
    assert isinstance(consent, RefreshToken)
    assert consent.refresh_token == "r"


def test_secrets_do_not_show() -> None:
    opened = open_settings({**JWT, "auth": "consent"}, {"client_secret": "hush", "refresh_token": "quiet"})
    assert "hush" not in repr(opened)
    assert "quiet" not in repr(opened)
    assert opened.secrets == ("hush", "quiet")


def test_headers_are_sent_only_where_they_are_set() -> None:
    assert open_settings(JWT, {}).headers == {}
    given: dict[str, Json] = {**JWT, "duplicate_rules": "pass_alerts", "assignment_rules": "off"}
    assert open_settings(given, {}).headers == {
        "Sforce-Duplicate-Rule-Header": "allowSave=true",
        "Sforce-Auto-Assign": "FALSE",
    }


def test_a_step_has_one_option() -> None:
    assert SALESFORCE.validate_step("Contact", {}) == {"bulk": True}
    with pytest.raises(InvalidInput):
        SALESFORCE.validate_step("Contact", {"nonsense": True})


def test_promises_hang_on_the_tracking_field() -> None:
    plain = SALESFORCE.operation(Operation.INSERT, JWT, {"tracking_field": None})
    tracked = SALESFORCE.operation(Operation.INSERT, JWT, {"tracking_field": "Ext__c"})
    assert plain is not None
    assert tracked is not None
    assert (plain.resend, plain.bulk) == (Resend.PARK, None)
    assert plain.quiet.total_seconds() == 600
    assert tracked.resend is Resend.FIND
    assert tracked.bulk is not None
    assert (tracked.bulk.least, tracked.bulk.max_records) == (2_000, 10_000)
    assert tracked.bulk.resend is Resend.FIND


@pytest.mark.parametrize(
    ("operation", "settings", "options", "bulk"),
    [
        (Operation.UPSERT, {}, {}, True),
        (Operation.UPSERT, {}, {"bulk": False}, False),
        (Operation.UPSERT, {"duplicate_rules": "pass_alerts"}, {}, False),
        (Operation.UPSERT, {"assignment_rules": "off"}, {}, False),
        (Operation.UPDATE, {}, {}, False),
        (Operation.DELETE, {}, {}, False),
    ],
    ids=["upsert", "switched off", "alerts", "assignment", "update", "delete"],
)
def test_bulk_only_where_results_can_be_joined_and_headers_are_not_needed(
    operation: Operation, settings: dict[str, Json], options: dict[str, Json], bulk: bool
) -> None:
    spec = SALESFORCE.operation(operation, {**JWT, **settings, "records_per_call": 50}, options)
    assert spec is not None
    assert (spec.bulk is not None) is bulk
    assert spec.max_records == 50
    assert spec.resend is Resend.RESEND_SAFE
    assert spec.quiet == spec.deadline


def test_a_whole_number_is_one() -> None:
    assert whole(3) == 3
    with pytest.raises(TypeError):
        whole("3")
