"""Finding the data extension that a path names."""

from __future__ import annotations

import re
from urllib.parse import unquote

from formlane_sandbox.sfmc.answers import INVALID, refused
from formlane_sandbox.sfmc.calls import Call
from formlane_sandbox.sfmc.extensions import DataExtension, Extensions

_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_KEY = "key:"


def is_guid(text: str) -> bool:
    """Whether a text has the form of an ObjectID."""
    return _GUID.fullmatch(text) is not None


def split(reference: str) -> tuple[str, str]:
    """Id and key of a raw path segment; one of them is empty."""
    text = unquote(reference)
    return ("", text[len(_KEY) :]) if text.lower().startswith(_KEY) else (text, "")


def find(extensions: Extensions, call: Call, reference: str) -> DataExtension | None:
    """The one that `key:…` or an ObjectID names in the caller's business unit."""
    number, key = split(reference)
    return extensions.by_key(key, call.account) if key else extensions.by_id(number, call.account)


def named(extensions: Extensions, call: Call, reference: str) -> DataExtension:
    """The same; RefusedError (10001) if there is none."""
    found = find(extensions, call, reference)
    if found is None:
        number, key = split(reference)
        placeholder = "{guid}" if key or is_guid(number) else "{id}"
        raise refused(400, f"Parameter {placeholder} is invalid.", INVALID)
    return found
