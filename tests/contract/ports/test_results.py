"""What is kept of a window's records between the steps of their flow, and of records that stopped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from formlane.domain.ids import new_id
from formlane.domain.lanes import Exceptional, HeldTry, Lease, NewHeld, Queue, Settlement, Unfinished
from tests.contract.ports.steps import delivered_all, lease_of, settle
from tests.contract.ports.worlds import FlowSetup, World, batch_of


def achieved(one: Lease, results: bytes | None, *, given_back: bool = False) -> Settlement:
    return Settlement(lane=one.lane, token=one.token, progress=True, results=results, given_back=given_back)


async def test_results_are_kept_with_the_window_until_it_is_finished(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 3)])
    one = await lease_of(world, setup)
    assert one.results is None
    await settle(world, achieved(one, b"first"))
    await settle(world, achieved(one, None, given_back=True))
    again = await lease_of(world, setup, dt.timedelta(0))
    assert (again.window, again.results, again.maybe_sent) == (one.window, b"first", False)
    await world.pass_time(0.05)
    lapsed = await lease_of(world, setup)
    assert (lapsed.results, lapsed.maybe_sent, lapsed.lapses) == (b"first", True, 1)
    await settle(world, achieved(lapsed, b"second", given_back=True))
    last = await lease_of(world, setup)
    assert last.results == b"second"
    await settle(world, delivered_all(last, setup, 3))
    await world.lanes.accept([batch_of(setup, 1)])
    assert (await lease_of(world, setup)).results is None


async def test_results_of_a_finished_window_are_not_written_any_more(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 3)])
    one = await lease_of(world, setup)
    await settle(world, replace(delivered_all(one, setup, 3), results=b"late"))
    await world.lanes.accept([batch_of(setup, 1)])
    assert (await lease_of(world, setup)).results is None


async def test_no_results_empty_what_was_kept(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 3)])
    one = await lease_of(world, setup)
    await settle(world, achieved(one, b"first"))
    await settle(world, achieved(one, b"", given_back=True))
    assert (await lease_of(world, setup)).results is None


@pytest.mark.parametrize("how", ["wait", "block", "narrow"])
async def test_results_outlast_whatever_gives_the_lane_back(world: World, how: str) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 3)])
    one = await lease_of(world, setup)
    await settle(world, achieved(one, b"first"))
    back = Settlement(lane=one.lane, token=one.token, given_back=True)
    assert one.to is not None
    match how:
        case "wait":
            back = replace(back, retry=dt.timedelta(milliseconds=30), used_attempt=True)
        case "block":
            back = replace(back, flow_blocked=True, pause_reason="drift", pause_message="changed")
        case _:
            back = replace(back, narrowed=one.to._replace(seq=1, offset=2))
    await settle(world, back)
    await world.pass_time(0.05)
    if how == "block":
        await world.resume_flow(setup, "drift")
    assert (await lease_of(world, setup)).results == b"first"


async def test_another_worker_cannot_write_results(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 3)])
    one = await lease_of(world, setup, dt.timedelta(0))
    await world.pass_time(0.05)
    await lease_of(world, setup, dt.timedelta(0))
    assert await settle(world, achieved(one, b"stale")) == [False]
    await world.pass_time(0.05)
    assert (await lease_of(world, setup)).results is None


async def test_a_window_of_held_records_keeps_results_too(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 2)])
    one = await lease_of(world, setup)
    held = tuple(
        NewHeld(
            key=None,
            queue=Queue.LIVE,
            seq=1,
            position=position,
            step=1,
            release=1,
            attempt=1,
            retry=dt.timedelta(0),
            reason="locked",
            remote_ids=b"ids",
        )
        for position in range(2)
    )
    await settle(world, replace(delivered_all(one, setup, 2), ledger=(), attempts=(), held=held))
    waiting = await lease_of(world, setup)
    records = await world.lanes.held_window([waiting])
    assert [(row.step, row.remote_ids) for row in records] == [(1, b"ids")] * 2
    passed = HeldTry(
        place=records[0].place, gone=False, step=2, remote_ids=b"more", used_attempt=False, reason="next_step"
    )
    await settle(world, replace(achieved(waiting, b"found", given_back=True), tried=(passed,)))
    again = await lease_of(world, setup)
    assert (again.window, again.results) == (waiting.window, b"found")
    [left] = await world.lanes.held_window([again])
    await settle(
        world,
        Settlement(
            lane=again.lane,
            token=again.token,
            progress=True,
            finished=True,
            given_back=True,
            tried=(HeldTry(place=left.place, gone=True),),
        ),
    )
    last = await lease_of(world, setup)
    [row] = await world.lanes.held_window([last])
    assert (row.step, row.remote_ids, row.attempt) == (2, b"more", 1)
    assert (last.window != waiting.window, last.results) == (True, None)


async def test_settling_a_call_ends_the_journal_of_the_lane(world: World) -> None:
    """Also what was kept of a call that was split since."""
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 3)])
    one = await lease_of(world, setup)
    split, call = new_id(0), new_id(0)
    assert await world.lanes.journal_save(one.lane, one.token, split, b"split")
    assert await world.lanes.journal_save(one.lane, one.token, call, b"half")
    await settle(world, replace(achieved(one, b"first", given_back=True), call=call))
    assert (await lease_of(world, setup)).journal is None


# --- records of replays


def stopped(
    batch: UUID, index: int, source: UUID, *, step: int = 1, detail: bytes | None = b"ids"
) -> Exceptional:
    return Exceptional(
        batch=batch,
        index=index,
        source=source,
        step=step,
        status="rejected",
        reason="refused",
        release=1,
        detail=detail,
    )


async def rejected(world: World, setup: FlowSetup, rows: Sequence[int], details: Sequence[bytes]) -> UUID:
    """A batch of four of which some records stopped."""
    batch = batch_of(setup, 4)
    await world.lanes.accept([batch])
    one = await lease_of(world, setup)
    exceptions = tuple(
        stopped(batch.id, row, setup.source, detail=detail) for row, detail in zip(rows, details, strict=True)
    )
    await settle(world, replace(delivered_all(one, setup, 4), ledger=(), attempts=(), exceptions=exceptions))
    return batch.id


def by_index(found: Sequence[Unfinished]) -> list[tuple[int, int, bytes | None]]:
    return sorted((one.index, one.step, one.detail) for one in found)


async def test_records_of_a_replay_are_told_where_they_stopped(world: World) -> None:
    setup = await world.new_flow()
    batch = await rejected(world, setup, [1, 2, 3], [b"a", b"b", b"c"])
    await world.replay(setup, setup.lanes[0], batch, [0, 1, 3])
    one = await lease_of(world, setup)
    assert one.queue is Queue.REPLAY
    assert by_index(await world.lanes.unfinished([one])) == [(1, 1, b"a"), (3, 1, b"c")]


async def test_live_records_and_replays_as_new_start_anew(world: World) -> None:
    setup = await world.new_flow()
    batch = await rejected(world, setup, [1], [b"a"])
    await world.lanes.accept([batch_of(setup, 1)])
    live = await lease_of(world, setup)
    assert (live.queue, await world.lanes.unfinished([live])) == (Queue.LIVE, [])
    await settle(world, delivered_all(live, setup, 1))
    await world.replay(setup, setup.lanes[0], batch, [1], as_new=True)
    one = await lease_of(world, setup)
    assert (one.queue, await world.lanes.unfinished([one])) == (Queue.REPLAY, [])


async def test_of_several_stops_the_latest_counts_and_only_the_lease_is_told(world: World) -> None:
    setup = await world.new_flow()
    batch = await rejected(world, setup, [1, 2], [b"a", b"b"])
    source = await world.replay(setup, setup.lanes[0], batch, [1, 2])
    one = await lease_of(world, setup)
    await world.pass_time(0.01)
    later = stopped(batch, 1, source, step=0, detail=b"later")
    again = delivered_all(one, setup, 2, source=source)
    await settle(world, replace(again, ledger=(), attempts=(), exceptions=(later,)))
    await world.replay(setup, setup.lanes[0], batch, [1, 2])
    two = await lease_of(world, setup)
    assert by_index(await world.lanes.unfinished([two])) == [(1, 0, b"later"), (2, 1, b"b")]
    assert await world.lanes.unfinished([one]) == []
