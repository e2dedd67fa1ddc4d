"""Fetches, makes and caches keys: master key → tenant key → payload and lookup keys.

At most 1,000 tenants are in memory, each for at most five minutes. While a key service is away,
cached tenants go on and the others raise Unavailable. Creation never races: the store lets one row
win, and everybody uses that one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections import OrderedDict
from typing import Final, Protocol
from uuid import UUID
from weakref import WeakValueDictionary

from formlane.domain.ids import TenantId, new_id
from formlane.domain.sealing import DataKey, KeyStore, SealKind, TenantKey
from formlane.errors import SealBroken
from formlane.vault.envelope import BoundKey, key_gone, key_id_of
from formlane.vault.keyservice import KeyService
from formlane.vault.lookup import LookupKey
from formlane.vault.ring import CACHE_SECONDS, TenantRing

TENANTS_KEPT: Final = 1000
SEALS_PER_KEY: Final = 2**28
KEY_BYTES: Final = 32


class Clock(Protocol):
    """The time: aware UTC for names of days, monotonic seconds for the age of the cache."""

    def now(self) -> dt.datetime:
        """The wall clock."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back."""
        ...


class Keyring:
    """The keys of all tenants, for one process."""

    def __init__(
        self,
        *,
        keys: KeyService,
        store: KeyStore,
        clock: Clock,
        environment: str,
        cell: int,
        seals_per_key: int = SEALS_PER_KEY,
    ) -> None:
        self.store = store
        self.clock = clock
        self._keys = keys
        self._environment = environment
        self._cell = cell
        self._seals_per_key = seals_per_key
        self._rings: OrderedDict[TenantId, TenantRing] = OrderedDict()
        self._locks: WeakValueDictionary[TenantId, asyncio.Lock] = WeakValueDictionary()
        self._spent: dict[UUID, int] = {}
        self._spent_on = dt.date.min

    async def ring(self, tenant: TenantId) -> TenantRing:
        """The tenant's keys; makes a first tenant key. Raises SealBroken once they were shredded."""
        ring = self._fresh(tenant)
        if ring is not None:
            return ring
        async with self.lock(tenant):
            return self._fresh(tenant) or await self._load(tenant)

    async def reload(self, tenant: TenantId) -> TenantRing:
        """The tenant's keys as the store has them now."""
        async with self.lock(tenant):
            return await self._load(tenant)

    async def payload_key(self, tenant: TenantId) -> BoundKey:
        """The key under which payloads are sealed today."""
        today = self.clock.now().date()
        ring = self._fresh(tenant)
        if ring is None or not self._serves(ring, today):
            ring = await self.ring(tenant)
            async with self.lock(tenant):
                if not self._serves(ring, today):
                    self._let_go(ring)
                    ring.payload = await self._in_series(ring, SealKind.PAYLOAD_KEY, f"payload {today}")
                    ring.day = today
                    ring.keep(ring.payload)
        if ring.payload is None:
            raise SealBroken(key_gone(tenant))
        return ring.payload

    async def data_key(self, tenant: TenantId, id_: UUID) -> BoundKey:
        """The payload key of this id; raises SealBroken if this tenant has none such."""
        ring = await self.ring(tenant)
        key = ring.data_key(id_)
        if key is None:
            row = await self.store.data_key(tenant, id_)
            if row is None:
                raise SealBroken(
                    f"Sealed under key {id_}, which this tenant does not have: moved, or its key is gone."
                )
            key = await self._bound(ring, row)
            ring.keep(key)
        return key

    async def lookup_key(self, tenant: TenantId, purpose: str) -> LookupKey:
        """The tenant's lookup key for this purpose; the same for ever."""
        ring = await self.ring(tenant)
        found = ring.lookups.get(purpose)
        if found is None:
            raw = await self._raw_in_series(ring, SealKind.LOOKUP_KEY, "lookup")
            found = ring.lookups[purpose] = LookupKey(raw[1], purpose)
        return found

    async def wrapping_key(self, ring: TenantRing, id_: UUID) -> BoundKey:
        """The tenant key of this id, looked up anew if another process made it meanwhile."""
        if id_ not in ring.wrapping:
            rows = await self._tenant_keys(ring.tenant)
            ring.wrapping = {row.id: await self._unwrapped(row) for row in rows}
            ring.current = rows[-1].id
        key = ring.wrapping.get(id_)
        if key is None:
            raise SealBroken(f"Wrapped under tenant key {id_}, which this tenant does not have.")
        return key

    async def add_tenant_key(self, tenant: TenantId, version: int) -> TenantKey:
        """Makes this version of the tenant key, or takes the one that another process just made."""
        id_ = new_id(self._cell)
        context = self._context(tenant, id_, version)
        wrapped = await self._keys.wrap(secrets.token_bytes(KEY_BYTES), context)
        now = self.clock.now()
        key = TenantKey(id=id_, tenant=tenant, version=version, wrapped=wrapped, created_at=now)
        return await self.store.add_tenant_key(key)

    async def rewrapped(self, row: TenantKey) -> bytes | None:
        """A tenant key wrapped anew by the master key in use; None once shredded."""
        if row.wrapped is None:
            return None
        context = self._context(row.tenant, row.id, row.version)
        return await self._keys.wrap(await self._keys.unwrap(row.wrapped, context), context)

    def bound(self, key: bytes, id_: UUID, tenant: TenantId) -> BoundKey:
        """A raw key ready for use, bound to environment, tenant and id."""
        return BoundKey(key, id_=id_, environment=self._environment, tenant=tenant)

    def new_key(self, tenant: TenantId) -> tuple[bytes, BoundKey]:
        """A fresh key, raw and ready for use."""
        raw = secrets.token_bytes(KEY_BYTES)
        return raw, self.bound(raw, new_id(self._cell), tenant)

    def purge(self, tenant: TenantId) -> None:
        """Forgets a tenant's keys at once, also for those who hold a sealer."""
        ring = self._rings.pop(tenant, None)
        if ring is not None:
            ring.drop()

    def sweep(self) -> None:
        """Lets go of keys older than five minutes. Runs at every load; call it each minute besides."""
        oldest = self.clock.monotonic() - CACHE_SECONDS
        for tenant in [tenant for tenant, ring in self._rings.items() if ring.loaded_at <= oldest]:
            self._let_go(self._rings.pop(tenant))

    def tenants_in_memory(self) -> tuple[TenantId, ...]:
        """Whose keys are held, the one unused for longest first."""
        return tuple(self._rings)

    def lock(self, tenant: TenantId) -> asyncio.Lock:
        """One at a time may load or change a tenant's keys in this process."""
        lock = self._locks.get(tenant)
        if lock is None:
            lock = self._locks[tenant] = asyncio.Lock()
        return lock

    def _fresh(self, tenant: TenantId) -> TenantRing | None:
        ring = self._rings.get(tenant)
        if ring is None or self.clock.monotonic() - ring.loaded_at >= CACHE_SECONDS:
            return None
        self._rings.move_to_end(tenant)
        return ring

    def _serves(self, ring: TenantRing, today: dt.date) -> bool:
        return ring.payload is not None and ring.day == today and ring.payload.seals < self._seals_per_key

    async def _load(self, tenant: TenantId) -> TenantRing:
        loaded_at = self.clock.monotonic()
        rows = await self._tenant_keys(tenant)
        wrapping = {row.id: await self._unwrapped(row) for row in rows}
        ring = TenantRing(tenant, wrapping=wrapping, current=rows[-1].id, loaded_at=loaded_at)
        self.sweep()
        before = self._rings.pop(tenant, None)
        if before is not None:
            self._let_go(before)
        self._rings[tenant] = ring
        if len(self._rings) > TENANTS_KEPT:
            self._let_go(self._rings.popitem(last=False)[1])
        return ring

    async def _tenant_keys(self, tenant: TenantId) -> list[TenantKey]:
        rows = list(await self.store.tenant_keys(tenant))
        return rows or [await self.add_tenant_key(tenant, 1)]

    async def _unwrapped(self, row: TenantKey) -> BoundKey:
        if row.wrapped is None:
            raise SealBroken(key_gone(row.tenant))
        raw = await self._keys.unwrap(row.wrapped, self._context(row.tenant, row.id, row.version))
        return self.bound(raw, row.id, row.tenant)

    async def _in_series(self, ring: TenantRing, kind: SealKind, series: str) -> BoundKey:
        row, raw = await self._raw_in_series(ring, kind, series)
        key = self.bound(raw, row.id, ring.tenant)
        key.seals = self._spent.get(row.id, 0)
        return key

    async def _raw_in_series(self, ring: TenantRing, kind: SealKind, series: str) -> tuple[DataKey, bytes]:
        """The newest key of a series that this process has not used up, made if there is none."""
        row = await self.store.latest_data_key(ring.tenant, series)
        if row is None or self._spent.get(row.id, 0) >= self._seals_per_key:
            number = 0 if row is None else row.number + 1
            row = await self.store.add_data_key(self._new_data_key(ring, kind, series, number))
        return row, await self._raw(ring, row)

    def _new_data_key(self, ring: TenantRing, kind: SealKind, series: str, number: int) -> DataKey:
        id_, wrapping = new_id(self._cell), ring.current_key()
        return DataKey(
            id=id_,
            tenant=ring.tenant,
            kind=kind,
            series=series,
            number=number,
            tenant_key=wrapping.id,
            wrapped=wrapping.seal(kind, id_, secrets.token_bytes(KEY_BYTES)),
        )

    async def _bound(self, ring: TenantRing, row: DataKey) -> BoundKey:
        return self.bound(await self._raw(ring, row), row.id, ring.tenant)

    async def _raw(self, ring: TenantRing, row: DataKey) -> bytes:
        wrapping = await self.wrapping_key(ring, key_id_of(row.wrapped))
        return wrapping.open(row.kind, row.id, row.wrapped)

    def _let_go(self, ring: TenantRing) -> None:
        """Remembers how often a key was used beyond its stay in memory, until the day is over."""
        if ring.payload is None or ring.day is None or ring.day < self._spent_on:
            return
        if ring.day > self._spent_on:
            self._spent_on = ring.day
            self._spent.clear()
        self._spent[ring.payload.id] = ring.payload.seals

    def _context(self, tenant: TenantId, id_: UUID, version: int) -> dict[str, str]:
        return {
            "application": "formlane",
            "environment": self._environment,
            "tenant": str(tenant),
            "tenant_key": str(id_),
            "version": str(version),
        }
