"""Tenants and their keys."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

import pytest

from formlane.domain.secrets import KeyMode
from formlane.errors import Conflict, InvalidInput, NotAllowed, NotAuthenticated, NotFound
from formlane.services.keys import CACHE_SECONDS, TOUCH_SECONDS, ApiKeys
from formlane.services.ports.tenancy import KeyScope
from tests.integration.services.world import World

PUSH = frozenset({KeyScope.PUSH})


async def test_tenants_have_names_of_their_own(world: World) -> None:
    name = f"Tenant {uuid4().hex}"
    tenant = await world.tenants.create(f" {name} ")
    assert tenant.name == name
    assert tenant in await world.tenants.list()
    with pytest.raises(Conflict):
        await world.tenants.create(name)
    with pytest.raises(InvalidInput):
        await world.tenants.create("  ")


async def test_a_key_opens_its_tenant_with_its_scopes(world: World, alice: UUID) -> None:
    made = await world.keys.create(alice, "Website", scopes=PUSH, mode=KeyMode.TEST)
    token = made.token.reveal()
    caller = await world.keys.authenticate(token)
    assert token.startswith("fl_test_")
    assert (caller.tenant, caller.key, caller.scopes) == (alice, made.entry.id, PUSH)
    caller.require(KeyScope.PUSH)
    with pytest.raises(NotAllowed):
        caller.require(KeyScope.READ)
    [listed] = await world.keys.list(alice)
    assert listed.last_used_at is not None
    assert token not in repr(listed)


async def test_manage_includes_every_scope(world: World, alice: UUID) -> None:
    made = await world.keys.create(alice, "Admin", scopes=[KeyScope.MANAGE])
    caller = await world.keys.authenticate(made.token.reveal())
    for scope in KeyScope:
        caller.require(scope)


async def test_wrong_secrets_and_unknown_keys_are_told_alike(world: World, alice: UUID) -> None:
    one = await world.keys.create(alice, "One", scopes=PUSH)
    two = await world.keys.create(alice, "Two", scopes=PUSH)
    unknown = (await ApiKeys(store=world.store, clock=world.clock).create(alice, "Three", scopes=PUSH)).token
    mixed = one.token.reveal()[:18] + two.token.reveal()[18:]
    for token in (mixed, unknown.reveal()[:-1] + "x", "nonsense"):
        with pytest.raises(NotAuthenticated):
            await world.keys.authenticate(token)


async def test_a_revoked_key_ends_here_at_once_and_elsewhere_within_seconds(
    world: World, alice: UUID
) -> None:
    made = await world.keys.create(alice, "Website", scopes=PUSH)
    token = made.token.reveal()
    elsewhere = ApiKeys(store=world.store, clock=world.clock)
    await world.keys.authenticate(token)
    await elsewhere.authenticate(token)
    await world.keys.revoke(alice, made.entry.id)
    with pytest.raises(NotAuthenticated):
        await world.keys.authenticate(token)
    world.clock.ahead += CACHE_SECONDS
    with pytest.raises(NotAuthenticated):
        await elsewhere.authenticate(token)


async def test_an_expired_key_is_refused(world: World, alice: UUID) -> None:
    soon = world.clock.now() + dt.timedelta(seconds=60)
    made = await world.keys.create(alice, "Website", scopes=PUSH, expires_at=soon)
    await world.keys.authenticate(made.token.reveal())
    world.clock.ahead += 61
    with pytest.raises(NotAuthenticated):
        await world.keys.authenticate(made.token.reveal())


async def test_keys_of_others_cannot_be_revoked(world: World, alice: UUID, charlie: UUID) -> None:
    made = await world.keys.create(alice, "Website", scopes=PUSH)
    with pytest.raises(NotFound):
        await world.keys.revoke(charlie, made.entry.id)
    await world.keys.authenticate(made.token.reveal())


async def test_use_is_noted_at_most_once_a_minute(world: World, alice: UUID) -> None:
    made = await world.keys.create(alice, "Website", scopes=PUSH)
    touched: list[str] = []
    touch = world.store.touch_key

    async def counted(kid: str) -> None:
        touched.append(kid)
        await touch(kid)

    world.store.touch_key = counted  # type: ignore[method-assign]  # counts, and passes on
    for _ in range(3):
        await world.keys.authenticate(made.token.reveal())
    world.clock.ahead += TOUCH_SECONDS
    await world.keys.authenticate(made.token.reveal())
    assert touched == [made.entry.kid] * 2


@pytest.mark.parametrize(("name", "scopes"), [("", PUSH), ("x", frozenset())])
async def test_a_key_needs_a_name_and_a_scope(
    world: World, alice: UUID, name: str, scopes: frozenset[KeyScope]
) -> None:
    with pytest.raises(InvalidInput):
        await world.keys.create(alice, name, scopes=scopes)
