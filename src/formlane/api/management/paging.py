"""Cursors: opaque to clients, ids to us. A list never skips or repeats what stays in it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from formlane.api.management.models import Page
from formlane.errors import InvalidInput, Problem

Kept = TypeVar("Kept")
Item = TypeVar("Item", bound=BaseModel)

LARGEST_PAGE = 200

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Most entries of the page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]


def cursor_of(text: str) -> str:
    """What a client sends back to go on from here."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> str | None:
    """What `cursor_of` was given; raises `InvalidInput` for anything else."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None


def read_id_cursor(cursor: str | None) -> UUID | None:
    """The id that a cursor carries."""
    text = read_cursor(cursor)
    if text is None:
        return None
    try:
        return UUID(hex=text)
    except ValueError:
        raise _bad_cursor() from None


def page_from(
    found: Sequence[Kept], *, limit: int, place: Callable[[Kept], str], show: Callable[[Kept], Item]
) -> Page[Item]:
    """A page of what was asked for with one entry more than `limit`; `place` is where the next goes on."""
    shown, has_more = found[:limit], len(found) > limit
    return Page(
        data=[show(one) for one in shown],
        next_cursor=cursor_of(place(shown[-1])) if has_more else None,
        has_more=has_more,
    )


def page_of_all(
    everything: Sequence[Kept],
    *,
    cursor: str | None,
    limit: int,
    place: Callable[[Kept], str],
    show: Callable[[Kept], Item],
) -> Page[Item]:
    """A page of a list that is read whole: what comes after the entry that the cursor names."""
    after = read_cursor(cursor)
    start = 0
    if after is not None:
        start = next((index + 1 for index, one in enumerate(everything) if place(one) == after), -1)
        if start < 0:
            raise _bad_cursor()
    return page_from(everything[start : start + limit + 1], limit=limit, place=place, show=show)


def _bad_cursor() -> InvalidInput:
    message = "The cursor is unknown, or what it pointed to is gone. Start again without one."
    return InvalidInput(message, [Problem("/cursor", "invalid_cursor", message)])
