"""From posted texts to the values of a record."""

from __future__ import annotations

import base64

import orjson

from formlane.domain.forms import FormDefinition, FormField
from formlane.domain.types import FieldType, Json
from formlane.errors import InvalidInput, Problem
from formlane.mapping.rules import escaped
from formlane.web.forms.posts import ZONE_SUFFIX, Post


def values_of(definition: FormDefinition, post: Post) -> dict[str, Json]:
    """The record. What was left empty is left out; what no field asked for is kept as it came.

    Browsers send line ends as CRLF (HTML, constructing the entry list); a record has LF.
    """
    values: dict[str, Json] = {}
    known: set[str] = set()
    for asked in definition.fields:
        known.add(asked.name)
        if asked.type is FieldType.DATETIME:
            known.add(asked.name + ZONE_SUFFIX)
        value = _value(asked, post)
        if value is not None:
            values[asked.name] = value
    for name, sent in post.texts.items():
        if name not in known:
            values[name] = _lines(sent[-1])
    return values


def _value(asked: FormField, post: Post) -> Json:
    name = asked.name
    match asked.type:
        case FieldType.MULTI_ENUM:
            return [text for text in post.texts.get(name, ()) if text] or None
        case FieldType.BOOLEAN:
            return _boolean(asked, post)
        case FieldType.BINARY if name in post.files:
            return base64.b64encode(post.files[name]).decode()
        case FieldType.DATETIME:
            return _datetime(post.text(name), post.text(name + ZONE_SUFFIX))
        case FieldType.JSON:
            return _json(asked, post.text(name))
        case _:
            return _lines(post.text(name)) or None


def _boolean(asked: FormField, post: Post) -> Json:
    """A box that is not ticked is not sent at all: no, or no answer where one is required."""
    if asked.name in post.texts:
        return post.text(asked.name) or None
    return None if asked.required else False


def _datetime(text: str, zone: str) -> Json:
    """A browser's local time gets the offset chosen beside it; a time with an offset stays as it is."""
    return f"{text}{zone}" if text and zone and len(text) <= len("2024-12-31T18:30:00.000") else text or None


def _json(asked: FormField, text: str) -> Json:
    if not text.strip():
        return None
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        message = f"{asked.label} is not JSON."
        raise InvalidInput(message, [Problem(f"/{escaped(asked.name)}", "not_json", message)]) from None
    return value


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
