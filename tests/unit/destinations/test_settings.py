"""Declared settings: what is read from what was given, what is wrong with it, and the JSON Schema of both."""

from __future__ import annotations

import pytest

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.settings import fault_of, json_schema, read_secrets, read_settings
from formlane.domain.types import Json
from formlane.errors import InvalidInput

SETTINGS = (
    Setting(name="host", label="Host", required=True, minimum=3, maximum=9, pattern="[a-z.]+", help="Small."),
    Setting(name="port", label="Port", type=SettingType.INTEGER, minimum=1, maximum=99, default=22),
    Setting(name="strict", label="Strict", type=SettingType.BOOLEAN, default=True),
    Setting(name="way", label="Way", type=SettingType.CHOICE, choices=("a", "b")),
    Setting(name="names", label="Names", type=SettingType.LIST),
    Setting(name="headers", label="Headers", type=SettingType.MAP),
    Setting(name="token", label="Token", secret=True, required=True, maximum=5),
    Setting(name="phrase", label="Phrase", secret=True),
)


def problems(error: InvalidInput) -> list[tuple[str, str, str]]:
    return [(one.pointer, one.code, one.message) for one in error.problems]


def test_defaults_are_filled_in_and_secrets_left_out() -> None:
    assert read_settings(SETTINGS, {"host": "a.bc", "way": ""}) == {
        "host": "a.bc",
        "port": 22,
        "strict": True,
        "way": None,
        "names": None,
        "headers": None,
    }


def test_every_fault_is_told_at_its_place() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_settings(SETTINGS, {"port": 0, "tokn": "x"}, at="/options")
    assert problems(refused.value) == [
        (
            "/options/tokn",
            "unknown",
            "There is no setting 'tokn' here. Known: headers, host, names, port, strict, way.",
        ),
        ("/options/host", "required", "Host is required."),
        ("/options/port", "invalid", "Port: must be at least 1."),
    ]


def test_nothing_is_known_where_nothing_is_declared() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_settings((), {"a": 1})
    assert "Known: none." in refused.value.problems[0].message


def test_secrets_that_are_kept_need_not_be_given_again() -> None:
    assert read_secrets(SETTINGS, {"token": "abc", "phrase": ""}) == {"token": "abc"}
    assert read_secrets(SETTINGS, {}, known=["token"]) == {}
    with pytest.raises(InvalidInput) as refused:
        read_secrets(SETTINGS, {"phrase": "x", "host": "y"})
    assert [(pointer, code) for pointer, code, _ in problems(refused.value)] == [
        ("/secrets/host", "unknown"),
        ("/secrets/token", "required"),
    ]


def test_a_secret_is_never_repeated_in_a_fault() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_secrets(SETTINGS, {"token": "far too long"})
    assert problems(refused.value) == [
        ("/secrets/token", "invalid", "Token: must have at most 5 characters.")
    ]
    assert "far too long" not in repr(problems(refused.value))


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("host", 1, "must be text."),
        ("host", "a", "must have at least 3 characters."),
        ("host", "a" * 10, "must have at most 9 characters."),
        ("host", "A.BC", "has the wrong form. Small."),
        ("host", "a.bc", None),
        ("port", "1", "must be a whole number."),
        ("port", True, "must be a whole number."),
        ("port", 100, "must be at most 99."),
        ("port", 99, None),
        ("strict", 1, "must be true or false."),
        ("strict", False, None),
        ("way", "c", "must be one of a, b."),
        ("way", "a", None),
        ("names", ["a", 1], "must be a list of texts."),
        ("names", ["a"], None),
        ("headers", {"a": 1}, "must map names to texts."),
        ("headers", {"a": "b"}, None),
    ],
)
def test_each_type_has_its_faults(name: str, value: Json, fault: str | None) -> None:
    [setting] = [one for one in SETTINGS if one.name == name]
    assert fault_of(setting, value) == fault


def test_integers_without_bounds_have_none() -> None:
    assert fault_of(Setting(name="n", label="N", type=SettingType.INTEGER), -(10**9)) is None


def test_the_schema_says_the_same() -> None:
    schema = json_schema(SETTINGS, secrets=False)
    assert schema["required"] == ["host"]
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        "host": {
            "type": "string",
            "title": "Host",
            "description": "Small.",
            "pattern": "^(?:[a-z.]+)$",
            "minLength": 3,
            "maxLength": 9,
        },
        "port": {
            "type": "integer",
            "title": "Port",
            "description": "",
            "default": 22,
            "minimum": 1,
            "maximum": 99,
        },
        "strict": {"type": "boolean", "title": "Strict", "description": "", "default": True},
        "way": {"type": "string", "title": "Way", "description": "", "enum": ["a", "b"]},
        "names": {
            "type": "array",
            "items": {"type": "string"},
            "title": "Names",
            "description": "",
        },
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "title": "Headers",
            "description": "",
        },
    }


def test_the_schema_of_secrets_is_of_things_that_are_only_written() -> None:
    schema = json_schema(SETTINGS, secrets=True)
    assert schema["required"] == ["token"]
    assert schema["properties"] == {
        "token": {
            "type": "string",
            "title": "Token",
            "description": "",
            "writeOnly": True,
            "maxLength": 5,
        },
        "phrase": {"type": "string", "title": "Phrase", "description": "", "writeOnly": True},
    }
