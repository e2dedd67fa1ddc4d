"""What the records of a window have achieved so far, kept sealed between the steps of a flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from formlane.domain.flows import LookupSource
from formlane.domain.lanes import Lease, Position
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Rejected, Skipped, Uncertain
from formlane.domain.sealing import Opener, Sealer, SealKind
from formlane.errors import SealBroken

Found: TypeAlias = Mapping[LookupSource, Mapping[str, str | None]]
"""What lookups gave: the id by value, None where nothing was found."""

NOTHING: Final = b""
"""Instead of results: nothing was achieved."""

_FIELD = "results"
_KINDS: Mapping[str, type[Outcome]] = {
    kind.__name__: kind for kind in (Delivered, Skipped, Rejected, Deferred, Blocked, Uncertain)
}


@dataclass(slots=True, kw_only=True)
class Achieved:
    """How far a record came: its next step, the remote ids of those before, and how it ended, if it did."""

    step: int
    remote: dict[str, str]
    outcome: Outcome | None = None


@dataclass(slots=True, kw_only=True)
class Results:
    """Of a window: what its records achieved, by place, and what its lookups gave (None: not asked yet)."""

    records: dict[Position, Achieved] = field(default_factory=dict)
    found: Found | None = None


class _Kept(msgspec.Struct, array_like=True):
    seq: int
    offset: int
    step: int
    remote: dict[str, str]
    kind: str = ""
    outcome: dict[str, object] = {}


class _Document(msgspec.Struct):
    records: list[_Kept]
    found: list[tuple[LookupSource, dict[str, str | None]]] | None = None


def sealed_results(
    lease: Lease, records: Iterable[tuple[Position, Achieved]], found: Found | None, sealer: Sealer
) -> bytes:
    """The results of a window as they are settled; `NOTHING` when there are none."""
    kept = [
        _Kept(
            seq=place.seq,
            offset=place.offset,
            step=one.step,
            remote=one.remote,
            kind="" if one.outcome is None else type(one.outcome).__name__,
            outcome={} if one.outcome is None else msgspec.to_builtins(one.outcome),
        )
        for place, one in records
    ]
    if not kept and not found:
        return NOTHING
    document = _Document(
        records=kept, found=None if found is None else [(key, dict(ids)) for key, ids in found.items()]
    )
    return sealer.seal(SealKind.WINDOW, lease.window, msgspec.json.encode(document), field=_FIELD)


def opened_results(lease: Lease, opener: Opener | None) -> Results:
    """What an earlier try of the window left. Raises `SealBroken`."""
    if not lease.results or opener is None:
        return Results()
    text = opener.open(SealKind.WINDOW, lease.window, lease.results, field=_FIELD)
    try:
        document = msgspec.json.decode(text, type=_Document)
        records = {
            Position(one.seq, one.offset): Achieved(step=one.step, remote=one.remote, outcome=_outcome(one))
            for one in document.records
        }
    except msgspec.DecodeError:
        raise SealBroken("The opened results of a window are not what this version writes.") from None
    return Results(records=records, found=None if document.found is None else dict(document.found))


def _outcome(one: _Kept) -> Outcome | None:
    return msgspec.convert(one.outcome, type=_KINDS[one.kind]) if one.kind else None
