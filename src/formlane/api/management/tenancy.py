"""Tenants, their API keys, and who I am."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from formlane.api.management.access import Anyone, Manager, Operator, Reader, Services
from formlane.api.management.identifiers import in_path
from formlane.api.management.models import Moment, Name, Page, Sent, Shown
from formlane.api.management.paging import Cursor, Limit, page_of_all
from formlane.domain.ids import to_text
from formlane.domain.secrets import KeyMode
from formlane.services.keys import NewKey
from formlane.services.ports.tenancy import ApiKeyEntry, KeyScope, Tenant

router = APIRouter(prefix="/v1", tags=["Tenants and keys"])


class TenantSent(Sent):
    """A tenant to be made."""

    name: Name


class TenantShown(Shown):
    """A unit of isolation."""

    id: str
    name: str
    created_at: AwareDatetime


class KeySent(Sent):
    """An API key to be made."""

    name: Name
    scopes: Annotated[list[KeyScope], Field(min_length=1, max_length=3)]
    mode: KeyMode = KeyMode.LIVE
    expires_at: Moment | None = None


class KeyShown(Shown):
    """An API key without its secret."""

    id: str
    name: str
    scopes: list[KeyScope]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None


class KeyMade(KeyShown):
    """A key just made; `token` is shown this once."""

    token: str


class Me(Shown):
    """Whom the presented key belongs to and what it may do."""

    tenant: str
    key: str
    scopes: list[KeyScope]


@router.get("/me")
async def me(caller: Anyone) -> Me:
    """The tenant and the scopes of the presented key."""
    return Me(
        tenant=to_text("tenant", caller.tenant), key=to_text("key", caller.key), scopes=sorted(caller.scopes)
    )


@router.post("/tenants", status_code=201)
async def create_tenant(sent: TenantSent, services: Services, _: Operator) -> TenantShown:
    """A new tenant. For the operator of the installation."""
    return _tenant(await services.tenants.create(sent.name))


@router.get("/tenants")
async def list_tenants(
    services: Services, _: Operator, limit: Limit = 50, cursor: Cursor = None
) -> Page[TenantShown]:
    """All tenants by name. For the operator of the installation."""
    found = await services.tenants.list()
    return page_of_all(found, cursor=cursor, limit=limit, place=lambda one: one.id.hex, show=_tenant)


@router.post("/tenants/{tenant}/api-keys", status_code=201)
async def create_first_key(tenant: str, sent: KeySent, services: Services, _: Operator) -> KeyMade:
    """A key for a tenant, so that it can make its own. For the operator of the installation."""
    made = await services.keys.create(
        in_path("tenant", tenant), sent.name, scopes=sent.scopes, mode=sent.mode, expires_at=sent.expires_at
    )
    return _made(made)


@router.post("/api-keys", status_code=201)
async def create_key(sent: KeySent, services: Services, caller: Manager) -> KeyMade:
    """A new key of the tenant. Its token is shown this once."""
    made = await services.keys.create(
        caller.tenant, sent.name, scopes=sent.scopes, mode=sent.mode, expires_at=sent.expires_at
    )
    return _made(made)


@router.get("/api-keys")
async def list_keys(
    services: Services, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[KeyShown]:
    """The tenant's keys, newest first, also the revoked ones."""
    found = await services.keys.list(caller.tenant)
    return page_of_all(found, cursor=cursor, limit=limit, place=lambda one: one.id.hex, show=_key)


@router.delete("/api-keys/{key}", status_code=204)
async def revoke_key(key: str, services: Services, caller: Manager) -> Response:
    """Ends a key, within five seconds everywhere."""
    await services.keys.revoke(caller.tenant, in_path("key", key))
    return Response(status_code=204)


def _tenant(tenant: Tenant) -> TenantShown:
    return TenantShown(id=to_text("tenant", tenant.id), name=tenant.name, created_at=tenant.created_at)


def _key(entry: ApiKeyEntry) -> KeyShown:
    return KeyShown(
        id=to_text("key", entry.id),
        name=entry.name,
        scopes=sorted(entry.scopes),
        created_at=entry.created_at,
        expires_at=entry.expires_at,
        revoked_at=entry.revoked_at,
        last_used_at=entry.last_used_at,
    )


def _made(made: NewKey) -> KeyMade:
    return KeyMade(**_key(made.entry).model_dump(), token=made.token.reveal())
