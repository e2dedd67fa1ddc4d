from __future__ import annotations

import asyncio
import copy
from pathlib import Path

import pytest

from formlane.domain.ids import BatchId, ConnectionId, new_id
from formlane.domain.sealing import SealKind
from formlane.domain.secrets import Secret
from formlane.errors import Conflict, SealBroken
from formlane.vault.local import LocalKeys, add_master_key
from formlane.vault.ring import CACHE_SECONDS
from tests.unit.vault.factories import ALICE, CHARLIE, CONNECTION, Process

BATCH = BatchId(new_id(1))
PAYLOAD = SealKind.PAYLOAD


async def _filled(process: Process, secrets: int = 3) -> bytes:
    """A sealed payload, a lookup key and some stored secrets of Alice."""
    await process.vault.lookup(ALICE)
    for version in range(secrets):
        sealed = await process.vault.seal_secret(
            ALICE, CONNECTION, "password", version, Secret(f"s{version}")
        )
        process.store.secrets[ALICE, CONNECTION, "password", version] = sealed
    return (await process.vault.sealer(ALICE)).seal(PAYLOAD, BATCH, b"x")


async def _secrets(process: Process) -> list[str]:
    return [
        (await process.vault.open_secret(*place, sealed)).reveal()
        for place, sealed in sorted(process.store.secrets.items())
    ]


async def test_after_rotation_everything_opens_in_every_process() -> None:
    one = Process()
    blob = await _filled(one)
    token = (await one.vault.lookup(ALICE)).token("alice")
    idle = one.sibling()
    await idle.vault.sealer(ALICE)  # has the old tenant key in memory, but no payload key of later
    assert await one.rotation.rotate(ALICE) == 2
    assert await one.rotation.rewrap(ALICE) == 5  # payload key, lookup key, three secrets
    assert await one.rotation.rewrap(ALICE) == 0
    for process in (one, idle, one.sibling()):
        assert await process.vault.open(ALICE, PAYLOAD, BATCH, blob) == b"x"
        assert await _secrets(process) == ["s0", "s1", "s2"]
        assert (await process.vault.lookup(ALICE)).token("alice") == token


async def test_secrets_sealed_under_a_version_another_process_made_open() -> None:
    one = Process()
    two = one.sibling()
    await two.vault.sealer(ALICE)
    await one.rotation.rotate(ALICE)
    sealed = await one.vault.seal_secret(ALICE, CONNECTION, "password", 9, Secret("new"))
    assert (await two.vault.open_secret(ALICE, CONNECTION, "password", 9, sealed)).reveal() == "new"


async def test_rewrapping_touches_no_ciphertext() -> None:
    process = Process()
    await _filled(process)
    before = copy.copy(process.store.secrets)
    await process.rotation.rotate(ALICE)
    await process.rotation.rewrap(ALICE)
    for place, sealed in process.store.secrets.items():
        assert sealed.ciphertext == before[place].ciphertext
        assert sealed.wrapped_key != before[place].wrapped_key


async def test_rewrapping_stops_anywhere_and_resumes() -> None:
    process = Process()
    await _filled(process, secrets=10)
    await process.rotation.rotate(ALICE)
    done = []
    while step := await process.rotation.rewrap(ALICE, at_most=5):
        done.append(step)
        assert await _secrets(process) == [f"s{n}" for n in range(10)]
    assert done == [5, 5, 2]


async def test_a_thousand_keys_are_rewrapped_while_traffic_goes_on() -> None:
    process = Process()
    await _filled(process, secrets=1000)
    worker = process.sibling()
    await process.rotation.rotate(ALICE)
    rewrapping = asyncio.create_task(process.rotation.rewrap(ALICE))
    opened = 0
    for place in sorted(process.store.secrets):
        secret = await worker.vault.open_secret(*place, process.store.secrets[place])
        opened += secret.reveal() == f"s{place[3]}"
        await asyncio.sleep(0)
    assert (await rewrapping, opened) == (1002, 1000)


async def test_two_who_rewrap_together_do_not_disturb_each_other() -> None:
    one = Process()
    await _filled(one, secrets=600)
    two = one.sibling()
    await one.rotation.rotate(ALICE)
    done = await asyncio.gather(one.rotation.rewrap(ALICE), two.rotation.rewrap(ALICE))
    assert sum(done) == 602
    assert len(await _secrets(two)) == 600


async def test_two_who_rotate_together_make_one_version() -> None:
    one = Process()
    await one.vault.sealer(ALICE)
    two = one.sibling()
    versions = await asyncio.gather(one.rotation.rotate(ALICE), two.rotation.rotate(ALICE))
    rows = await one.store.tenant_keys(ALICE)
    assert sorted({1, *versions}) == [row.version for row in rows]
    assert (await one.keyring.reload(ALICE)).current == (await two.keyring.reload(ALICE)).current


async def test_old_versions_are_retired_once_nothing_needs_them() -> None:
    process = Process()
    blob = await _filled(process)
    await process.rotation.rotate(ALICE)
    with pytest.raises(Conflict, match="may still be in use"):
        await process.rotation.retire(ALICE)
    process.clock.advance(CACHE_SECONDS)
    with pytest.raises(Conflict, match="still wrapped by an older"):
        await process.rotation.retire(ALICE)
    await process.rotation.rewrap(ALICE)
    assert await process.rotation.retire(ALICE) == 1
    assert [row.version for row in await process.store.tenant_keys(ALICE)] == [2]
    for reader in (process, process.sibling()):
        assert await reader.vault.open(ALICE, PAYLOAD, BATCH, blob) == b"x"
        assert await _secrets(reader) == ["s0", "s1", "s2"]


async def test_a_secret_from_before_retirement_says_that_its_key_is_gone() -> None:
    process = Process()
    lost = await process.vault.seal_secret(ALICE, CONNECTION, "password", 1, Secret("x"))
    await process.rotation.rotate(ALICE)
    process.clock.advance(CACHE_SECONDS)
    await process.rotation.retire(ALICE)
    with pytest.raises(SealBroken, match="Wrapped under tenant key"):
        await process.vault.open_secret(ALICE, CONNECTION, "password", 1, lost)


async def test_a_new_master_key_takes_over_and_the_old_can_go(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    old = Process(master=LocalKeys.open(path))
    blob = await _filled(old)
    add_master_key(path)
    new = Process(store=old.store, master=LocalKeys.open(path))
    assert await new.vault.open(ALICE, PAYLOAD, BATCH, blob) == b"x"
    assert await new.rotation.rewrap_by_master(ALICE) == 1
    title, _, current = path.read_text().splitlines()
    path.write_text(f"{title}\n{current}\n")
    later = Process(store=old.store, master=LocalKeys.open(path))
    assert await later.vault.open(ALICE, PAYLOAD, BATCH, blob) == b"x"


async def test_shredding_leaves_nothing_readable_here_at_once() -> None:
    process = Process()
    blob = await _filled(process)
    place, secret = next(iter(process.store.secrets.items()))
    sealer = await process.vault.sealer(ALICE)
    opener = await process.vault.opener(ALICE, [blob])
    other = (await process.vault.sealer(CHARLIE)).seal(PAYLOAD, BATCH, b"c")
    assert await process.rotation.shred(ALICE) == 1
    with pytest.raises(SealBroken, match="were deleted"):
        sealer.seal(PAYLOAD, BATCH, b"x")
    with pytest.raises(SealBroken, match="were deleted"):
        opener.open(PAYLOAD, BATCH, blob)
    with pytest.raises(SealBroken, match=f"keys of ten_{ALICE.hex} were deleted"):
        await process.vault.sealer(ALICE)
    with pytest.raises(SealBroken, match="cannot be read again"):
        await process.vault.open(ALICE, PAYLOAD, BATCH, blob)
    with pytest.raises(SealBroken, match="were deleted"):
        await process.vault.open_secret(*place, secret)
    with pytest.raises(SealBroken, match="were deleted"):
        await process.vault.lookup(ALICE)
    assert await process.vault.open(CHARLIE, PAYLOAD, BATCH, other) == b"c"


async def test_shredding_reaches_other_processes_within_five_minutes() -> None:
    one = Process()
    blob = await _filled(one)
    two = one.sibling()
    await two.vault.open(ALICE, PAYLOAD, BATCH, blob)
    await one.rotation.shred(ALICE)
    one.clock.advance(CACHE_SECONDS)
    with pytest.raises(SealBroken, match="were deleted"):
        await two.vault.open(ALICE, PAYLOAD, BATCH, blob)


async def test_shredding_all_versions_leaves_no_wrap_in_the_store() -> None:
    process = Process()
    await _filled(process)
    await process.rotation.rotate(ALICE)
    assert await process.rotation.shred(ALICE) == 2
    assert [row.wrapped for row in await process.store.tenant_keys(ALICE)] == [None, None]
    assert await process.rotation.rewrap_by_master(ALICE) == 0
    with pytest.raises(SealBroken, match="were deleted"):
        await process.rotation.rotate(ALICE)
    assert [row.wrapped for row in await process.store.tenant_keys(ALICE)] == [None, None]


async def test_a_load_under_way_during_shredding_does_not_bring_the_key_back() -> None:
    process = Process()
    blob = await _filled(process)
    process.clock.advance(CACHE_SECONDS)
    results = await asyncio.gather(
        process.vault.open(ALICE, PAYLOAD, BATCH, blob),
        process.rotation.shred(ALICE),
        process.vault.open(ALICE, PAYLOAD, BATCH, blob),
        return_exceptions=True,
    )
    assert results[1] == 1
    with pytest.raises(SealBroken, match="were deleted"):
        await process.vault.open(ALICE, PAYLOAD, BATCH, blob)


async def test_rotation_of_one_tenant_leaves_the_other_alone() -> None:
    process = Process()
    await _filled(process)
    blob = (await process.vault.sealer(CHARLIE)).seal(PAYLOAD, BATCH, b"c")
    before = await process.store.tenant_keys(CHARLIE)
    await process.rotation.rotate(ALICE)
    await process.rotation.rewrap(ALICE)
    assert await process.store.tenant_keys(CHARLIE) == before
    assert await process.vault.open(CHARLIE, PAYLOAD, BATCH, blob) == b"c"


async def test_a_damaged_wrap_stops_rewrapping_and_is_named() -> None:
    process = Process()
    await _filled(process, secrets=1)
    place = (ALICE, CONNECTION, "password", 0)
    other = ConnectionId(new_id(1))
    process.store.secrets[ALICE, other, "password", 0] = process.store.secrets[place]
    await process.rotation.rotate(ALICE)
    with pytest.raises(SealBroken, match=f"secret_key {other}, field 'password' does not open"):
        await process.rotation.rewrap(ALICE)
