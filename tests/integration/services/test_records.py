"""What became of records, and sending them again."""

from __future__ import annotations

import hashlib
import json
from uuid import UUID

import orjson
import pytest

from formlane.domain.ids import BatchId, RecordId
from formlane.domain.lanes import Queue
from formlane.errors import InvalidInput, NotFound
from formlane.services.ports.flows import Flow
from formlane.services.ports.records import ExceptionFilter
from formlane.services.records import RecordStatus
from tests.integration.services.world import World

RECORDS = [{"email": f"Person{index}@Example.com", "name": f"P{index}"} for index in range(10)]


def record(batch: UUID, index: int) -> RecordId:
    return RecordId(BatchId(batch), index)


async def statuses(world: World, tenant: UUID, batch: UUID) -> list[list[str]]:
    _, views = await world.records.batch(tenant, batch)
    return [[state.status for state in view.states] for view in views]


async def settled(world: World, tenant: UUID, **outcome: int) -> tuple[Flow, UUID]:
    """A flow with a batch of ten that was worked once."""
    flow = await world.published(tenant)
    receipt = await world.intake.accept(tenant, flow.id, RECORDS)
    await world.deliver(**outcome)
    return flow, receipt.batch


async def test_a_record_s_state_follows_its_way(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    batch = (await world.intake.accept(alice, flow.id, RECORDS)).batch
    assert await statuses(world, alice, batch) == [["queued"]] * 10
    [lease] = await world.lease()
    assert await statuses(world, alice, batch) == [["in_flight"]] * 10
    await world.lanes.settle([await world.settlement(lease, rejected=2, held=3)])
    expected = [["rejected"]] * 2 + [["held"]] * 3 + [["delivered"]] * 5
    assert await statuses(world, alice, batch) == expected
    held = (await world.records.record(alice, record(batch, 2))).states[0]
    assert (held.status, held.reason, held.retry_at is not None) == (RecordStatus.HELD, "locked", True)
    refused = (await world.records.record(alice, record(batch, 0))).states[0]
    assert refused.detail == {"message": "No such customer.", "fields": ["email"], "code": "X1", "text": None}
    stats = await world.flows.stats(alice, flow.id)
    assert (stats.delivered, stats.rejected, stats.in_flight, stats.work.held) == (5, 2, 3, 3)
    assert stats.p50 is not None
    assert await world.ledger.misbalances(alice, flow.id) == []


async def test_a_record_shows_its_attempts_with_what_was_said(world: World, alice: UUID) -> None:
    _, batch = await settled(world, alice)
    [view] = await world.records.attempts_of(alice, record(batch, 4))
    assert view.exchange == {"request": "POST /hook", "status": 200, "response": "ok"}
    assert view.remote_ids == ["r1"]
    assert (view.attempt.records, view.attempt.delivered, view.attempt.queue) == (10, 10, Queue.LIVE)
    [listed] = await world.records.attempts(alice, flow=view.attempt.flow)
    assert await world.records.attempt(alice, listed.id) == view


async def test_batches_and_attempts_are_read_page_by_page(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    made = [(await world.intake.accept(alice, flow.id, RECORDS[:1])).batch for _ in range(5)]
    first = await world.records.batches(alice, limit=2)
    second = await world.records.batches(alice, limit=2, before=first[-1].id)
    last = await world.records.batches(alice, limit=2, before=second[-1].id)
    assert [one.id for one in (*first, *second, *last)] == made[::-1]
    assert await world.records.batches(alice, source=flow.connection) == []


@pytest.mark.parametrize("wanted", ["person3@example.com", " PERSON3@EXAMPLE.COM ", "Person3@Example.com"])
async def test_a_record_is_found_by_its_email(world: World, alice: UUID, charlie: UUID, wanted: str) -> None:
    _, batch = await settled(world, alice)
    await settled(world, charlie)
    [found] = await world.records.search(alice, wanted)
    assert (found.id, found.values) == (record(batch, 3), RECORDS[3])
    assert await world.records.search(alice, "nobody@example.com") == []


async def test_a_record_is_found_by_its_key(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["name"])
    batch = (await world.intake.accept(alice, flow.id, RECORDS)).batch
    assert [one.id for one in await world.records.search(alice, "P7")] == [record(batch, 7)]


async def test_a_receipt_says_what_was_sent_when_and_by_which_version(world: World, alice: UUID) -> None:
    _, batch = await settled(world, alice, rejected=1)
    receipt = await world.records.receipt(alice, record(batch, 1))
    assert receipt["sha256"] == hashlib.sha256(orjson.dumps(RECORDS[1])).hexdigest()
    [delivery] = json.loads(orjson.dumps(receipt["deliveries"]))
    assert (delivery["status"], delivery["version"], delivery["attempts"]) == ("delivered", 1, 1)
    refused = await world.records.receipt(alice, record(batch, 0))
    assert json.loads(orjson.dumps(refused["deliveries"]))[0]["reason"] == "refused"


async def test_records_of_another_tenant_do_not_exist(world: World, alice: UUID, charlie: UUID) -> None:
    flow, batch = await settled(world, alice, rejected=1)
    [attempt] = await world.records.attempts(alice)
    for looking in (
        world.records.batch(charlie, batch),
        world.records.record(charlie, record(batch, 0)),
        world.records.receipt(charlie, record(batch, 0)),
        world.records.attempt(charlie, attempt.id),
        world.replays.of_batch(charlie, flow.id, batch),
    ):
        with pytest.raises(NotFound):
            await looking
    everything = ExceptionFilter()
    assert await world.records.failures(charlie, everything) == []
    assert await world.records.groups(charlie, everything) == []
    with pytest.raises(NotFound):
        await world.records.record(alice, record(batch, 10))


async def test_failures_are_listed_grouped_and_sent_again_once(world: World, alice: UUID) -> None:
    flow, batch = await settled(world, alice, rejected=4)
    chosen = ExceptionFilter(flow=flow.id)
    first = await world.records.failures(alice, chosen, limit=3)
    rest = await world.records.failures(alice, chosen, limit=3, after=first[-1])
    assert [one.record for one in (*first, *rest)] == [record(batch, index) for index in range(4)]
    [group] = await world.records.groups(alice, chosen)
    assert (group.reason, group.records, group.fingerprint) == ("refused", 4, b"12345678")
    replay = await world.replays.of_failures(alice, chosen)
    assert replay.records == 4
    assert await world.records.groups(alice, chosen) == []
    with pytest.raises(InvalidInput) as refusal:
        await world.replays.of_failures(alice, chosen)
    assert refusal.value.problems[0].code == "nothing_to_replay"
    assert await statuses(world, alice, batch) == [["rejected", "queued"]] * 4 + [["delivered"]] * 6
    await world.deliver()
    assert await statuses(world, alice, batch) == [["rejected", "delivered"]] * 4 + [["delivered"]] * 6
    stats = await world.flows.stats(alice, flow.id)
    assert (stats.accepted, stats.delivered, stats.rejected, stats.in_flight) == (14, 10, 4, 0)
    assert await world.ledger.misbalances(alice, flow.id) == []


async def test_only_settled_records_are_sent_again(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    batch = (await world.intake.accept(alice, flow.id, RECORDS)).batch
    with pytest.raises(InvalidInput):
        await world.replays.of_batch(alice, flow.id, batch)
    await world.deliver(held=3)
    replay = await world.replays.of_records(alice, flow.id, [record(batch, 0), record(batch, 5)])
    assert replay.records == 1
    whole = await world.replays.of_batch(alice, flow.id, batch, as_new=True)
    assert whole.records == 6
    assert [one.id for one in await world.replays.list(alice)] == [whole.id, replay.id]
    [lease] = await world.lease()
    contents = await world.lanes.contents([lease])
    assert [(content.rows, content.as_new) for content in contents] == [
        ((5,), False),
        ((3, 4, 6, 7, 8, 9), True),
    ]
    assert {content.origin for content in contents} == {flow.id}


async def test_records_refused_at_intake_cannot_be_sent_again(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    batch = (await world.intake.accept(alice, flow.id, [RECORDS[0], {"name": "x"}])).batch
    await world.deliver()
    assert (await world.replays.of_batch(alice, flow.id, batch)).records == 1


async def test_a_replay_is_taken_back_as_far_as_no_worker_has_it(world: World, alice: UUID) -> None:
    flow, batch = await settled(world, alice)
    replay = await world.replays.of_batch(alice, flow.id, batch)
    cancelled, taken_back = await world.replays.cancel(alice, replay.id)
    assert (taken_back, cancelled.records, cancelled.cancelled_at is not None) == (10, 0, True)
    assert (await world.replays.cancel(alice, replay.id))[1] == 0
    assert await statuses(world, alice, batch) == [["delivered"]] * 10
    assert await world.deliver() == 0
    assert await world.ledger.misbalances(alice, flow.id) == []
    await world.replays.of_batch(alice, flow.id, batch)
    assert await world.deliver() == 1
    assert await world.ledger.misbalances(alice, flow.id) == []


async def test_a_replay_under_lease_is_finished_and_the_rest_taken_back(world: World, alice: UUID) -> None:
    flow, batch = await settled(world, alice)
    first = await world.replays.of_records(alice, flow.id, [record(batch, 0)])
    [lease] = await world.lease()
    second = await world.replays.of_records(alice, flow.id, [record(batch, 1), record(batch, 2)])
    third = await world.replays.of_records(alice, flow.id, [record(batch, 3)])
    assert (await world.replays.cancel(alice, first.id))[1] == 0
    assert (await world.replays.cancel(alice, second.id))[1] == 2
    await world.lanes.settle([await world.settlement(lease)])
    assert await world.deliver() == 1
    assert (await world.replays.get(alice, third.id)).records == 1
    assert await statuses(world, alice, batch) == [
        ["delivered", "delivered"],
        ["delivered"],
        ["delivered"],
        ["delivered", "delivered"],
        *[["delivered"]] * 6,
    ]
    assert await world.ledger.misbalances(alice, flow.id) == []
