from __future__ import annotations

from collections.abc import Mapping

import pytest

from formlane.destinations.egress import Guard
from formlane.destinations.servicenow.config import (
    NEEDED,
    SETTINGS,
    Auth,
    open_account,
    records_per_call,
    validate,
    validate_step,
)
from formlane.domain.types import Json
from formlane.errors import InvalidInput

URL = "https://acme.service-now.com"
ALL: Mapping[str, str] = {"client_secret": "s", "password": "p", "refresh_token": "r", "api_key": "k"}
GIVEN: Mapping[str, Json] = {"url": URL, "client_id": "c", "username": "u"}


def faults(settings: Mapping[str, Json], secrets: Mapping[str, str] = ALL) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        validate(settings, secrets, Guard())
    return [(problem.pointer, problem.code) for problem in caught.value.problems]


@pytest.mark.parametrize("auth", list(Auth), ids=str)
def test_each_way_of_signing_in_names_what_it_needs(auth: Auth) -> None:
    places = {setting.name: "secrets" if setting.secret else "settings" for setting in SETTINGS}
    assert faults({"url": URL, "auth": auth.value}, {}) == [
        (f"/{places[name]}/{name}", "required") for name in NEEDED[auth]
    ]
    assert validate({**GIVEN, "auth": auth.value}, ALL, Guard())["auth"] == auth


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://acme.service-now.com", "invalid"),
        ("https://10.0.0.1", "address_not_allowed"),
        ("https://u:p@acme.service-now.com", "invalid"),
        ("https://acme.service-now.com/api/now", "invalid"),
        ("https://acme.service-now.com/?x=1", "invalid"),
        ("acme", "invalid"),
    ],
)
def test_addresses_that_are_refused(url: str, code: str) -> None:
    assert faults({**GIVEN, "url": url}) == [("/settings/url", code)]


def test_http_is_for_those_who_ask_for_it_and_not_for_oauth() -> None:
    plain = {**GIVEN, "url": "http://acme.service-now.com/", "allow_http": True}
    kept = validate({**plain, "auth": "basic"}, ALL, Guard())

    assert kept["url"] == "http://acme.service-now.com"
    assert faults(plain) == [("/settings/auth", "plain_http")]


def test_credentials_must_fit_a_header() -> None:
    assert faults({**GIVEN, "auth": "basic", "username": "a:b"}) == [("/settings/username", "invalid")]
    assert faults({**GIVEN, "auth": "api_key"}, {"api_key": "a b"}) == [("/secrets/api_key", "invalid")]
    assert faults({**GIVEN, "auth": "refresh_token"}, {**ALL, "refresh_token": "ä"}) == [
        ("/secrets/refresh_token", "invalid")
    ]


def test_an_account_hides_its_secrets() -> None:
    account = open_account(validate(GIVEN, ALL, Guard()), {"client_secret": "hidden"})
    assert "hidden" not in repr(account)
    assert str(account.url) == URL


def test_a_step_names_a_table() -> None:
    assert validate_step("incident", {})["journal_fields"] == ["comments", "work_notes"]
    for name in ("", "Incident", "a/b", "x^ORy", "a" * 81):
        with pytest.raises(InvalidInput):
            validate_step(name, {})
    with pytest.raises(InvalidInput):
        validate_step("incident", {"import_set": "yes"})


def test_records_of_a_call() -> None:
    assert records_per_call({**GIVEN}) == 20
    assert records_per_call({**GIVEN, "batch_size": 50}) == 50
    assert records_per_call({**GIVEN, "batch_api": False}) == 1
