"""The contract of `Lanes`, run against every store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from formlane.domain.ids import new_id
from formlane.domain.lanes import (
    Attempt,
    ConnectionEffect,
    Exceptional,
    HeldTry,
    Lease,
    LeaseRequest,
    LedgerEntry,
    NewHeld,
    Position,
    Queue,
    Settlement,
    Verdict,
)
from tests.contract.ports.worlds import SECOND, FlowOptions, FlowSetup, World, batch_of

LONG = dt.timedelta(seconds=60)


async def lease(world: World, length: dt.timedelta = LONG, most: int = 32) -> list[Lease]:
    return await world.lanes.lease(LeaseRequest(worker="w", most=most, length=length, bytes=1 << 26))


async def lease_of(world: World, setup: FlowSetup, length: dt.timedelta = LONG) -> Lease:
    mine = [one for one in await lease(world, length) if one.flow == setup.flow]
    assert len(mine) == 1
    return mine[0]


def attempt(one: Lease, end: Position, records: int, delivered: int) -> Attempt:
    assert one.head is not None
    return Attempt(
        id=new_id(0),
        call=new_id(0),
        step=0,
        queue=one.queue,
        start=one.head,
        end=end,
        release=one.release,
        number=1,
        started_at=one.leased_at,
        milliseconds=3,
        records=records,
        delivered=delivered,
        outcome="delivered",
    )


def minute(one: dt.datetime) -> dt.datetime:
    return one.replace(second=0, microsecond=0)


def delivered_all(one: Lease, setup: FlowSetup, records: int, *, source: object = None) -> Settlement:
    assert one.to is not None
    return Settlement(
        lane=one.lane,
        token=one.token,
        position=one.to,
        moved=records,
        progress=True,
        finished=True,
        given_back=True,
        attempts=(attempt(one, one.to, records, records),),
        ledger=(
            LedgerEntry(
                source=source or setup.source,  # type: ignore[arg-type]
                minute=minute(one.leased_at),
                delivered=records,
                bucket=3,
            ),
        ),
    )


async def settle(world: World, *settlements: Settlement) -> Sequence[bool]:
    return [one.settled for one in await world.lanes.settle(settlements)]


async def test_accepted_records_are_leased_and_settled_and_the_books_balance(world: World) -> None:
    setup = await world.new_flow()
    verdicts = await world.lanes.accept([batch_of(setup, 3), batch_of(setup, 2)])
    assert [one.verdict for one in verdicts] == [Verdict.ACCEPTED] * 2
    one = await lease_of(world, setup)
    assert (one.head, one.to, one.queue, one.release) == (Position(1, 0), Position(3, 0), Queue.LIVE, 1)
    contents = await world.lanes.contents([one])
    assert [(part.seq, part.records, part.blob) for part in contents] == [
        (1, 3, b"sealed"),
        (2, 2, b"sealed"),
    ]
    assert await settle(world, delivered_all(one, setup, 5)) == [True]
    assert (await world.books(setup))[setup.source] == {
        "accepted": 5,
        "delivered": 5,
        "skipped": 0,
        "rejected": 0,
        "parked": 0,
    }
    assert (await world.recount(setup))[setup.source] == {
        "accepted": 5,
        "delivered": 5,
        "skipped": 0,
        "rejected": 0,
        "parked": 0,
        "in_flight": 0,
    }
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    assert await world.ready_at(setup.lanes[0]) is None


async def test_same_key_and_body_is_a_repeat_another_body_a_mismatch(world: World) -> None:
    setup = await world.new_flow()
    first, again, other = (
        batch_of(setup, 1, key=b"k"),
        batch_of(setup, 1, key=b"k"),
        batch_of(setup, 1, key=b"k", body=b"other"),
    )
    [a] = await world.lanes.accept([first])
    [b, c] = await world.lanes.accept([again, other])
    assert a.verdict is Verdict.ACCEPTED
    assert (b.verdict, b.batch, b.answer) == (Verdict.REPEAT, first.id, b"first answer")
    assert c.verdict is Verdict.MISMATCH
    assert (await world.books(setup))[setup.source]["accepted"] == 1


async def test_two_members_of_one_flush_with_the_same_key_are_one_acceptance(world: World) -> None:
    setup = await world.new_flow()
    verdicts = await world.lanes.accept([batch_of(setup, 1, key=b"k"), batch_of(setup, 1, key=b"k")])
    assert [one.verdict for one in verdicts] == [Verdict.ACCEPTED, Verdict.REPEAT]


async def test_a_batch_prepared_for_an_older_revision_is_stale_and_stores_nothing(world: World) -> None:
    setup = await world.new_flow()
    [one] = await world.lanes.accept([batch_of(setup, 1, key=b"k", revision=0)])
    assert one.verdict is Verdict.STALE
    [two] = await world.lanes.accept([batch_of(setup, 1, key=b"k")])
    assert two.verdict is Verdict.ACCEPTED


async def test_a_window_ends_after_its_rows_inside_a_delivery(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=5))
    await world.lanes.accept([batch_of(setup, 3), batch_of(setup, 3)])
    one = await lease_of(world, setup)
    assert one.to == Position(2, 2)
    await settle(world, delivered_all(one, setup, 5))
    rest = await lease_of(world, setup)
    assert (rest.head, rest.to) == (Position(2, 2), Position(3, 0))


async def test_a_window_ends_before_the_delivery_that_passes_its_bytes(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_bytes=500))
    await world.lanes.accept([batch_of(setup, 3), batch_of(setup, 3), batch_of(setup, 9)])
    one = await lease_of(world, setup)
    assert one.to == Position(2, 0)
    await settle(world, delivered_all(one, setup, 3))
    assert (await lease_of(world, setup)).to == Position(3, 0)


async def test_what_arrives_later_does_not_join_an_open_window(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(0))
    await world.lanes.accept([batch_of(setup, 1)])
    await world.pass_time(0.05)
    again = await lease_of(world, setup)
    assert (again.window, again.to) == (one.window, Position(2, 0))
    assert again.token != one.token
    assert again.maybe_sent
    assert again.lapses == 1


async def test_a_leased_lane_is_not_leased_again_before_lease_and_quiet_are_over(world: World) -> None:
    setup = await world.new_flow(FlowOptions(quiet=SECOND))
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(milliseconds=200))
    await world.pass_time(0.4)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(1.0)
    assert (await lease_of(world, setup)).window == one.window


async def test_a_token_that_was_taken_over_settles_nothing(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    old = await lease_of(world, setup, dt.timedelta(0))
    await world.pass_time(0.05)
    new = await lease_of(world, setup)
    assert await settle(world, delivered_all(old, setup, 1)) == [False]
    assert (await world.books(setup))[setup.source]["delivered"] == 0
    assert not await world.lanes.journal_save(old.lane, old.token, new_id(0), b"x")
    assert await settle(world, delivered_all(new, setup, 1)) == [True]


async def test_an_expired_lease_that_nobody_took_still_settles(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(0))
    await world.pass_time(0.05)
    assert await settle(world, delivered_all(one, setup, 1)) == [True]


async def test_renewing_keeps_the_lease_and_tells_of_a_pause(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(milliseconds=300))
    [first] = await world.lanes.renew([one], LONG)
    assert (first.alive, first.stop) == (True, None)
    await world.pass_time(0.4)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pause_flow(setup, "user", None)
    [second] = await world.lanes.renew([one], LONG)
    assert (second.alive, second.stop) == (True, "user")


async def test_a_paused_flow_under_lease_stays_paused_when_the_lease_ends(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    await world.pause_flow(setup, "user", None)
    await settle(world, Settlement(lane=one.lane, token=one.token, given_back=True))
    await world.lanes.accept([batch_of(setup, 1)])
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_flow(setup, "user")
    assert (await lease_of(world, setup)).window == one.window


async def test_clearing_one_reason_of_a_pause_leaves_the_other(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    await world.pause_connection(setup, "user", None)
    await world.pause_connection(setup, "credentials", None)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_connection(setup, "user")
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_connection(setup, "credentials")
    await lease_of(world, setup)


async def test_a_call_of_a_window_moves_the_head_and_keeps_the_rest(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 10)])
    one = await lease_of(world, setup)
    half = Settlement(
        lane=one.lane,
        token=one.token,
        position=Position(1, 4),
        moved=4,
        progress=True,
        attempts=(attempt(one, Position(1, 4), 4, 3),),
        exceptions=(
            Exceptional(
                batch=(await world.lanes.contents([one]))[0].batch,
                index=1,
                source=setup.source,
                step=0,
                status="rejected",
                reason="refused",
                release=1,
            ),
        ),
        ledger=(LedgerEntry(source=setup.source, minute=minute(one.leased_at), delivered=3, rejected=1),),
    )
    assert await settle(world, half) == [True]
    counted = (await world.recount(setup))[setup.source]
    assert (counted["delivered"], counted["rejected"], counted["in_flight"]) == (3, 1, 6)
    assert (await world.books(setup))[setup.source]["delivered"] == 3


async def test_a_head_cannot_go_back_or_beyond_its_window(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=2))
    await world.lanes.accept([batch_of(setup, 4)])
    one = await lease_of(world, setup)
    beyond = Settlement(lane=one.lane, token=one.token, position=Position(1, 3), moved=3, progress=True)
    with pytest.raises(Exception, match="outside its window"):
        await world.lanes.settle([beyond])
    short = Settlement(
        lane=one.lane, token=one.token, position=Position(1, 1), moved=1, progress=True, finished=True
    )
    with pytest.raises(Exception, match="outside its window"):
        await world.lanes.settle([short])


async def test_a_lost_answer_is_quiet_and_then_told_to_the_next(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    lost = Settlement(
        lane=one.lane,
        token=one.token,
        given_back=True,
        maybe_sent=True,
        quiet=dt.timedelta(milliseconds=500),
        used_attempt=True,
    )
    await settle(world, lost)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(0.6)
    again = await lease_of(world, setup)
    assert (again.maybe_sent, again.attempt, again.lapses) == (True, 1, 0)


async def test_a_failing_connection_pauses_all_its_lanes_once_per_round(world: World) -> None:
    setup = await world.new_flow(FlowOptions(shards=3))
    await world.lanes.accept([batch_of(setup, 1, lane=n) for n in range(3)])
    mine = [one for one in await lease(world) if one.flow == setup.flow]
    assert len(mine) == 3
    wait = dt.timedelta(milliseconds=400)
    await settle(
        world,
        *(
            Settlement(
                lane=one.lane,
                token=one.token,
                given_back=True,
                connection=ConnectionEffect.FAILURE,
                connection_wait=wait,
                pause_reason="unavailable",
                pause_message="m",
            )
            for one in mine
        ),
    )
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(0.6)
    probe = await lease_of(world, setup)  # one lane at a time while it fails
    assert probe.connection_failures == 1
    done = delivered_all(probe, setup, 1)
    await settle(
        world,
        Settlement(
            **{name: getattr(done, name) for name in done.__slots__ if name != "connection"},
            connection=ConnectionEffect.SUCCESS,
        ),
    )
    await world.pass_time(0.1)
    rest = [one for one in await lease(world) if one.flow == setup.flow]
    assert len(rest) == 2
    assert {one.connection_failures for one in rest} == {0}


async def test_blocked_waits_for_a_person(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup)
    await settle(
        world,
        Settlement(
            lane=one.lane,
            token=one.token,
            given_back=True,
            connection=ConnectionEffect.BLOCKED,
            pause_reason="credentials",
            pause_message="The password is wrong.",
        ),
    )
    await world.pass_time(0.1)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.resume_connection(setup, "credentials")
    await lease_of(world, setup)


async def test_concurrency_and_calls_of_a_connection_are_never_exceeded(world: World) -> None:
    setup = await world.new_flow(FlowOptions(shards=6, concurrency=2))
    await world.lanes.accept([batch_of(setup, 1, lane=n) for n in range(6)])
    first = [one for one in await lease(world) if one.flow == setup.flow]
    assert len(first) == 2
    await world.pass_time(0.1)
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await settle(world, delivered_all(first[0], setup, 1))
    await world.pass_time(0.1)
    assert len([one for one in await lease(world) if one.flow == setup.flow]) == 1


async def test_held_records_keep_the_order_of_their_key(world: World) -> None:
    setup = await world.new_flow()
    key, other = b"k" * 8, b"o" * 8
    await world.lanes.accept([batch_of(setup, 3, keys=[key, other, key])])
    one = await lease_of(world, setup)
    hold = Settlement(
        lane=one.lane,
        token=one.token,
        position=one.to,
        moved=3,
        progress=True,
        finished=True,
        given_back=True,
        attempts=(attempt(one, Position(2, 0), 2, 1),),
        held=(
            NewHeld(
                key=key,
                queue=Queue.LIVE,
                seq=1,
                position=0,
                step=0,
                release=1,
                attempt=1,
                retry=dt.timedelta(milliseconds=300),
                reason="locked",
            ),
            NewHeld(
                key=key,
                queue=Queue.LIVE,
                seq=1,
                position=2,
                step=0,
                release=None,
                attempt=0,
                retry=dt.timedelta(0),
                reason="behind_key",
            ),
        ),
        ledger=(LedgerEntry(source=setup.source, minute=minute(one.leased_at), delivered=1),),
    )
    await settle(world, hold)
    assert (await world.recount(setup))[setup.source]["in_flight"] == 2
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(0.4)
    first = await lease_of(world, setup)
    assert (first.queue, first.held, first.held_keys) == (Queue.HELD, 2, frozenset({key}))
    [head] = await world.lanes.held_window([first])
    assert (head.position, head.attempt) == (0, 1)
    assert [part.seq for part in await world.lanes.contents([first])] == [1]
    await settle(
        world,
        Settlement(
            lane=first.lane,
            token=first.token,
            progress=True,
            finished=True,
            given_back=True,
            attempts=(
                Attempt(
                    id=new_id(0),
                    call=new_id(0),
                    step=0,
                    queue=Queue.HELD,
                    start=Position(1, 0),
                    end=Position(1, 1),
                    release=1,
                    number=2,
                    started_at=first.leased_at,
                    milliseconds=1,
                    records=1,
                    delivered=1,
                    outcome="delivered",
                ),
            ),
            tried=(HeldTry(place=head.place, gone=True),),
            ledger=(LedgerEntry(source=setup.source, minute=minute(one.leased_at), delivered=1),),
        ),
    )
    second = await lease_of(world, setup)
    [tail] = await world.lanes.held_window([second])
    assert tail.position == 2
    counted = (await world.recount(setup))[setup.source]
    assert (counted["delivered"], counted["in_flight"]) == (2, 1)


async def test_live_goes_before_replay_but_not_for_ever(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=1))
    live = [batch_of(setup, 1) for _ in range(12)]
    await world.lanes.accept(live)
    source = await world.replay(setup, setup.lanes[0], live[0].id, [0])
    queues = []
    for _ in range(13):
        one = await lease_of(world, setup)
        queues.append(one.queue)
        await settle(
            world,
            delivered_all(one, setup, 1, source=source if one.queue is Queue.REPLAY else None),
        )
    assert queues == [Queue.LIVE] * 9 + [Queue.REPLAY] + [Queue.LIVE] * 3
    assert (await world.books(setup))[source]["delivered"] == 1


async def test_a_file_window_opens_when_its_time_or_its_rows_are_reached(world: World) -> None:
    setup = await world.new_flow(FlowOptions(window_rows=4, window_length=dt.timedelta(milliseconds=500)))
    await world.lanes.accept([batch_of(setup, 2)])
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.lanes.accept([batch_of(setup, 3)])
    full = await lease_of(world, setup)
    assert full.to == Position(2, 2)
    await settle(world, delivered_all(full, setup, 4))
    assert [x for x in await lease(world) if x.flow == setup.flow] == []
    await world.pass_time(0.6)
    assert (await lease_of(world, setup)).to == Position(3, 0)


async def test_a_journal_is_handed_back_and_its_content_sealed_once(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(0))
    call = new_id(0)
    first = await world.lanes.journal_seal(one.lane, one.token, call, b"content")
    again = await world.lanes.journal_seal(one.lane, one.token, call, b"other content")
    assert first is not None
    assert first == again
    assert first[0] == 1
    assert await world.lanes.journal_save(one.lane, one.token, call, b"state")
    await world.pass_time(0.05)
    two = await lease_of(world, setup)
    assert two.journal is not None
    assert (two.journal.call, two.journal.state, two.journal.content) == (call, b"state", b"content")
    done = delivered_all(two, setup, 1)
    await settle(
        world,
        Settlement(**{n: getattr(done, n) for n in done.__slots__ if n != "call"}, call=call),
    )
    await world.lanes.accept([batch_of(setup, 1)])
    assert (await lease_of(world, setup)).journal is None


async def test_lapses_while_sending_are_counted_apart(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 1)])
    one = await lease_of(world, setup, dt.timedelta(0))
    assert await world.lanes.mark_sending(one.lane, one.token)
    await world.pass_time(0.05)
    two = await lease_of(world, setup, dt.timedelta(0))
    await world.pass_time(0.05)
    three = await lease_of(world, setup)
    assert (two.lapses, two.sending_lapses) == (0, 1)
    assert (three.lapses, three.sending_lapses) == (1, 1)


async def test_a_narrowed_window_ends_earlier(world: World) -> None:
    setup = await world.new_flow()
    await world.lanes.accept([batch_of(setup, 8)])
    one = await lease_of(world, setup)
    await settle(world, Settlement(lane=one.lane, token=one.token, given_back=True, narrowed=Position(1, 4)))
    again = await lease_of(world, setup)
    assert (again.window, again.to) == (one.window, Position(1, 4))


async def test_further_calls_are_drawn_within_the_rate(world: World) -> None:
    setup = await world.new_flow(FlowOptions(rate=10.0))
    first = await world.lanes.draw(setup.connection, 100)
    second = await world.lanes.draw(setup.connection, 100)
    assert first.calls == 4  # 0.4 s of the rate
    assert second.calls == 0
    assert second.wait > dt.timedelta(0)
