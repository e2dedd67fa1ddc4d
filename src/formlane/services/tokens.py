"""Access tokens shared by all processes: asked for once, committed before use, renewed ahead of their end.

One row per connection says what token there is and who renews it. Whoever finds it due takes a lease on
the row, asks the destination with no transaction open, commits what came, and only then hands it out; the
others wait and read. Nothing that was obtained is thrown away but for something newer.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID, uuid4

import msgspec

from formlane.destinations.base import Destination
from formlane.destinations.oauth import UnsharedTokens
from formlane.destinations.oauth_errors import SAME_AGAIN, unusable
from formlane.destinations.tokens import Obtain, Obtained, Token, is_refused, renewal_of
from formlane.domain.ids import TenantId
from formlane.domain.outcomes import Blocked, Deferred, Reason, Scope, Uncertain
from formlane.domain.sealing import Sealer, Sealing, SealKind
from formlane.domain.types import Json
from formlane.errors import NotFound, SealBroken, Unavailable
from formlane.ports import Clock
from formlane.services.ports.connections import Connection, StoredSecret
from formlane.services.ports.store import Store
from formlane.services.ports.tokens import KeptToken, SealedToken

LEASE_SECONDS: Final = 30.0
"""How long one process may renew before another takes over: the time limit of a token request, and half."""

PATIENCE_SECONDS: Final = 45.0
"""How long to wait for another process: its lease, and the time to do it ourselves."""

FIRST_LOOK, LONGEST_LOOK = 0.05, 1.0
"""Seconds between two looks at what another process achieved; doubling, with jitter."""

COMMIT_TRIES: Final = 10
"""Once a second, while the store is away: a new refresh token must not be lost."""

KEEPERS_KEPT: Final = 1000

_CHANGED: Final = Deferred(
    scope=Scope.LANE,
    reason=Reason.UNAVAILABLE,
    message="The connection was just changed; it goes on with what it is now.",
    retry_after=dt.timedelta(seconds=3),
)
_BUSY: Final = Deferred(
    scope=Scope.LANE, reason=Reason.UNAVAILABLE, message="The access token is being renewed. Tried again."
)
_AWAY: Final = Deferred(
    scope=Scope.LANE, reason=Reason.UNAVAILABLE, message="The store of access tokens is away. Tried again."
)

Plain: TypeAlias = str | int | float | bool | None
Outcome: TypeAlias = Token | Blocked | Deferred | Uncertain


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sealed of a token."""

    access: str
    refresh: str | None = None
    extra: Mapping[str, Plain] = {}


class _Trouble(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why the last try gave no token, under which revision."""

    revision: int
    blocked: Blocked | None = None
    deferred: Deferred | None = None
    uncertain: Uncertain | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose token it is. `revision` 0: settings that are not saved, whose token nobody else may use.

    `secret_version`: of the secret that holds the first refresh token.
    """

    tenant: UUID
    connection: UUID
    revision: int
    secret_version: int


class TokenKeepers:
    """The keepers of one process, one per connection and revision."""

    def __init__(
        self,
        *,
        store: Store,
        sealing: Sealing,
        clock: Clock,
        destinations: Sequence[Destination],
        time_scale: float = 1.0,
        reach: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.store = store
        self.sealing = sealing
        self.clock = clock
        self.reach = reach
        self.lease = dt.timedelta(seconds=LEASE_SECONDS * time_scale)
        self.patience = PATIENCE_SECONDS * time_scale
        self._secrets = {one.kind: one.consent.secret for one in destinations if one.consent}
        self._keepers: OrderedDict[UUID, SharedTokens] = OrderedDict()
        self.asking: set[asyncio.Task[Outcome]] = set()

    def shared(self, tenant: UUID, connection: Connection, secrets: Sequence[StoredSecret]) -> SharedTokens:
        """The keeper of a saved connection; the same one until it is changed."""
        origin = Origin(
            tenant=tenant,
            connection=connection.id,
            revision=connection.revision,
            secret_version=self.secret_version(connection.kind, secrets),
        )
        keeper = self._keepers.get(connection.id)
        if keeper is None or keeper.origin != origin:
            keeper = self._keepers[connection.id] = SharedTokens(self, origin)
        self._keepers.move_to_end(connection.id)
        if len(self._keepers) > KEEPERS_KEPT:
            self._keepers.popitem(last=False)
        return keeper

    def trying(
        self,
        tenant: UUID,
        connection: Connection,
        kept: Sequence[StoredSecret],
        entered: Mapping[str, object],
    ) -> SharedTokens | UnsharedTokens:
        """The keeper to try a change of a connection with.

        While its refresh token stays the same, that one is shared: using it up alone would end it for all.
        """
        secret = self.refresh_secret(connection.kind)
        if secret is None or secret in entered or secret not in {one.name for one in kept}:
            return self.unshared()
        version = self.secret_version(connection.kind, kept)
        return SharedTokens(
            self, Origin(tenant=tenant, connection=connection.id, revision=0, secret_version=version)
        )

    def unshared(self) -> UnsharedTokens:
        """A keeper for a connection that is not saved yet."""
        return UnsharedTokens(self.clock)

    async def close(self) -> None:
        """Waits, for a limited time, for questions under way: they may bring a new refresh token."""
        if self.asking:
            await asyncio.wait(self.asking, timeout=self.patience)

    def refresh_secret(self, kind: str) -> str | None:
        """The name of the secret that holds the refresh token of a kind, if it has one."""
        return self._secrets.get(kind)

    def secret_version(self, kind: str, secrets: Sequence[StoredSecret]) -> int:
        """The version of that secret; 0 without one."""
        name = self.refresh_secret(kind)
        return next((one.version for one in secrets if one.name == name), 0)


class SharedTokens:
    """Implements `TokenKeeper` for one connection across processes. Made by `TokenKeepers`."""

    def __init__(self, keepers: TokenKeepers, origin: Origin) -> None:
        self.origin = origin
        self._keepers = keepers
        self._clock = keepers.clock
        self._token: Token | None = None
        self._renew_at: dt.datetime | None = None
        self._asking: asyncio.Task[Outcome] | None = None

    async def get(self, obtain: Obtain, *, refused: Token | None = None) -> Outcome:
        """See `TokenKeeper.get`. Callers of one process share one question.

        It outlives their being cancelled, as a new refresh token may be on its way.
        """
        while True:
            kept = self._token
            if kept is not None and not is_refused(kept, refused) and self._is_fresh(self._renew_at):
                return kept
            joins = self._asking is not None
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask(obtain, refused))
                self._asking.add_done_callback(self._asked)
                self._keepers.asking.add(self._asking)
            found = await asyncio.shield(self._asking)
            if not (joins and isinstance(found, Token) and is_refused(found, refused)):
                return found

    def _asked(self, task: asyncio.Task[Outcome]) -> None:
        self._asking = None
        self._keepers.asking.discard(task)
        if not task.cancelled():
            task.exception()

    async def _ask(self, obtain: Obtain, refused: Token | None) -> Outcome:
        try:
            return await self._wait_or_renew(obtain, refused)
        except Unavailable:
            return _AWAY
        except NotFound:
            return _CHANGED

    async def _wait_or_renew(self, obtain: Obtain, refused: Token | None) -> Outcome:
        started = self._clock.monotonic()
        pause = FIRST_LOOK
        while True:
            kept = await self._read()
            waited = self._clock.monotonic() - started
            if kept is not None and (found := await self._found(kept, refused, waited)) is not None:
                return found
            if (kept is None or not kept.busy) and (found := await self._renew(obtain, refused)) is not None:
                return found
            if waited > self._keepers.patience:
                return _BUSY
            await self._clock.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads out who waits
            pause = min(2 * pause, LONGEST_LOOK)

    async def _found(self, kept: KeptToken, refused: Token | None, waited: float) -> Outcome | None:
        """What the row answers by itself: its token, or what became of a try that we waited for."""
        mine = self.origin
        if kept.token.secret_version > mine.secret_version or 0 < mine.revision < kept.token.revision:
            return _CHANGED
        if mine.revision and kept.token.revision == mine.revision and self._is_fresh(kept.token.renew_at):
            content = await self._open(kept.token)
            if content is not None:
                token = Token(access=content.access, expires_at=kept.token.expires_at, extra=content.extra)
                if not is_refused(token, refused):
                    self._token, self._renew_at = token, kept.token.renew_at
                    return token
        if kept.trouble is not None and kept.tried_ago is not None and kept.tried_ago <= waited:
            trouble = msgspec.convert(kept.trouble, _Trouble)
            if mine.revision and trouble.revision == mine.revision:
                return trouble.blocked or trouble.deferred or trouble.uncertain
        return None

    async def _renew(self, obtain: Obtain, refused: Token | None) -> Outcome | None:
        """A new token, committed; None when another process was faster."""
        holder = uuid4()
        async with self._keepers.store.tenant(self.origin.tenant) as unit:
            kept = await unit.tokens.lease(self.origin.connection, holder, self._keepers.lease)
        if kept is None:
            return None
        trouble: Blocked | Deferred | Uncertain | None = None
        got = False
        try:
            if (found := await self._found(kept, refused, waited=-1)) is not None:
                return found
            # Whatever may fail comes before the destination is asked.
            sealer = await self._keepers.sealing.sealer(TenantId(self.origin.tenant))
            refresh = await self._refresh_token(kept.token)
            obtained = await obtain(refresh)
            if isinstance(obtained, Obtained):
                got = True
                return await self._keep(kept, obtained, refresh, sealer, refused)
            trouble = obtained
        finally:
            if not got:
                async with self._keepers.store.tenant(self.origin.tenant) as unit:
                    await unit.tokens.give_up(self.origin.connection, holder, self._told(trouble))
        now = await self._read()
        return trouble if now is None or now.sequence == kept.sequence else None

    async def _keep(
        self,
        kept: KeptToken,
        obtained: Obtained,
        refresh: str | None,
        sealer: Sealer,
        refused: Token | None,
    ) -> Outcome | None:
        self._keepers.reach("token_obtained")
        sealed = sealed_token(
            self.origin, obtained, sealer, refresh=obtained.refresh or refresh, now=self._clock.now()
        )
        if not await self._commit(sealed, kept.sequence):
            return None
        self._keepers.reach("token_kept")
        if is_refused(obtained.token, refused):
            return unusable(SAME_AGAIN)
        self._token, self._renew_at = obtained.token, sealed.renew_at
        return obtained.token

    async def _commit(self, sealed: SealedToken, sequence: int) -> bool:
        for _ in range(COMMIT_TRIES - 1):
            try:
                return await self._write(sealed, sequence)
            except Unavailable:
                await self._clock.sleep(1.0)
        return await self._write(sealed, sequence)

    async def _write(self, sealed: SealedToken, sequence: int) -> bool:
        async with self._keepers.store.tenant(self.origin.tenant) as unit:
            return await unit.tokens.keep(self.origin.connection, sealed, sequence=sequence)

    async def _read(self) -> KeptToken | None:
        async with self._keepers.store.tenant(self.origin.tenant) as unit:
            return await unit.tokens.get(self.origin.connection)

    async def _refresh_token(self, token: SealedToken) -> str | None:
        """The refresh token that replaced the connection's own, unless a person entered another since."""
        if token.secret_version != self.origin.secret_version:
            return None
        content = await self._open(token)
        return None if content is None else content.refresh

    async def _open(self, token: SealedToken) -> Content | None:
        if token.sealed is None:
            return None
        try:
            plain = await self._keepers.sealing.open(
                TenantId(self.origin.tenant),
                SealKind.TOKEN,
                self.origin.connection,
                token.sealed,
                version=token.revision,
            )
        except SealBroken:
            return None
        return msgspec.json.decode(plain, type=Content)

    def _told(self, trouble: Blocked | Deferred | Uncertain | None) -> Mapping[str, Json] | None:
        if trouble is None:
            return None
        told = _Trouble(
            revision=self.origin.revision,
            blocked=trouble if isinstance(trouble, Blocked) else None,
            deferred=trouble if isinstance(trouble, Deferred) else None,
            uncertain=trouble if isinstance(trouble, Uncertain) else None,
        )
        plain: Mapping[str, Json] = msgspec.to_builtins(told)
        return plain

    def _is_fresh(self, renew_at: dt.datetime | None) -> bool:
        return renew_at is None or self._clock.now() < renew_at


def sealed_token(
    origin: Origin, obtained: Obtained, sealer: Sealer, *, refresh: str | None, now: dt.datetime
) -> SealedToken:
    """A token as it is kept, with the refresh token that is in force with it."""
    token = obtained.token
    plain = {name: value for name, value in token.extra.items() if isinstance(value, Plain)}
    content = Content(access=token.access, refresh=refresh, extra=plain)
    return SealedToken(
        secret_version=origin.secret_version,
        revision=origin.revision,
        sealed=sealer.seal(
            SealKind.TOKEN, origin.connection, msgspec.json.encode(content), version=origin.revision
        ),
        expires_at=token.expires_at,
        renew_at=renewal_of(token, now),
    )
