from __future__ import annotations

from collections.abc import Mapping

import pytest

from formlane.destinations.base import Level, Matching
from formlane.destinations.egress import Guard
from formlane.destinations.jira.config import (
    authorize_url,
    open_settings,
    token_url,
    validate,
    validate_step,
)
from formlane.destinations.jira.connector import JIRA
from formlane.domain.types import Json
from formlane.errors import InvalidInput

CLOUD: Mapping[str, Json] = {"site_url": "https://a.atlassian.net/", "user": "ada@example.com"}
SERVER: Mapping[str, Json] = {
    "site_url": "https://jira.example.com/jira/",
    "deployment": "data_center",
    "auth": "personal_token",
}
SECRETS = {"token": "t0ken"}


def pointers(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        validate(settings, secrets, Guard())
    return [problem.pointer for problem in raised.value.problems]


def test_addresses_are_kept_in_one_spelling() -> None:
    cloud = validate({**CLOUD, "site_url": "https://a.atlassian.net/jira/boards?x=1"}, SECRETS, Guard())
    server = validate(SERVER, SECRETS, Guard())
    assert cloud["site_url"] == "https://a.atlassian.net"
    assert server["site_url"] == "https://jira.example.com/jira"
    assert server["api_url"] == "https://api.atlassian.com"


@pytest.mark.parametrize(
    ("settings", "secrets", "wrong"),
    [
        ({**CLOUD, "auth": "personal_token"}, SECRETS, ["/settings/auth"]),
        ({**SERVER, "auth": "oauth", "client_id": "c"}, {"client_secret": "s"}, ["/settings/auth"]),
        ({**CLOUD, "user": ""}, {}, ["/settings/user", "/secrets/token"]),
        ({**CLOUD, "auth": "oauth"}, {}, ["/settings/client_id", "/secrets/client_secret"]),
        ({**SERVER, "auth": "password"}, SECRETS, ["/settings/user"]),
        (SERVER, {"token": "a b"}, ["/secrets/token"]),
        (SERVER, {"token": "ä"}, ["/secrets/token"]),
        ({**CLOUD, "site_url": "http://a.atlassian.net"}, SECRETS, ["/settings/site_url"]),
        ({**CLOUD, "site_url": "https://127.0.0.1"}, SECRETS, ["/settings/site_url"]),
        ({**CLOUD, "api_url": "https://u:p@b.example"}, SECRETS, ["/settings/api_url"]),
        ({**CLOUD, "auth_url": "nowhere"}, SECRETS, ["/settings/auth_url"]),
        ({**CLOUD, "user": "a:b"}, SECRETS, ["/settings/user"]),
        ({**CLOUD, "cloud_id": "../x"}, SECRETS, ["/settings/cloud_id"]),
    ],
    ids=[
        "token of a server",
        "oauth at a server",
        "nothing",
        "no app",
        "no user",
        "blank",
        "not ASCII",
        "http",
        "private",
        "credentials",
        "no address",
        "colon",
        "path",
    ],
)
def test_what_cannot_work_is_refused(
    settings: Mapping[str, Json], secrets: Mapping[str, str], wrong: list[str]
) -> None:
    assert pointers(settings, secrets) == wrong


def test_http_must_be_allowed() -> None:
    values = validate({**CLOUD, "site_url": "http://a.atlassian.net", "allow_http": True}, SECRETS, Guard())
    assert values["site_url"] == "http://a.atlassian.net"


def test_secrets_do_not_show() -> None:
    settings = open_settings(validate(CLOUD, SECRETS, Guard()), SECRETS)
    assert "t0ken" not in repr(settings)
    assert (settings.is_cloud, settings.allow_delete) == (True, False)


def test_consent_is_asked_with_oauth_only() -> None:
    oauth = validate({**CLOUD, "auth": "oauth", "client_id": "c"}, {"client_secret": "s"}, Guard())
    assert authorize_url(validate(CLOUD, SECRETS, Guard())) is None
    assert authorize_url(oauth) == "https://auth.atlassian.com/authorize"
    assert token_url(oauth) == "https://auth.atlassian.com/oauth/token"
    assert JIRA.consent is not None
    assert "offline_access" in JIRA.consent.scopes
    assert JIRA.consent.extra == {"audience": "api.atlassian.com", "prompt": "consent"}


@pytest.mark.parametrize("name", ["EX", "EX/", "ex/1", "EX/1/2", "EX/x", "../1", "user"])
def test_an_object_is_a_project_and_a_type(name: str) -> None:
    with pytest.raises(InvalidInput):
        validate_step(name, {})


def test_a_step_may_name_a_transition() -> None:
    assert validate_step("EX/10001", {"transition": "Done"}) == {"transition": "Done"}
    assert validate_step("A_1/2", {}) == {"transition": None}
    with pytest.raises(InvalidInput):
        validate_step("EX/10001", {"status": "Done"})


def test_the_declaration() -> None:
    assert JIRA.matching is Matching.ONE
    assert (JIRA.looks_up, JIRA.one_lane, JIRA.level) == (True, False, Level.DEPENDABLE)
    assert {spec.keeps_order for spec in JIRA.operations} == {False}
