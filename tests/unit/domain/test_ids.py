from __future__ import annotations

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha1
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formlane.domain.ids import (
    MAX_CELL,
    PREFIXES,
    BatchId,
    IdKind,
    IdSource,
    LaneId,
    RecordId,
    call_id,
    cell_of,
    new_id,
    parse_id,
    parse_record_id,
    record_to_text,
    time_of,
    to_text,
)
from formlane.errors import InvalidInput

CELLS = st.integers(0, 4095)
TIMES = st.integers(0, 2**48 - 1)
LANE = LaneId(uuid.UUID("0192f0c1-0000-7000-8000-000000000001"))
BATCH = BatchId(uuid.UUID("0192f0c1-0000-7000-8000-000000000002"))
OTHER = BatchId(uuid.UUID("0192f0c1-0000-7000-8000-000000000003"))


@given(CELLS, TIMES)
def test_cell_and_time_come_back(cell: int, at_ms: int) -> None:
    id_ = new_id(cell, at_ms=at_ms)
    assert cell_of(id_) == cell
    assert id_.int >> 80 == at_ms


@given(CELLS)
def test_version_and_variant_are_those_of_a_uuid7(cell: int) -> None:
    id_ = new_id(cell)
    assert (id_.version, id_.variant) == (7, uuid.RFC_4122)
    assert uuid.UUID(str(id_)) == id_
    assert str(id_)[14] == "7"
    assert str(id_)[19] in "89ab"


def test_ids_grow_and_never_repeat_over_a_million() -> None:
    before, seen = 0, set()
    for _ in range(1_000_000):
        value = new_id(7).int
        assert value > before
        before = value
        seen.add(value)
    assert len(seen) == 1_000_000


def test_ids_of_one_handed_in_millisecond_grow() -> None:
    ids = [new_id(3, at_ms=1_700_000_000_000) for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {id_.int >> 80 for id_ in ids} == {1_700_000_000_000}


def test_an_earlier_handed_in_time_is_kept() -> None:
    new_id(3, at_ms=1_800_000_000_000)
    assert time_of(new_id(3, at_ms=1_700_000_000_123)) == dt.datetime(
        2023, 11, 14, 22, 13, 20, 123_000, tzinfo=dt.UTC
    )


def test_the_time_is_now_unless_handed_in() -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    assert before <= time_of(new_id(0)) <= dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)


def test_ids_grow_also_when_the_clock_steps_back() -> None:
    times = iter([1000, 1000, 400, 999, 1000, 1001])
    source = IdSource(now_ms=lambda: next(times))
    ids = [source.new_id(3) for _ in range(6)]
    assert ids == sorted(set(ids))
    assert [id_.int >> 80 for id_ in ids] == [1000, 1000, 1000, 1000, 1000, 1001]


def test_a_seeded_source_repeats_itself() -> None:
    runs = [IdSource(entropy=Random(7).randbytes, now_ms=lambda: 1000) for _ in range(2)]
    one, two = ([source.new_id(3) for _ in range(100)] for source in runs)
    assert one == two
    assert one != [IdSource(now_ms=lambda: 1000).new_id(3) for _ in range(100)]


def test_ids_of_threads_do_not_repeat() -> None:
    source = IdSource(now_ms=lambda: 1000)
    with ThreadPoolExecutor(4) as threads:
        made = [*threads.map(lambda _: source.new_id(3), range(4000))]
    assert len(set(made)) == 4000


@pytest.mark.parametrize("cell", [-1, 4096])
def test_a_cell_that_does_not_fit_is_refused(cell: int) -> None:
    with pytest.raises(ValueError, match="0 to 4095"):
        new_id(cell)


@pytest.mark.parametrize("at_ms", [-1, 2**48])
def test_a_time_that_does_not_fit_is_refused(at_ms: int) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        new_id(0, at_ms=at_ms)


def test_foreign_uuids_have_no_cell() -> None:
    with pytest.raises(ValueError, match="UUIDv7"):
        cell_of(uuid.uuid4())


def test_keys_can_carry_the_highest_cell() -> None:
    assert MAX_CELL == 62**2 - 1
    assert cell_of(new_id(MAX_CELL)) == MAX_CELL


@pytest.mark.parametrize("kind", PREFIXES)
def test_text_form_comes_back(kind: IdKind) -> None:
    id_ = new_id(9)
    text = to_text(kind, id_)
    assert text == PREFIXES[kind] + id_.hex
    assert parse_id(kind, text) == id_


def test_prefixes_are_distinct_and_none_starts_another() -> None:
    prefixes = list(PREFIXES.values())
    assert not [(a, b) for a in prefixes for b in prefixes if a != b and a.startswith(b)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flow_",
        "flow",
        "0192f0c1000070008000000000000001",
        "flow_0192f0c100007000800000000000000",
        "flow_0192f0c10000700080000000000000011",
        "flow_0192F0C1000070008000000000000001",
        "flow_0192f0c1-0000-7000-8000-000000000001",
        "flow_0192f0c100007000800000000000000\u0661",
        "flow_0192f0c1000070008000000000000001\n",
        "flow_" + uuid.UUID(int=0).hex,
        "flow_" + "f" * 100_000,
    ],
)
def test_what_is_no_flow_id_is_refused_with_the_expectation(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not the id of a flow: one is 'flow_' and 32 hex") as caught:
        parse_id("flow", text)
    assert len(str(caught.value)) < 400


def test_the_id_of_another_thing_is_named() -> None:
    with pytest.raises(InvalidInput, match="is the id of a form; a flow is expected"):
        parse_id("flow", to_text("form", new_id(1)))


@given(st.text())
def test_parsing_any_text_gives_an_id_or_invalid_input(text: str) -> None:
    try:
        id_ = parse_id("lane", text)
    except InvalidInput:
        return
    assert to_text("lane", id_) == text


def test_record_ids_come_back() -> None:
    record = RecordId(BATCH, 17)
    assert record_to_text(record) == f"rec_{BATCH.hex}_17"
    assert parse_record_id(record_to_text(record)) == record


@pytest.mark.parametrize("tail", ["", "_", "_-1", "_01", "_1_2", "_ 1", "_9999999999", "_\u0661"])
def test_malformed_record_ids_are_refused(tail: str) -> None:
    with pytest.raises(InvalidInput, match="not the id of a record"):
        parse_record_id(f"rec_{BATCH.hex}{tail}")


def test_a_call_id_is_a_uuid5_of_lane_step_and_ranges() -> None:
    records = [RecordId(BATCH, 0), RecordId(BATCH, 1), RecordId(OTHER, 5)]
    name = f"2|{BATCH.hex}:0-1|{OTHER.hex}:5-5".encode()
    made = call_id(LANE, 2, records)
    assert made == uuid.UUID(bytes=sha1(LANE.bytes + name).digest()[:16], version=5)
    assert made == uuid.uuid5(LANE, name.decode())


RECORDS = st.lists(st.builds(RecordId, st.sampled_from([BATCH, OTHER]), st.integers(0, 5)), max_size=6)


@given(RECORDS, RECORDS, st.integers(0, 2), st.integers(0, 2))
def test_call_ids_agree_exactly_when_lane_step_and_records_do(
    one: list[RecordId], two: list[RecordId], step: int, other_step: int
) -> None:
    same = (one, step) == (two, other_step)
    assert (call_id(LANE, step, one) == call_id(LANE, other_step, two)) is same
    assert call_id(LANE, step, one) != call_id(LaneId(BATCH), step, one)
