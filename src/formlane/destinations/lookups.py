"""Lookups: questions for the identities of objects at a destination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from formlane.destinations.base import Exchange
from formlane.domain.outcomes import Blocked, Deferred, Uncertain


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A question for the identities of objects: those whose `field` has one of these values."""

    object: str
    field: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupAnswer:
    """Remote ids by value, in the destination's own order; values that nothing has are left out.

    With `trouble` nothing is known.
    """

    found: Mapping[str, Sequence[str]] = field(default_factory=dict)
    trouble: Deferred | Blocked | Uncertain | None = None
    exchange: Exchange = field(default_factory=Exchange)
