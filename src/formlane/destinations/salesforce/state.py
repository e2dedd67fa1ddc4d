"""What a call keeps in its journal between tries."""

from __future__ import annotations

import datetime as dt

import msgspec

from formlane.destinations.base import Journal


class Kept(msgspec.Struct, frozen=True):
    """When the last try began what must not be repeated blindly; `job`: as a job of the Bulk API.

    `found`: positions of records that were there to be deleted.
    """

    at: dt.datetime
    job: str = ""
    found: tuple[int, ...] = ()


def kept_of(journal: Journal) -> Kept | None:
    """What is kept; None if nothing is, or nothing any more."""
    return msgspec.json.decode(journal.saved, type=Kept) if journal.saved else None


async def keep(journal: Journal, kept: Kept | None) -> None:
    """Replaces what is kept; None lets the next try begin anew."""
    await journal.save(b"" if kept is None else msgspec.json.encode(kept))
