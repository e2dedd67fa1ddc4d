from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.domain.ids import TenantId, new_id
from formlane.domain.sealing import SealKind
from formlane.errors import SealBroken
from formlane.vault.envelope import OVERHEAD_BYTES, BoundKey, key_id_of, prefixed
from tests.unit.vault.factories import ALICE, CHARLIE, Process

KEY = bytes(range(32))
KEY_ID = UUID(int=1)
GOLDEN = (
    "0100000000000000000000000000000001000102030405060708090a0b206dba7fa08b3402fc75975112d5173ff0bc5ba3bff8"
)
IDS = (UUID(int=0), UUID(int=1), new_id(1))


@dataclass(frozen=True)
class Place:
    environment: str
    tenant: TenantId
    key_id: UUID
    kind: SealKind
    id: UUID
    field: str
    version: int

    def key(self) -> BoundKey:
        return BoundKey(KEY, id_=self.key_id, environment=self.environment, tenant=self.tenant)

    def seal(self, plaintext: bytes) -> bytes:
        return self.key().seal(self.kind, self.id, plaintext, field=self.field, version=self.version)

    def open(self, sealed: bytes) -> bytes:
        return self.key().open(self.kind, self.id, sealed, field=self.field, version=self.version)


PLACES = st.builds(
    Place,
    environment=st.sampled_from(["", "test", "production"]),
    tenant=st.sampled_from([ALICE, CHARLIE]),
    key_id=st.sampled_from([KEY_ID, UUID(int=2)]),
    kind=st.sampled_from(SealKind),
    id=st.sampled_from(IDS),
    field=st.one_of(st.sampled_from(["", "a", "ab", "\0", "a\0"]), st.text(max_size=8)),
    version=st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1)),
)


@given(PLACES, PLACES, st.binary(max_size=64))
def test_a_blob_opens_where_it_was_sealed_and_nowhere_else(one: Place, two: Place, plaintext: bytes) -> None:
    sealed = one.seal(plaintext)
    assert one.open(sealed) == plaintext
    if one != two:
        with pytest.raises(SealBroken):
            two.open(sealed)


def test_all_pairs_of_places_under_one_raw_key_refuse_each_other() -> None:
    places = [
        Place("test", tenant, KEY_ID, kind, id_, field, version)
        for tenant, kind, id_, field, version in product(
            (ALICE, CHARLIE), SealKind, IDS[:2], ("", "password"), (0, 1)
        )
    ]
    blobs = [place.seal(b"x") for place in places]
    opened = refused = 0
    for place, (origin, blob) in product(places, zip(places, blobs, strict=True)):
        try:
            place.open(blob)
        except SealBroken:
            refused += 1
        else:
            opened += 1
            assert place == origin
    assert (opened, refused) == (len(places), len(places) ** 2 - len(places))


async def test_all_pairs_through_the_vault_refuse_each_other() -> None:
    process = Process()
    places = list(product((ALICE, CHARLIE), SealKind, IDS[:2], ("", "password"), (0, 1)))
    blobs = []
    for tenant, kind, id_, field, version in places:
        sealer = await process.vault.sealer(tenant)
        blobs.append(sealer.seal(kind, id_, b"x", field=field, version=version))
    opened = []
    for (tenant, kind, id_, field, version), (origin, blob) in product(
        places, zip(places, blobs, strict=True)
    ):
        try:
            await process.vault.open(tenant, kind, id_, blob, field=field, version=version)
        except SealBroken:
            continue
        opened.append(((tenant, kind, id_, field, version), origin))
    assert len(opened) == len(places)
    assert all(place == origin for place, origin in opened)


def test_a_flip_of_any_bit_is_refused() -> None:
    key = BoundKey(KEY, id_=KEY_ID, environment="test", tenant=ALICE)
    sealed = key.seal(SealKind.PAYLOAD, IDS[2], b"twelve bytes")
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            key.open(SealKind.PAYLOAD, IDS[2], bytes(flipped))
    assert key.open(SealKind.PAYLOAD, IDS[2], sealed) == b"twelve bytes"


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_cleanly(garbage: bytes) -> None:
    key = BoundKey(KEY, id_=KEY_ID, environment="test", tenant=ALICE)
    with pytest.raises(SealBroken):
        key.open(SealKind.PAYLOAD, IDS[0], garbage)
    with pytest.raises(SealBroken):
        asyncio.run(Process().vault.open(ALICE, SealKind.PAYLOAD, IDS[0], garbage))


def test_a_cut_blob_is_refused_at_every_length() -> None:
    key = BoundKey(KEY, id_=KEY_ID, environment="test", tenant=ALICE)
    sealed = key.seal(SealKind.PAYLOAD, IDS[0], b"abc")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            key.open(SealKind.PAYLOAD, IDS[0], sealed[:length])


def test_format_is_as_written_down() -> None:
    key = BoundKey(KEY, id_=KEY_ID, environment="test", tenant=ALICE)
    sealed = key.seal(SealKind.PAYLOAD, IDS[0], b"abc")
    assert len(sealed) == 3 + OVERHEAD_BYTES == 48
    assert sealed[:17] == b"\x01" + KEY_ID.bytes
    assert key_id_of(sealed) == KEY_ID
    assert key.seal(SealKind.PAYLOAD, IDS[0], b"abc") != sealed


def test_an_older_blob_still_opens() -> None:
    """Written by the first version of the format; it must open for ever."""
    tenant = TenantId(UUID("0192f0c1-0000-7000-8000-00000000000a"))
    key = BoundKey(KEY, id_=KEY_ID, environment="test", tenant=tenant)
    sealed = bytes.fromhex(GOLDEN)
    assert key.open(SealKind.SECRET, IDS[1], sealed, field="password", version=3) == b"golden"


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_no_two_lists_encode_alike(one: list[bytes], two: list[bytes]) -> None:
    assert (prefixed(*one) == prefixed(*two)) == (one == two)


def test_refusals_name_the_place_and_no_plaintext() -> None:
    key = BoundKey(KEY, id_=KEY_ID, environment="test", tenant=ALICE)
    sealed = key.seal(SealKind.SECRET, IDS[0], b"canary", field="password", version=3)
    with pytest.raises(SealBroken, match=r"secret 0{8}-.*, field 'token', version 3 does not open") as caught:
        key.open(SealKind.SECRET, IDS[0], sealed, field="token", version=3)
    assert caught.value.__cause__ is None
    assert "canary" not in str(caught.value)
