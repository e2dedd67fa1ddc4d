"""Ids as they stand in addresses and queries."""

from __future__ import annotations

from uuid import UUID

from formlane.domain.ids import IdKind, RecordId, parse_id, parse_record_id, to_text
from formlane.errors import InvalidInput, NotFound, Problem


def in_path(kind: IdKind, text: str) -> UUID:
    """The id in an address. What cannot be one is not found, as what is unknown or another tenant's."""
    try:
        return parse_id(kind, text)
    except InvalidInput as fault:
        raise NotFound(str(fault)) from None


def record_in_path(text: str) -> RecordId:
    """The same for a record."""
    try:
        return parse_record_id(text)
    except InvalidInput as fault:
        raise NotFound(str(fault)) from None


def given(kind: IdKind, text: str, pointer: str) -> UUID:
    """The id at `pointer` of a body, or of the query parameter of that name."""
    try:
        return parse_id(kind, text)
    except InvalidInput as fault:
        raise InvalidInput(str(fault), [Problem(pointer, "invalid_id", str(fault))]) from None


def given_or_none(kind: IdKind, text: str | None, pointer: str) -> UUID | None:
    """The same where it may be left out."""
    return None if text is None else given(kind, text, pointer)


def source_given(text: str | None) -> UUID | None:
    """The id of a form, a flow or a replay in the query parameter `source`."""
    if text is None:
        return None
    for kind in _SOURCES:
        if text.startswith(f"{kind if kind != 'replay' else 'rpl'}_"):
            return given(kind, text, "/source")
    return given("form", text, "/source")


def text_or_none(kind: IdKind, id_: UUID | None) -> str | None:
    """How an id is shown, where there is one."""
    return None if id_ is None else to_text(kind, id_)


_SOURCES: tuple[IdKind, ...] = ("form", "flow", "replay")
