"""What Salesforce answers, decoded: errors of either spelling, and results per record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from formlane.destinations.redaction import kept_text


class Fault(msgspec.Struct, frozen=True, rename="camel"):
    """An error. A whole request's says `errorCode`, a record's `statusCode`; fields are API names."""

    error_code: str | None = None
    status_code: str | None = None
    message: str | None = None
    fields: tuple[str, ...] | None = None

    @property
    def code(self) -> str:
        """The code, whichever key it came under."""
        return self.error_code or self.status_code or ""


class Entry(Fault, frozen=True, rename="camel"):
    """One element of an answered array: a record's result (`success` is set), or an error of the request."""

    success: bool | None = None
    id: str | None = None
    errors: tuple[Fault, ...] = ()


WORDS: Final = 255
"""Characters of Salesforce's words that are kept with an outcome."""

_ENTRIES = msgspec.json.Decoder(list[Entry])
_ENTRY = msgspec.json.Decoder(Entry)


def results_of(body: bytes, size: int) -> Sequence[Entry] | None:
    """The results of `size` records, in order; None if the body is anything else."""
    entries = _entries(body)
    if len(entries) != size or any(entry.success is None for entry in entries):
        return None
    return entries


def fault_of(body: bytes) -> Fault | None:
    """The first error that a body tells; None if it tells none."""
    return next((entry for entry in _entries(body) if entry.code), None)


def kept_words(text: str | None, secrets: Collection[str]) -> str | None:
    """Salesforce's own words as they may be kept; None if there are none."""
    return kept_text(text or "", secrets, most=WORDS) or None


def _entries(body: bytes) -> Sequence[Entry]:
    """The elements of an array, or a bare object as the only one; nothing if it is neither."""
    try:
        return [_ENTRY.decode(body)] if body[:1] == b"{" else _ENTRIES.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()
