"""Faults that FastAPI finds, told as ours are: by place and in plain words, without the value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from formlane.errors import Problem

_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is required",
    "extra_forbidden": lambda _: "is not known here",
    "string_type": lambda _: "must be text",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "dict_type": lambda _: "must be an object",
    "list_type": lambda _: "must be a list",
    "model_attributes_type": lambda _: "must be an object",
    "json_invalid": lambda _: "is not JSON",
    "string_too_short": lambda limits: f"must have at least {limits['min_length']} characters",
    "string_too_long": lambda limits: f"must have at most {limits['max_length']} characters",
    "too_short": lambda limits: f"must have at least {limits['min_length']} entries",
    "too_long": lambda limits: f"must have at most {limits['max_length']} entries",
    "greater_than_equal": lambda limits: f"must be at least {limits['ge']}",
    "less_than_equal": lambda limits: f"must be at most {limits['le']}",
    "enum": lambda limits: f"must be {limits['expected']}",
    "literal_error": lambda limits: f"must be {limits['expected']}",
    "value_error": lambda limits: str(limits["error"]),
    "timezone_aware": lambda _: "must have a time zone, such as 2026-01-31T12:00:00Z",
    "datetime_parsing": lambda _: "must be a date and time such as 2026-01-31T12:00:00Z",
    "datetime_from_date_parsing": lambda _: "must be a date and time such as 2026-01-31T12:00:00Z",
    "datetime_type": lambda _: "must be a date and time such as 2026-01-31T12:00:00Z",
}


def problems_of(faults: Sequence[Mapping[str, Any]]) -> tuple[Problem, ...]:
    """One problem per fault of pydantic (`loc`, `type`, `msg`, `ctx`)."""
    return tuple(_problem(fault) for fault in faults)


def _problem(fault: Mapping[str, Any]) -> Problem:
    place, kind = fault["loc"], str(fault["type"])
    path = [str(part) for part in place[1:]] if len(place) > 1 else []
    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1")[:200] for part in path)
    name = path[-1][:200] if path else "The body"
    if place and place[0] in ("query", "path", "header"):
        name = f"The {place[0]} parameter {name}"
    words = _WORDS.get(kind)
    said = words(fault.get("ctx") or {}) if words else str(fault["msg"]).replace("Input should", "must")
    return Problem(pointer, kind, f"{name} {said}.")
