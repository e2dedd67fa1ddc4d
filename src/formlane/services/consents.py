"""Consents: a person lets us act for an account, in a browser; again at any time, without touching flows."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from oauthlib.oauth2 import WebApplicationClient
from yarl import URL

from formlane.destinations.base import Equipment
from formlane.destinations.egress import AddressRefused
from formlane.destinations.oauth import AuthorizationCode, OAuth
from formlane.destinations.tokens import Consent, Obtained
from formlane.domain.ids import TenantId
from formlane.domain.outcomes import Deferred
from formlane.domain.sealing import Sealing, SealKind
from formlane.engines.base import Account
from formlane.errors import Conflict, InvalidInput, NotFound, Problem, Unavailable
from formlane.ports import Clock
from formlane.services.accounts import Accounts
from formlane.services.connections import Connections, ConnectionView
from formlane.services.ports.connections import Connection
from formlane.services.ports.store import Store, Unit
from formlane.services.tokens import Origin, sealed_token

if TYPE_CHECKING:
    from formlane.destinations.egress import Guard
    from formlane.destinations.http import HttpClients

LIFETIME: Final = dt.timedelta(minutes=10)
"""How long a person may take (RFC 6749 4.1.2 recommends as much for the code itself)."""

VERIFIER_LENGTH: Final = 64
"""Characters of a PKCE verifier: 43 to 128 (RFC 7636 4.1)."""

CALLBACK: Final = "/oauth/callback"
"""Where a destination sends the browser back to; registered with our app there."""

_STATE: Final = re.compile(r"([0-9a-f]{32})\.[A-Za-z0-9_-]{43}")
_FIELD: Final = "consent"
_UNKNOWN: Final = "This way back is not known, or was used before. Start connecting the account again."
_LATE: Final = "It took longer than ten minutes. Start connecting the account again."
_NO_REFRESH: Final = (
    "The destination gave no lasting access. Let the app there have refresh tokens (offline access),"
    " then start again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentLink:
    """Where a person's browser is to go, by when."""

    authorize_url: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the browser came back with: a code, or the destination's error."""

    state: str
    code: str = ""
    error: str = ""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    verifier: str
    redirect_uri: str


class Consents:
    """Use cases around consents. `base_url` is our public address."""

    def __init__(
        self,
        *,
        store: Store,
        sealing: Sealing,
        clock: Clock,
        accounts: Accounts,
        connections: Connections,
        guard: Guard,
        http: HttpClients,
        base_url: str,
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._clock = clock
        self._accounts = accounts
        self._connections = connections
        self._guard = guard
        self._http = http
        self._redirect_uri = base_url + CALLBACK

    async def start(self, tenant: UUID, connection: UUID) -> ConsentLink:
        """A link to the destination's own page, good once and for ten minutes.

        Raises `NotFound`, `Conflict` for a connection that needs no consent, `InvalidInput` while its
        settings do not suffice.
        """
        self._accounts.forget(connection)
        account = await self._accounts.get(tenant, connection)
        consent = self._consent(account)
        address = consent.authorize_url(account.settings)
        if address is None:
            raise Conflict("The settings of this connection call for no consent.", "no_consent")
        client = WebApplicationClient(await _named(account, consent.client_id, required=True))
        verifier = client.create_code_verifier(VERIFIER_LENGTH)
        state = f"{tenant.hex}.{secrets.token_urlsafe(32)}"
        link = client.prepare_request_uri(
            str(self._checked(address).with_scheme("https")),
            redirect_uri=self._redirect_uri,
            scope=list(consent.scopes) or None,
            state=state,
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
            **consent.extra,
        )
        sealer = await self._sealing.sealer(TenantId(tenant))
        kept = msgspec.json.encode(_Kept(verifier=verifier, redirect_uri=self._redirect_uri))
        sealed = sealer.seal(SealKind.TOKEN, connection, kept, field=_FIELD)
        async with self._store.tenant(tenant) as unit:
            expires_at = await unit.consents.add(connection, _hash(state), sealed, LIFETIME)
        # The library writes links to https only; one that the guard lists may be another, in tests.
        scheme = URL(address).scheme
        return ConsentLink(
            authorize_url=str(URL(link, encoded=True).with_scheme(scheme)), expires_at=expires_at
        )

    async def finish(self, answered: Answered) -> ConnectionView:
        """Exchanges the code, and keeps what it gave; the connection goes on by itself.

        The state is used up whatever happens. Raises `NotFound` for one that is not known, `Conflict` for
        one that expired, `InvalidInput` when the destination or a person there refused, `Unavailable`.
        """
        tenant = _tenant_of(answered.state)
        async with self._store.tenant(tenant) as unit:
            pending = await unit.consents.take(_hash(answered.state))
        if pending is None:
            raise NotFound(_UNKNOWN)
        if not pending.in_time:
            raise Conflict(_LATE, "consent_expired")
        if answered.error or not answered.code:
            raise _refused(f"The destination said no ({answered.error[:60] or 'no code'}). Start again.")
        plain = await self._sealing.open(
            TenantId(tenant), SealKind.TOKEN, pending.connection, pending.sealed, field=_FIELD
        )
        self._accounts.forget(pending.connection)
        account = await self._accounts.get(tenant, pending.connection)
        consent = self._consent(account)
        obtained = await self._exchange(
            account, consent, answered.code, msgspec.json.decode(plain, type=_Kept)
        )
        return await self._keep(account, consent, obtained)

    async def _exchange(self, account: Account, consent: Consent, code: str, kept: _Kept) -> Obtained:
        grant = AuthorizationCode(
            token_url=consent.token_url(account.settings),
            client_id=await _named(account, consent.client_id, required=True),
            client_secret=await _named(account, consent.client_secret),
            code=code,
            redirect_uri=kept.redirect_uri,
            verifier=kept.verifier,
            style=consent.style,
        )
        equipment = Equipment(
            settings={},
            secrets={},
            account=f"{account.tenant.hex}/{account.connection.hex}/consent",
            guard=self._guard,
            http=self._http,
            clock=self._clock,
        )
        obtained = await OAuth(grant, equipment=equipment).obtain(None)
        if isinstance(obtained, Obtained):
            return obtained
        if isinstance(obtained, Deferred):
            raise Unavailable(f"{obtained.message} Start connecting the account again.")
        raise _refused(obtained.message)

    async def _keep(self, account: Account, consent: Consent, obtained: Obtained) -> ConnectionView:
        refresh = obtained.refresh
        if refresh is None:
            raise _refused(_NO_REFRESH)
        sealer = await self._sealing.sealer(TenantId(account.tenant))

        async def keep(unit: Unit, connection: Connection) -> None:
            origin = Origin(
                tenant=account.tenant,
                connection=connection.id,
                revision=connection.revision,
                secret_version=connection.secret_version,
            )
            token = sealed_token(origin, obtained, sealer, refresh=None, now=self._clock.now())
            await unit.tokens.replace(connection.id, token)

        return await self._connections.renew_secret(
            account.tenant, account.connection, consent.secret, refresh, keep
        )

    def _consent(self, account: Account) -> Consent:
        consent = self._connections.destination(account.kind).consent
        if consent is None:
            raise Conflict("This kind of destination needs no consent.", "no_consent")
        return consent

    def _checked(self, address: str) -> URL:
        try:
            return self._guard.check_url(address).url
        except AddressRefused:
            raise _refused("The address of the destination's consent page is not allowed.") from None


async def _named(account: Account, name: str, *, required: bool = False) -> str:
    """A setting or a secret of the account."""
    value = str(account.settings.get(name) or (await account.secrets()).get(name) or "")
    if required and not value:
        fault = Problem(f"/settings/{name}", "required", "The id of our app at the destination is required.")
        raise InvalidInput("The account cannot be connected yet.", [fault])
    return value


def _tenant_of(state: str) -> UUID:
    found = _STATE.fullmatch(state)
    if found is None:
        raise NotFound(_UNKNOWN)
    return UUID(found[1])


def _hash(state: str) -> bytes:
    return sha256(state.encode()).digest()


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, [Problem("/consent", "refused", message)])
