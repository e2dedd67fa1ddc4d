"""Switches for the controls: the database's own functions, patched so that a promise is no longer kept.

Never a setting of the product. Each patch must find its text, or the control proves nothing and fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tests.chaos.installation import Connection
from tests.chaos.processes import CampaignFailure


@dataclass(frozen=True, slots=True)
class Patch:
    """In the function of this name, what matches `old` becomes `new`; it must match `times` times."""

    function: str
    old: str
    new: str
    times: int = 1


CONTROLS: Final[dict[str, tuple[Patch, ...]]] = {
    # The token is not compared: a worker that lost its lease goes on as if it still had it.
    "fence": (
        Patch("settle", r"AND s\.token = l\.lease_token", ""),
        Patch("renew", r"AND l\.lease_token = t\.token", "", times=2),
        Patch("journal_save", r"AND l\.lease_token = token", ""),
        Patch("journal_seal", r"AND l\.lease_token = token", ""),
        Patch("mark_sending", r"AND l\.lease_token = token", ""),
    ),
    # An open window is not kept: each lease sends from the head to whatever has come meanwhile.
    "window": (
        Patch("lease", r"CASE WHEN l\.window_id IS NULL THEN p\.to_seq ELSE l\.window_to END", "p.to_seq"),
        Patch(
            "lease",
            r"CASE WHEN l\.window_id IS NULL THEN p\.to_offset ELSE l\.window_to_offset END",
            "p.to_offset",
        ),
        Patch("lease", r"ON q\.window_id IS NULL AND q\.queue < 2", "ON q.queue < 2"),
    ),
}


async def switch_off(connection: Connection, promise: str) -> None:
    """Patches the functions that keep this promise."""
    for patch in CONTROLS[promise]:
        source = await connection.fetchval(
            "SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE n.nspname = 'formlane' AND p.proname = $1",
            patch.function,
        )
        patched, times = re.subn(patch.old, patch.new, source)
        if times != patch.times:
            raise CampaignFailure(
                f"The control {promise!r} found its text {times} times in formlane.{patch.function}, expected"
                f" {patch.times}: adjust tests/chaos/controls.py to the function as it is now."
            )
        await connection.execute(patched)
