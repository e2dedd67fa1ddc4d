from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

import pytest

from formlane.domain.ids import BatchId, ConnectionId, MemberId, TenantId, cell_of, new_id
from formlane.domain.sealing import DataKey, Opener, Sealer, Sealing, SealKind, TenantKey
from formlane.domain.secrets import Secret
from formlane.errors import SealBroken, Unavailable
from formlane.memory.keys import MemoryKeys
from formlane.vault.envelope import key_id_of
from formlane.vault.keyring import TENANTS_KEPT
from formlane.vault.local import LocalKeys
from formlane.vault.ring import CACHE_SECONDS
from tests.unit.vault.factories import ALICE, CHARLIE, CONNECTION, Process

BATCH = BatchId(new_id(1))
PAYLOAD = SealKind.PAYLOAD


async def test_the_vault_is_what_the_services_ask_for() -> None:
    vault: Sealing = Process().vault
    sealer: Sealer = await vault.sealer(ALICE)
    sealed = sealer.seal(PAYLOAD, BATCH, b"x", version=4)
    opener: Opener = await vault.opener(ALICE, [sealed])
    assert opener.open(PAYLOAD, BATCH, sealed, version=4) == b"x"
    assert await vault.open(ALICE, PAYLOAD, BATCH, sealed, version=4) == b"x"


async def test_another_process_opens_what_one_sealed() -> None:
    one = Process()
    sealed = (await one.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"x")
    two = one.sibling()
    assert await two.vault.open(ALICE, PAYLOAD, BATCH, sealed) == b"x"
    assert (await two.vault.opener(ALICE, [sealed, sealed])).open(PAYLOAD, BATCH, sealed) == b"x"


async def test_a_blob_of_one_tenant_does_not_open_for_another() -> None:
    vault = Process().vault
    sealed = (await vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"x")
    await vault.sealer(CHARLIE)
    with pytest.raises(SealBroken, match="which this tenant does not have"):
        await vault.open(CHARLIE, PAYLOAD, BATCH, sealed)
    with pytest.raises(SealBroken, match="which this tenant does not have"):
        await vault.opener(CHARLIE, [sealed])


async def test_an_opener_refuses_what_it_was_not_made_for() -> None:
    process = Process(seals_per_key=1)
    one = (await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"x")
    two = (await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"y")
    opener = await process.vault.opener(ALICE, [one])
    with pytest.raises(SealBroken, match="not asked for"):
        opener.open(PAYLOAD, BATCH, two)


async def test_another_environment_cannot_open() -> None:
    production = Process(environment="production")
    sealed = (await production.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"x")
    staging = Process(store=production.store, environment="staging")
    with pytest.raises(SealBroken):
        await staging.vault.open(ALICE, PAYLOAD, BATCH, sealed)


async def test_another_master_key_cannot_open() -> None:
    process = Process()
    sealed = (await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"x")
    other = Process(store=process.store, master=LocalKeys({b"k" * 16: b"k" * 32}))
    with pytest.raises(SealBroken, match="key file that belongs to this database"):
        await other.vault.open(ALICE, PAYLOAD, BATCH, sealed)


async def test_keys_carry_the_cell() -> None:
    process = Process()
    sealed = (await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"x")
    assert cell_of(key_id_of(sealed)) == 1


async def test_a_day_has_its_own_key_and_yesterday_still_opens() -> None:
    process = Process()
    monday = (await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"monday")
    assert (await process.vault.sealer(ALICE)).id == key_id_of(monday)
    process.clock.at += dt.timedelta(days=1)
    tuesday = (await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"tuesday")
    assert key_id_of(monday) != key_id_of(tuesday)
    opener = await process.vault.opener(ALICE, [monday, tuesday])
    assert [opener.open(PAYLOAD, BATCH, sealed) for sealed in (monday, tuesday)] == [b"monday", b"tuesday"]


async def test_a_used_up_key_is_followed_by_the_next_of_the_day() -> None:
    process = Process(seals_per_key=3)
    blobs = [(await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, bytes([n])) for n in range(9)]
    assert [key_id_of(blob) for blob in blobs] == [key_id_of(blobs[n // 3 * 3]) for n in range(9)]
    assert len({key_id_of(blob) for blob in blobs}) == 3
    assert [await process.vault.open(ALICE, PAYLOAD, BATCH, blob) for blob in blobs] == [
        bytes([n]) for n in range(9)
    ]


async def test_the_count_outlives_the_stay_in_memory() -> None:
    process = Process(seals_per_key=3)
    keys = []
    for _ in range(4):
        keys.append(key_id_of((await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"")))
        process.clock.advance(CACHE_SECONDS)
    assert keys[0] == keys[1] == keys[2] != keys[3]


async def test_another_process_moves_on_with_the_key_that_followed() -> None:
    one = Process(seals_per_key=1)
    (await one.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"")
    second = (await one.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"")
    assert (await one.sibling().vault.sealer(ALICE)).id == key_id_of(second)


async def test_keys_stay_in_memory_for_five_minutes_and_no_longer() -> None:
    process = Process()
    await process.vault.sealer(ALICE)
    assert process.keys.unwraps == 1
    process.clock.advance(CACHE_SECONDS - 1)
    await process.vault.sealer(ALICE)
    assert process.keys.unwraps == 1
    process.clock.advance(1)
    await process.vault.sealer(ALICE)
    assert process.keys.unwraps == 2


async def test_sweeping_lets_go_of_idle_tenants() -> None:
    process = Process()
    await process.vault.sealer(ALICE)
    process.clock.advance(1)
    await process.vault.sealer(CHARLIE)
    process.clock.advance(CACHE_SECONDS - 1)
    process.keyring.sweep()
    assert process.keyring.tenants_in_memory() == (CHARLIE,)


async def test_a_thousand_tenants_are_kept_and_the_idlest_leaves() -> None:
    process = Process()
    tenants = [TenantId(new_id(1)) for _ in range(TENANTS_KEPT + 1)]
    for tenant in tenants[:-1]:
        await process.vault.sealer(tenant)
    await process.vault.sealer(tenants[0])
    await process.vault.sealer(tenants[-1])
    kept = process.keyring.tenants_in_memory()
    assert len(kept) == TENANTS_KEPT
    assert set(tenants) - set(kept) == {tenants[1]}


async def test_while_the_key_service_is_away_cached_tenants_go_on() -> None:
    process = Process()
    sealed = (await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"x")
    await Process(store=process.store).vault.sealer(CHARLIE)
    process.keys.away = True
    assert await process.vault.open(ALICE, PAYLOAD, BATCH, sealed) == b"x"
    with pytest.raises(Unavailable):
        await process.vault.sealer(CHARLIE)
    process.keys.away = False
    assert (await process.vault.sealer(CHARLIE)).seals == 0


class SlowStore(MemoryKeys):
    """Lets every other task run before each answer, so that creations interleave."""

    async def tenant_keys(self, tenant: TenantId) -> Sequence[TenantKey]:
        found = await super().tenant_keys(tenant)
        await asyncio.sleep(0)
        return found

    async def latest_data_key(self, tenant: TenantId, series: str) -> DataKey | None:
        found = await super().latest_data_key(tenant, series)
        await asyncio.sleep(0)
        return found


async def test_processes_that_make_the_key_of_today_together_converge() -> None:
    first = Process(store=SlowStore())
    processes = [first, *(first.sibling() for _ in range(4))]
    sealers = await asyncio.gather(*(process.vault.sealer(ALICE) for process in processes for _ in range(5)))
    assert len({sealer.id for sealer in sealers}) == 1
    assert len(await first.store.tenant_keys(ALICE)) == 1
    assert [process.keys.unwraps for process in processes] == [1] * 5
    lookups = await asyncio.gather(*(process.vault.lookup(ALICE) for process in processes))
    assert len({lookup.token("alice@example.com") for lookup in lookups}) == 1


async def test_a_secret_comes_back_in_any_process() -> None:
    process = Process()
    sealed = await process.vault.seal_secret(ALICE, CONNECTION, "password", 1, Secret("canary \ud800 ü"))
    opened = await process.sibling().vault.open_secret(ALICE, CONNECTION, "password", 1, sealed)
    assert opened.reveal() == "canary \ud800 ü"
    assert b"canary" not in sealed.ciphertext + sealed.wrapped_key


async def test_every_secret_has_a_key_of_its_own() -> None:
    vault = Process().vault
    one = await vault.seal_secret(ALICE, CONNECTION, "password", 1, Secret("x"))
    two = await vault.seal_secret(ALICE, CONNECTION, "password", 2, Secret("x"))
    assert key_id_of(one.ciphertext) != key_id_of(two.ciphertext)


async def test_opening_is_audited_once_per_version_and_cache_life() -> None:
    process = Process()
    one = await process.vault.seal_secret(ALICE, CONNECTION, "password", 1, Secret("x"))
    two = await process.vault.seal_secret(ALICE, CONNECTION, "password", 2, Secret("y"))
    for _ in range(3):
        await process.vault.open_secret(ALICE, CONNECTION, "password", 1, one)
    assert [opened.version for opened in process.opened] == [1]
    await process.vault.open_secret(ALICE, CONNECTION, "password", 2, two)
    assert [opened.version for opened in process.opened] == [1, 2]
    process.clock.advance(CACHE_SECONDS)
    await process.vault.open_secret(ALICE, CONNECTION, "password", 1, one)
    assert [opened.version for opened in process.opened] == [1, 2, 1]
    sibling = process.sibling()
    await sibling.vault.open_secret(ALICE, CONNECTION, "password", 1, one)
    assert len(sibling.opened) == 1


async def test_every_reveal_to_a_person_is_audited() -> None:
    process, bob = Process(), MemberId(new_id(1))
    sealed = await process.vault.seal_secret(ALICE, CONNECTION, "password", 1, Secret("x"))
    for _ in range(2):
        await process.vault.open_secret(ALICE, CONNECTION, "password", 1, sealed, revealed_to=bob)
    assert [(opened.tenant, opened.connection, opened.revealed_to) for opened in process.opened] == [
        (ALICE, CONNECTION, bob)
    ] * 2


async def test_a_secret_that_cannot_be_audited_is_not_given_out() -> None:
    process = Process()
    sealed = await process.vault.seal_secret(ALICE, CONNECTION, "password", 1, Secret("x"))
    process.audit_fails = True
    for _ in range(2):
        with pytest.raises(Unavailable, match="audit"):
            await process.vault.open_secret(ALICE, CONNECTION, "password", 1, sealed)
    process.audit_fails = False
    await process.vault.open_secret(ALICE, CONNECTION, "password", 1, sealed)
    assert len(process.opened) == 1


async def test_moved_secrets_and_mixed_halves_do_not_open() -> None:
    vault = Process().vault
    other = ConnectionId(new_id(1))
    places = [
        (tenant, connection, field, version)
        for tenant in (ALICE, CHARLIE)
        for connection in (CONNECTION, other)
        for field in ("password", "token")
        for version in (1, 2)
    ]
    sealed = {place: await vault.seal_secret(*place, Secret(repr(place))) for place in places}
    opened = []
    for place in places:
        for key_from in places:
            for text_from in places:
                mixed = type(sealed[place])(
                    tenant_key=sealed[key_from].tenant_key,
                    wrapped_key=sealed[key_from].wrapped_key,
                    ciphertext=sealed[text_from].ciphertext,
                )
                try:
                    secret = await vault.open_secret(*place, mixed)
                except SealBroken:
                    continue
                opened.append((place, key_from, text_from, secret.reveal()))
    assert opened == [(place, place, place, repr(place)) for place in places]


async def test_lookup_tokens_are_stable_short_and_of_one_tenant_and_purpose() -> None:
    process = Process()
    lookup = await process.vault.lookup(ALICE)
    token = lookup.token("alice@example.com")
    assert len(token) == 16
    assert lookup.tokens(["bob", "alice@example.com", "", "\ud800"])[1] == token
    assert len(set(lookup.tokens(["bob", "Bob", "", "\ud800"]))) == 4
    assert (await process.sibling().vault.lookup(ALICE)).token("alice@example.com") == token
    assert (await process.vault.lookup(ALICE, "lane key")).token("alice@example.com") != token
    assert (await process.vault.lookup(CHARLIE)).token("alice@example.com") != token
