"""What a call remembers while it waits for the search to see what it has created."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec import Struct

from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Rejected, Skipped

Settled: TypeAlias = "Mapping[int, Outcome]"


class Progress(Struct, frozen=True, kw_only=True):
    """A call that has written: outcomes by kind and position, the keys it created, and when that was."""

    since: dt.datetime
    created: dict[int, str]
    delivered: dict[int, Delivered] = {}
    skipped: dict[int, Skipped] = {}
    rejected: dict[int, Rejected] = {}
    deferred: dict[int, Deferred] = {}
    blocked: dict[int, Blocked] = {}

    @classmethod
    def of(cls, outcomes: Settled, created: Mapping[int, str], since: dt.datetime) -> Progress:
        """What is to be remembered; none of the outcomes is uncertain."""
        return cls(
            since=since,
            created=dict(created),
            delivered={at: one for at, one in outcomes.items() if isinstance(one, Delivered)},
            skipped={at: one for at, one in outcomes.items() if isinstance(one, Skipped)},
            rejected={at: one for at, one in outcomes.items() if isinstance(one, Rejected)},
            deferred={at: one for at, one in outcomes.items() if isinstance(one, Deferred)},
            blocked={at: one for at, one in outcomes.items() if isinstance(one, Blocked)},
        )

    def outcomes(self) -> dict[int, Outcome]:
        """All of them by position."""
        return {**self.delivered, **self.skipped, **self.rejected, **self.deferred, **self.blocked}

    def saved(self) -> bytes:
        """For the journal."""
        return msgspec.json.encode(self)


def read_progress(saved: bytes) -> Progress:
    """What `Progress.saved` gave."""
    return msgspec.json.decode(saved, type=Progress)
