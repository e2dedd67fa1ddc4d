"""API keys: shown once, looked up by their name part, proved by their secret."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.ids import new_id
from formlane.domain.secrets import (
    KeyMode,
    Secret,
    new_api_key,
    parse_api_key,
    secret_hash,
    secret_matches,
)
from formlane.errors import InvalidInput, NotAllowed, NotAuthenticated, NotFound, Problem
from formlane.ports import Clock
from formlane.services.ports.store import Store
from formlane.services.ports.tenancy import ApiKeyEntry, KeyScope, KnownKey

CACHE_SECONDS = 5.0
"""How long a revoked key may still work in a process that just saw it."""

TOUCH_SECONDS = 60.0
KEYS_KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the tenant of a key, and what the key may do."""

    tenant: UUID
    key: UUID
    scopes: frozenset[KeyScope]

    def require(self, scope: KeyScope) -> None:
        """Raises `NotAllowed` without this scope; `manage` includes the others."""
        if scope not in self.scopes and KeyScope.MANAGE not in self.scopes:
            raise NotAllowed(f"This API key lacks the scope {scope.value!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key just made. `token` is the whole key, to be shown this once."""

    entry: ApiKeyEntry
    token: Secret


class ApiKeys:
    """Use cases around API keys."""

    def __init__(self, *, store: Store, clock: Clock, cell: int = 0) -> None:
        self._store = store
        self._clock = clock
        self._cell = cell
        self._known: OrderedDict[str, tuple[float, KnownKey]] = OrderedDict()
        self._touched: OrderedDict[str, float] = OrderedDict()

    async def create(
        self,
        tenant: UUID,
        name: str,
        *,
        scopes: Iterable[KeyScope],
        mode: KeyMode = KeyMode.LIVE,
        expires_at: dt.datetime | None = None,
    ) -> NewKey:
        """A new key. Its secret is not kept and cannot be shown again."""
        granted = frozenset(scopes)
        if not name.strip() or not granted:
            fault = Problem(
                "/scopes" if name.strip() else "/name", "required", "Name and scopes are required."
            )
            raise InvalidInput("The key cannot be created.", [fault])
        made = new_api_key(mode, self._cell)
        async with self._store.tenant(tenant) as unit:
            entry = ApiKeyEntry(
                id=new_id(self._cell),
                name=name.strip(),
                kid=made.name,
                scopes=granted,
                created_at=await unit.now(),
                expires_at=expires_at,
            )
            await unit.keys.add(entry, secret_hash(made.secret))
        return NewKey(entry=entry, token=made.text())

    async def list(self, tenant: UUID) -> Sequence[ApiKeyEntry]:
        """Newest first, also the revoked ones."""
        async with self._store.tenant(tenant) as unit:
            return await unit.keys.all()

    async def revoke(self, tenant: UUID, key: UUID) -> None:
        """Ends a key: here at once, in other processes within five seconds. Raises `NotFound`."""
        async with self._store.tenant(tenant) as unit:
            if not await unit.keys.revoke(key):
                raise NotFound("There is no such API key, or it was revoked before.")
        for kid in [kid for kid, (_, known) in self._known.items() if known.id == key]:
            del self._known[kid]

    async def authenticate(self, token: str) -> Caller:
        """Who presents this key. Raises `NotAuthenticated`, with the same text whatever is wrong with it."""
        presented = parse_api_key(token)
        known = await self._find(presented.name)
        if known is None or not secret_matches(presented.secret, known.secret_hash):
            raise NotAuthenticated("The API key is unknown, expired or revoked.")
        if known.revoked_at is not None or (known.expires_at and known.expires_at <= self._clock.now()):
            raise NotAuthenticated("The API key is unknown, expired or revoked.")
        await self._touch(presented.name)
        return Caller(tenant=known.tenant, key=known.id, scopes=known.scopes)

    async def _find(self, kid: str) -> KnownKey | None:
        kept = self._known.get(kid)
        now = self._clock.monotonic()
        if kept is not None and now - kept[0] < CACHE_SECONDS:
            return kept[1]
        known = await self._store.find_key(kid)
        self._known.pop(kid, None)
        if known is not None:
            self._known[kid] = (now, known)
            if len(self._known) > KEYS_KEPT:
                self._known.popitem(last=False)
        return known

    async def _touch(self, kid: str) -> None:
        now = self._clock.monotonic()
        if now - self._touched.get(kid, -TOUCH_SECONDS) < TOUCH_SECONDS:
            return
        self._touched[kid] = now
        self._touched.move_to_end(kid)
        if len(self._touched) > KEYS_KEPT:
            self._touched.popitem(last=False)
        await self._store.touch_key(kid)
