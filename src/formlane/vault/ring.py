"""What is in memory of one tenant's keys, and how long it may stay there."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from typing import Final
from uuid import UUID

from formlane.domain.ids import ConnectionId, TenantId
from formlane.errors import SealBroken
from formlane.vault.envelope import BoundKey
from formlane.vault.lookup import LookupKey

CACHE_SECONDS: Final = 300.0
_DATA_KEYS_KEPT: Final = 64


class TenantRing:
    """The unwrapped keys of one tenant from `loaded_at` (monotonic seconds) for five minutes."""

    __slots__ = (
        "_data",
        "audited",
        "current",
        "day",
        "loaded_at",
        "lookups",
        "payload",
        "tenant",
        "wrapping",
    )

    def __init__(self, tenant: TenantId, *, wrapping: dict[UUID, BoundKey], current: UUID, loaded_at: float):
        self.tenant = tenant
        self.wrapping = wrapping
        self.current = current
        self.loaded_at = loaded_at
        self.day: dt.date | None = None
        self.payload: BoundKey | None = None
        self.lookups: dict[str, LookupKey] = {}
        self.audited: set[tuple[ConnectionId, str, int]] = set()
        self._data: OrderedDict[UUID, BoundKey] = OrderedDict()

    def data_key(self, id_: UUID) -> BoundKey | None:
        """The payload key of this id, if it is here."""
        key = self._data.get(id_)
        if key is not None:
            self._data.move_to_end(id_)
        return key

    def keep(self, key: BoundKey) -> None:
        """Keeps a payload key; the one unused for longest makes room."""
        self._data[key.id] = key
        if len(self._data) > _DATA_KEYS_KEPT:
            self._data.popitem(last=False)

    def current_key(self) -> BoundKey:
        """The newest tenant key, under which new keys are wrapped."""
        key = self.wrapping.get(self.current)
        if key is None:
            raise SealBroken(f"The tenant key {self.current} is gone.")
        return key

    def drop(self) -> None:
        """Forgets every key, also for those who still hold one."""
        for key in (*self.wrapping.values(), *self._data.values()):
            key.drop()
        if self.payload is not None:
            self.payload.drop()
        self.lookups.clear()
