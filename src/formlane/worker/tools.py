"""What a lane is worked with, and what was fetched for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from formlane.destinations.base import Call, CallResult, Journal
from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.lanes import Lease, Settled, Settlement
from formlane.domain.retry import RetryPolicy
from formlane.domain.sealing import Opener, Sealer
from formlane.ports import Clock, Lanes
from formlane.services.recipes import Recipe
from formlane.worker.lookups import LookupCache
from formlane.worker.window import Sources


class Pusher(Protocol):
    """The worker's way to the engine; bounds every call by its deadline and never raises for trouble."""

    async def push(self, recipe: Recipe, call: Call, journal: Journal) -> CallResult:
        """Makes the call; `Uncertain` when the deadline passes."""
        ...

    async def find(self, recipe: Recipe, call: Call) -> CallResult:
        """Looks the call's records up."""
        ...

    async def look_up(self, recipe: Recipe, lookup: Lookup) -> LookupAnswer:
        """Finds objects at the destination for the mapping."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a lane is worked with.

    `settle` is that of the lanes, or shares its commits. `chance` gives numbers in [0, 1). `stopping`
    ends work between calls. `lookups` remembers what was found at destinations.
    """

    lanes: Lanes
    settle: Callable[[Sequence[Settlement]], Awaitable[list[Settled]]]
    pusher: Pusher
    recipe: Callable[[Lease], Awaitable[Recipe]]
    clock: Clock
    policy: RetryPolicy
    chance: Callable[[], float]
    stopping: Callable[[], bool]
    lookups: LookupCache
    cell: int = 0
    time_scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A leased window with what was fetched for it; `opener` opens what was kept of it.

    `began` is the worker's monotonic clock when it asked for the lease.
    """

    lease: Lease
    began: float
    sources: Sources
    sealer: Sealer
    opener: Opener | None = None
