"""Checks given values against declared settings; renders declarations as JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from formlane.destinations.base import Setting, SettingType
from formlane.destinations.egress import AddressRefused, UrlFault
from formlane.domain.types import Json
from formlane.errors import InvalidInput, Problem

_URL_TEXTS: Final[Mapping[UrlFault, str]] = {
    UrlFault.SYNTAX: "is not a web address.",
    UrlFault.SCHEME: "must start with https://.",
    UrlFault.CREDENTIALS: "must not hold a user name or password. Use the settings for signing in.",
    UrlFault.LENGTH: "is longer than 2048 characters.",
    UrlFault.PORT: "has a port that is not allowed. Use 443, 8443, or another port from 1024 on.",
    UrlFault.HOST: "address not allowed. Use a public host.",
}


def read_settings(
    declared: Iterable[Setting], given: Mapping[str, Json], *, at: str = "/settings"
) -> dict[str, Json]:
    """The values of all declared, non-secret settings, defaults filled in.

    Raises `InvalidInput` with a problem per unknown name, missing required value and bad value.
    """
    table = {setting.name: setting for setting in declared if not setting.secret}
    problems = [_unknown(name, table, at) for name in given if name not in table]
    values: dict[str, Json] = {}
    for name, setting in table.items():
        value = given.get(name)
        if value is None or value == "":
            if setting.required and setting.default is None:
                problems.append(Problem(f"{at}/{name}", "required", f"{setting.label} is required."))
            values[name] = setting.default
            continue
        fault = fault_of(setting, value)
        if fault:
            problems.append(Problem(f"{at}/{name}", "invalid", f"{setting.label}: {fault}"))
        values[name] = value
    if problems:
        raise InvalidInput("Some settings cannot be used.", problems)
    return values


def read_secrets(
    declared: Iterable[Setting], given: Mapping[str, str], *, known: Iterable[str] = (), at: str = "/secrets"
) -> dict[str, str]:
    """The given secrets, checked; `known` are names already kept, which need not be given again."""
    table = {setting.name: setting for setting in declared if setting.secret}
    problems = [_unknown(name, table, at) for name in given if name not in table]
    kept = set(known)
    for name, setting in table.items():
        value = given.get(name)
        if not value:
            if setting.required and name not in kept:
                problems.append(Problem(f"{at}/{name}", "required", f"{setting.label} is required."))
        elif fault := fault_of(setting, value):
            problems.append(Problem(f"{at}/{name}", "invalid", f"{setting.label}: {fault}"))
    if problems:
        raise InvalidInput("Some secrets cannot be used.", problems)
    return {name: value for name, value in given.items() if value}


def address_problem(name: str, label: str, refused: AddressRefused) -> Problem:
    """What the guard has against the web address in a setting."""
    code = "address_not_allowed" if refused.fault is UrlFault.HOST else "invalid"
    return Problem(f"/settings/{name}", code, f"{label}: {_URL_TEXTS[refused.fault]}")


def whole(value: Json) -> int:
    """A whole number of checked settings."""
    if not isinstance(value, int):
        raise TypeError("checked settings hold a whole number here")
    return value


def fault_of(setting: Setting, value: Json) -> str | None:
    """What is wrong with a value, in plain words without the value itself; None if nothing."""
    match setting.type:
        case SettingType.INTEGER:
            return _integer_fault(setting, value)
        case SettingType.BOOLEAN:
            return None if isinstance(value, bool) else "must be true or false."
        case SettingType.CHOICE:
            return None if value in setting.choices else f"must be one of {', '.join(setting.choices)}."
        case SettingType.LIST:
            good = isinstance(value, list) and all(isinstance(item, str) for item in value)
            return None if good else "must be a list of texts."
        case SettingType.MAP:
            good = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
            return None if good else "must map names to texts."
        case _:
            return _text_fault(setting, value)


def _integer_fault(setting: Setting, value: Json) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "must be a whole number."
    if setting.minimum is not None and value < setting.minimum:
        return f"must be at least {setting.minimum}."
    if setting.maximum is not None and value > setting.maximum:
        return f"must be at most {setting.maximum}."
    return None


def _text_fault(setting: Setting, value: Json) -> str | None:
    if not isinstance(value, str):
        return "must be text."
    if setting.minimum is not None and len(value) < setting.minimum:
        return f"must have at least {setting.minimum} characters."
    if setting.maximum is not None and len(value) > setting.maximum:
        return f"must have at most {setting.maximum} characters."
    if setting.pattern and not re.fullmatch(setting.pattern, value):
        return f"has the wrong form. {setting.help}".strip()
    return None


def _unknown(name: str, table: Mapping[str, Setting], at: str) -> Problem:
    known = ", ".join(sorted(table)) or "none"
    return Problem(f"{at}/{name}", "unknown", f"There is no setting {name!r} here. Known: {known}.")


_SCHEMA_TYPES: dict[SettingType, dict[str, Json]] = {
    SettingType.TEXT: {"type": "string"},
    SettingType.LONG_TEXT: {"type": "string"},
    SettingType.CHOICE: {"type": "string"},
    SettingType.URL: {"type": "string", "format": "uri"},
    SettingType.INTEGER: {"type": "integer"},
    SettingType.BOOLEAN: {"type": "boolean"},
    SettingType.LIST: {"type": "array", "items": {"type": "string"}},
    SettingType.MAP: {"type": "object", "additionalProperties": {"type": "string"}},
}


def json_schema(declared: Iterable[Setting], *, secrets: bool) -> dict[str, Json]:
    """JSON Schema (2020-12) of the secret or the other settings; secrets are marked `writeOnly`."""
    chosen = [setting for setting in declared if setting.secret is secrets]
    properties: dict[str, Json] = {}
    for setting in chosen:
        entry = dict(_SCHEMA_TYPES[setting.type])
        entry |= {"title": setting.label, "description": setting.help}
        if setting.choices:
            entry["enum"] = list(setting.choices)
        if setting.default is not None:
            entry["default"] = setting.default
        if setting.pattern:
            entry["pattern"] = f"^(?:{setting.pattern})$"
        if secrets:
            entry["writeOnly"] = True
        entry |= _bounds(setting)
        properties[setting.name] = entry
    required: list[Json] = [
        setting.name for setting in chosen if setting.required and setting.default is None
    ]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _bounds(setting: Setting) -> dict[str, Json]:
    low, high = ("minimum", "maximum") if setting.type is SettingType.INTEGER else ("minLength", "maxLength")
    bounds: dict[str, Json] = {}
    if setting.minimum is not None:
        bounds[low] = setting.minimum
    if setting.maximum is not None:
        bounds[high] = setting.maximum
    return bounds
