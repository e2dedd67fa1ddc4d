"""Duties: what the scheduler does for all tenants, each by one process at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from formlane.engines.base import Engine
from formlane.ports import Doorbell
from formlane.services.accounts import Accounts
from formlane.services.connections import Connections
from formlane.services.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """`run` does one bounded round and says in a few words what it did. `every`: the least time between."""

    name: str
    every: dt.timedelta
    run: Callable[[], Awaitable[str]]


class Duties:
    """The duties with their leases. `tick` once a second is enough."""

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        accounts: Accounts,
        connections: Connections,
        doorbell: Doorbell,
        holder: str,
        time_scale: float = 1.0,
    ) -> None:
        raise NotImplementedError

    def all(self) -> Sequence[Duty]:
        """In the order they are run."""
        raise NotImplementedError

    async def tick(self) -> dict[str, str]:
        """Runs every duty that is due and that nobody else holds; what each did, by name.

        A duty that fails is logged by the caller through `failed` in the answer and tried again next time.
        """
        raise NotImplementedError
