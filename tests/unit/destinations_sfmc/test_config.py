from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest

from formlane.destinations.egress import Guard
from formlane.destinations.sfmc.config import EmptyAs, event_key_fault, open_settings, validate
from formlane.domain.types import Json
from formlane.errors import InvalidInput

SUBDOMAIN = "mc563885gzs27c5t9-63k636ttgm"
GOOD: Mapping[str, Json] = {"subdomain": SUBDOMAIN, "client_id": "abc"}
SECRETS = {"client_secret": "s3cret"}


def pointers(settings: Mapping[str, Json], secrets: Mapping[str, str] = SECRETS) -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        validate(settings, secrets, Guard())
    assert "s3cret" not in f"{raised.value}{raised.value.problems}"
    return [problem.pointer for problem in raised.value.problems]


def test_settings_open_as_they_were_saved() -> None:
    given = {**GOOD, "account_id": "7281698", "time_zone": "Europe/Berlin", "empty_as": "text"}
    opened = open_settings(validate(given, SECRETS, Guard()), SECRETS)

    assert opened.token_url == f"https://{SUBDOMAIN}.auth.marketingcloudapis.com/v2/token"
    assert (opened.account_id, opened.zone, opened.empty_as) == (
        "7281698",
        ZoneInfo("Europe/Berlin"),
        EmptyAs.TEXT,
    )
    assert (opened.rows_per_call, opened.contacts, opened.journey_events) == (50, False, ())
    assert "s3cret" not in repr(opened)
    assert open_settings(GOOD, SECRETS).zone is None


def test_an_address_takes_the_place_of_the_subdomain() -> None:
    given = {"client_id": "abc", "auth_url": "https://stand-in.example.com/"}
    opened = open_settings(validate(given, SECRETS, Guard()), SECRETS)

    assert opened.token_url == "https://stand-in.example.com/v2/token"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"subdomain": None}, "/settings/subdomain"),
        ({"subdomain": "mc.evil.example/"}, "/settings/subdomain"),
        ({"client_id": ""}, "/settings/client_id"),
        ({"account_id": "12a"}, "/settings/account_id"),
        ({"rows_per_call": 51}, "/settings/rows_per_call"),
        ({"time_zone": "Europe/Nowhere"}, "/settings/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/settings/time_zone"),
        ({"journey_events": ["a.b"]}, "/settings/journey_events"),
        ({"journey_events": [""]}, "/settings/journey_events"),
        ({"auth_url": "http://stand-in.example.com"}, "/settings/auth_url"),
        ({"auth_url": "https://127.0.0.1"}, "/settings/auth_url"),
        ({"auth_url": "https://a:b@example.com"}, "/settings/auth_url"),
    ],
    ids=[
        "no-host",
        "other-host",
        "no-client",
        "account",
        "rows",
        "zone",
        "path",
        "dot",
        "no-key",
        "http",
        "loopback",
        "user",
    ],
)
def test_what_cannot_be_is_refused(changes: Mapping[str, Json], pointer: str) -> None:
    assert pointer in pointers({**GOOD, **changes})


def test_a_secret_is_printable() -> None:
    assert pointers(GOOD, {"client_secret": "s3cret\x07"}) == ["/secrets/client_secret"]


def test_http_is_allowed_by_its_setting_alone() -> None:
    given: dict[str, Json] = {
        "client_id": "abc",
        "auth_url": "http://stand-in.example.com",
        "allow_http": True,
    }
    assert validate(given, SECRETS, Guard())["auth_url"] == "http://stand-in.example.com"


@pytest.mark.parametrize("key", ["", " a", "a" * 201, "a\n"], ids=["empty", "blank", "long", "control"])
def test_event_keys_are_printable_and_short(key: str) -> None:
    assert event_key_fault(key)
    assert event_key_fault("APIEvent-1") is None
