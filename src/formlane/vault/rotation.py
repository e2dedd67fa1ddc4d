"""New tenant keys, old ones retired, all of them destroyed. Online: traffic goes on meanwhile."""

from __future__ import annotations

import datetime as dt
from typing import Final

from formlane.domain.ids import TenantId, to_text
from formlane.domain.sealing import WrappedKey
from formlane.errors import Conflict
from formlane.vault.envelope import key_id_of
from formlane.vault.keyring import Keyring
from formlane.vault.ring import CACHE_SECONDS, TenantRing

_AT_A_TIME: Final = 500
_FRUITLESS_ROUNDS: Final = 5


class KeyRotation:
    """The life of a tenant's keys after they were made. Plaintext is never touched."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def rotate(self, tenant: TenantId) -> int:
        """Makes a new version of the tenant key and returns it; this process uses it at once,
        others within five minutes. What the old version wraps stays readable. Two who rotate at the same
        moment get the same version.
        """
        await self._keyring.reload(tenant)
        newest = (await self._keyring.store.tenant_keys(tenant))[-1]
        key = await self._keyring.add_tenant_key(tenant, newest.version + 1)
        await self._keyring.reload(tenant)
        return key.version

    async def rewrap(self, tenant: TenantId, *, at_most: int | None = None) -> int:
        """Re-wraps the tenant's data keys and secrets' keys under the newest tenant key; returns how
        many. May be stopped anywhere and called again: what is left is asked of the store. Raises
        Conflict if somebody else changes every wrap it reads, SealBroken at one that does not open.
        """
        ring = await self._keyring.reload(tenant)
        done = fruitless = 0
        while at_most is None or done < at_most:
            limit = _AT_A_TIME if at_most is None else min(_AT_A_TIME, at_most - done)
            stale = await self._keyring.store.wraps_not_under(tenant, ring.current, limit=limit)
            if not stale:
                break
            swaps = [(old, await self._rewrapped(ring, old)) for old in stale]
            swapped = await self._keyring.store.swap_wraps(tenant, swaps, tenant_key=ring.current)
            done += swapped
            fruitless = 0 if swapped else fruitless + 1
            if fruitless == _FRUITLESS_ROUNDS:
                raise Conflict(f"Keys of {to_text('tenant', tenant)} change while they are re-wrapped.")
        return done

    async def retire(self, tenant: TenantId) -> int:
        """Deletes the versions below the newest; returns how many. Raises Conflict while something
        is still wrapped by one of them, or another process may still wrap with it.
        """
        newest = (await self._keyring.store.tenant_keys(tenant))[-1]
        settled_at = newest.created_at + dt.timedelta(seconds=CACHE_SECONDS)
        if self._keyring.clock.now() < settled_at:
            raise Conflict(
                f"Older keys of {to_text('tenant', tenant)} may still be in use. "
                f"Try again after {settled_at:%H:%M:%S} UTC."
            )
        deleted = await self._keyring.store.delete_tenant_keys_below(tenant, newest.version)
        await self._keyring.reload(tenant)
        return deleted

    async def rewrap_by_master(self, tenant: TenantId) -> int:
        """Wraps the tenant's keys anew by the master key in use; returns how many."""
        done = 0
        for row in await self._keyring.store.tenant_keys(tenant):
            wrapped = await self._keyring.rewrapped(row)
            if wrapped is not None and await self._keyring.store.swap_tenant_wrap(row, wrapped=wrapped):
                done += 1
        return done

    async def shred(self, tenant: TenantId) -> int:
        """Destroys the tenant's keys, for ever; returns how many. All that was sealed under them is
        unreadable here at once, in other processes within five minutes, and in a backup when the
        last one that holds the wrapped keys is gone.
        """
        async with self._keyring.lock(tenant):
            count = await self._keyring.store.shred_tenant_keys(tenant)
            self._keyring.purge(tenant)
        return count

    async def _rewrapped(self, ring: TenantRing, old: WrappedKey) -> bytes:
        wrapping = await self._keyring.wrapping_key(ring, key_id_of(old.wrapped))
        raw = wrapping.open(old.kind, old.id, old.wrapped, field=old.field, version=old.version)
        return ring.current_key().seal(old.kind, old.id, raw, field=old.field, version=old.version)
