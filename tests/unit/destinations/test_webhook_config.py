from __future__ import annotations

import base64

import pytest

from formlane.destinations.egress import Guard
from formlane.destinations.webhook.config import open_settings, validate
from formlane.destinations.webhook.connector import validate_step
from formlane.domain.types import Json
from formlane.errors import InvalidInput

GUARD = Guard(allow=[("127.0.0.1", 9001)])
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
URL: dict[str, Json] = {"url": "https://hooks.example.com/a"}


def pointers(settings: dict[str, Json], secrets: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        validate(settings, secrets or {}, GUARD)
    return [problem.pointer for problem in caught.value.problems]


def test_the_address_alone_is_enough_and_is_stored_in_one_spelling() -> None:
    values = validate({"url": "https://HOOKS.example.com:443/a#b"}, {}, GUARD)
    assert values["url"] == "https://hooks.example.com/a"
    assert values["body"] == "wrapped"
    assert validate(values, {}, GUARD) == values


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "http://hooks.example.com/",
        "https://u:p@hooks.example.com/",
        "x",
    ],
)
def test_a_forbidden_address_is_refused_when_saved(url: str) -> None:
    assert pointers({"url": url}) == ["/settings/url"]


def test_plain_http_carries_no_credentials_but_to_a_listed_address() -> None:
    plain: dict[str, Json] = {"url": "http://hooks.example.com/", "allow_http": True}
    assert validate(plain, {}, GUARD)["url"] == "http://hooks.example.com/"
    assert pointers({**plain, "auth": "bearer"}, {"token": "abc"}) == ["/settings/auth"]
    listed: dict[str, Json] = {"url": "http://127.0.0.1:9001/", "auth": "bearer"}
    assert validate(listed, {"token": "abc"}, GUARD)["auth"] == "bearer"


@pytest.mark.parametrize(
    ("settings", "secrets", "pointer"),
    [
        ({"auth": "bearer"}, {}, "/secrets/token"),
        ({"auth": "header"}, {}, "/secrets/header_value"),
        ({"auth": "bearer"}, {"token": "a b"}, "/secrets/token"),
        ({"auth": "bearer"}, {"token": "a\r\nX: y"}, "/secrets/token"),
        ({"auth": "header"}, {"header_value": "ä"}, "/secrets/header_value"),
        ({"auth": "header", "auth_header": "Host"}, {"header_value": "a"}, "/settings/auth_header"),
        ({"auth": "header", "auth_header": "a b"}, {"header_value": "a"}, "/settings/auth_header"),
        ({}, {"signing_secret": "whsec_short"}, "/secrets/signing_secret"),
        ({}, {"signing_secret": SECRET, "previous_signing_secret": SECRET}, "/settings/previous_until"),
        ({"previous_until": "2026-11-30"}, {}, "/settings/previous_until"),
        ({"body": "xml"}, {}, "/settings/body"),
        ({"batch_size": 0}, {}, "/settings/batch_size"),
        ({"timeout_seconds": 61}, {}, "/settings/timeout_seconds"),
        ({"surprise": 1}, {}, "/settings/surprise"),
    ],
)
def test_settings_and_secrets_are_checked_together(
    settings: dict[str, Json], secrets: dict[str, str], pointer: str
) -> None:
    assert pointer in pointers({**URL, **settings}, secrets)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "a"},
        {"content-length": "1"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "close"},
        {"Webhook-Id": "a"},
        {"Proxy-Authorization": "a"},
        {"Authorization": "a"},
        {"Cookie": "a"},
        {"ce-id": "a"},
        {"X A": "a"},
        {"X:A": "a"},
        {"Ä": "a"},
        {"X-A": "a\r\nX-B: c"},
        {"X-A": "a\n"},
        {"X-A": "ä"},
        {"X-A": ""},
        {"X-A": "a", "x-a": "b"},
        {"X-A": "a" * 9000},
        {f"X-{number}": "a" for number in range(33)},
    ],
)
def test_custom_headers_that_could_do_harm_are_refused(headers: dict[str, str]) -> None:
    assert all(pointer.startswith("/settings/headers") for pointer in pointers({**URL, "headers": headers}))


def test_saved_settings_open() -> None:
    given = {"token": "abc", "signing_secret": SECRET, "previous_signing_secret": SECRET}
    settings = {**URL, "auth": "bearer", "headers": {"X-A": "b"}, "previous_until": "2030-01-01T00:00:00Z"}
    opened = open_settings(validate(settings, given, GUARD), given)
    assert opened.headers == {"X-A": "b", "Authorization": "Bearer abc"}
    assert opened.keys is not None
    assert opened.keys.previous_until is not None


def test_a_step_writes_a_call_without_options() -> None:
    assert validate_step("call", {}) == {}
    for name, options in (("Contact", {}), ("call", {"a": 1})):
        with pytest.raises(InvalidInput):
            validate_step(name, options)
