"""From records that were sent to durable batches, as answered and as stored."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import pytest

from formlane.domain.flows import FlowDefinition
from formlane.domain.ids import BatchId, RecordId
from formlane.domain.types import FieldType
from formlane.errors import Conflict, InvalidInput, NotFound, TooLarge, Unavailable
from formlane.services.intake import Receipt
from formlane.services.records import RecordStatus
from tests.integration.services.world import World, flow_definition

RECORDS = [{"email": f"p{index}@example.com", "name": f"P {index}"} for index in range(10)]


async def blobs(world: World, tenant: UUID, receipt: Receipt) -> list[object]:
    _, views = await world.records.batch(tenant, receipt.batch)
    return [view.values for view in views]


async def test_what_was_pushed_is_stored_and_queued(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"], shards=4)
    receipt = await world.intake.accept(alice, flow.id, RECORDS)
    assert await blobs(world, alice, receipt) == RECORDS
    _, views = await world.records.batch(alice, receipt.batch)
    assert {state.status for view in views for state in view.states} == {RecordStatus.QUEUED}
    assert world.bell.rings == 1
    assert len({state.lane for view in views for state in view.states}) > 1
    answer = json.loads(receipt.body())
    assert (answer["records"], answer["accepted"], answer["rejected"]) == (10, 10, 0)
    assert [one["status"] for one in answer["results"]] == ["accepted"] * 10
    assert answer["results"][3]["id"].endswith("_3")


async def test_equal_keys_share_a_lane_in_order(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"], shards=8)
    records = [{"email": f"k{index % 3}@example.com", "name": str(index)} for index in range(30)]
    receipt = await world.intake.accept(alice, flow.id, records)
    _, views = await world.records.batch(alice, receipt.batch)
    for key in range(3):
        mine = [view.states[0] for index, view in enumerate(views) if index % 3 == key]
        assert len({state.lane for state in mine}) == 1
        assert [state.place for state in mine] == sorted(state.place for state in mine if state.place)


async def test_a_batch_without_key_stays_together_and_batches_take_turns(world: World, alice: UUID) -> None:
    flow = await world.published(alice, shards=2)
    lanes = []
    for _ in range(4):
        receipt = await world.intake.accept(alice, flow.id, RECORDS)
        _, views = await world.records.batch(alice, receipt.batch)
        [lane] = {view.states[0].lane for view in views}
        lanes.append(lane)
    assert lanes[:2] == lanes[2:]
    assert lanes[0] != lanes[1]


async def test_all_flows_of_a_form_get_the_records(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    other = await world.flows.create(
        alice, flow.connection, name="Other", draft=flow_definition(key=["email"])
    )
    second = (await world.flows.publish(alice, other.flow.id)).flow
    form = await world.attached(alice, flow, second)
    receipt = await world.intake.accept(alice, form.id, [{"mail": "a@example.com", "full_name": "A"}])
    view = await world.records.record(alice, RecordId(BatchId(receipt.batch), 0))
    assert {state.flow for state in view.states} == {flow.id, second.id}


async def test_invalid_records_are_stored_as_rejected_beside_the_valid(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"])
    sent = [
        RECORDS[0],
        {"name": "no address"},
        "no object",
        RECORDS[1],
        {"email": "x@example.com", "extra": 1},
    ]
    receipt = await world.intake.accept(alice, flow.id, sent)
    answer = json.loads(receipt.body())
    assert [one["status"] for one in answer["results"]] == [
        "accepted",
        "rejected",
        "rejected",
        "accepted",
        "accepted",
    ]
    assert answer["results"][1]["errors"][0]["pointer"] == "/records/1/email"
    assert "extra" in answer["results"][4]["warnings"][0]
    _, views = await world.records.batch(alice, receipt.batch)
    assert [view.values for view in views] == [sent[0], sent[1], None, sent[3], sent[4]]
    refused = views[1].states
    assert [(state.flow, state.status, state.reason) for state in refused] == [
        (None, RecordStatus.REJECTED, "missing_required")
    ]
    assert refused[0].detail is not None
    assert refused[0].detail["fields"] == ["email"]
    assert views[3].states[0].status is RecordStatus.QUEUED
    assert await world.ledger.misbalances(alice, flow.id) == []


async def test_nothing_is_stored_when_no_record_is_valid(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    with pytest.raises(InvalidInput) as refusal:
        await world.intake.accept(alice, flow.id, [{"name": "x"}, 5], at="")
    assert [problem.pointer for problem in refusal.value.problems] == ["/0/email", "/1"]
    assert await world.records.batches(alice) == []


async def test_a_repeat_gets_the_first_answer_and_stores_nothing(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    sent = [RECORDS[0], {"name": "invalid"}]
    first = await world.intake.accept(alice, flow.id, sent, key="k")
    again = await world.intake.accept(alice, flow.id, sent, key="k")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.body() == first.body()
    assert len(await world.records.batches(alice)) == 1


async def test_concurrent_repeats_share_one_batch(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    receipts = await asyncio.gather(
        *(world.intake.accept(alice, flow.id, RECORDS, key="same") for _ in range(20))
    )
    assert len({receipt.batch for receipt in receipts}) == 1
    assert sum(not receipt.repeated for receipt in receipts) == 1


async def test_a_key_with_other_records_is_refused(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    await world.intake.accept(alice, flow.id, RECORDS, key="k")
    with pytest.raises(Conflict) as refusal:
        await world.intake.accept(alice, flow.id, RECORDS[:5], key="k")
    assert refusal.value.code == "idempotency_mismatch"


async def test_keys_of_two_sources_are_their_own(world: World, alice: UUID) -> None:
    one, two = await world.published(alice), await world.published(alice, name="Two")
    await world.intake.accept(alice, one.id, RECORDS, key="k")
    receipt = await world.intake.accept(alice, two.id, RECORDS[:1], key="k")
    assert not receipt.repeated


async def test_a_form_without_routes_takes_nothing(world: World, alice: UUID) -> None:
    form = await world.attached(alice)
    with pytest.raises(Conflict) as refusal:
        await world.intake.accept(alice, form.id, [{"mail": "a@example.com"}])
    assert refusal.value.code == "no_routes"
    assert await world.records.batches(alice) == []


async def test_a_draft_takes_nothing(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    draft = await world.flows.create(alice, flow.connection, name="Draft", draft=flow_definition())
    with pytest.raises(Conflict) as refusal:
        await world.intake.accept(alice, draft.flow.id, RECORDS)
    assert refusal.value.code == "not_published"


async def test_the_source_of_another_tenant_does_not_exist(world: World, alice: UUID, charlie: UUID) -> None:
    flow = await world.published(alice)
    with pytest.raises(NotFound):
        await world.intake.accept(charlie, flow.id, RECORDS)


async def test_a_route_made_after_the_first_batch_is_used_at_once(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    form = await world.attached(alice, flow)
    await world.intake.accept(alice, form.id, [{"mail": "a@example.com"}])
    other = await world.flows.create(alice, flow.connection, name="Other", draft=flow_definition())
    second = (await world.flows.publish(alice, other.flow.id)).flow
    [route] = await world.routes.list(alice, form=form.id)
    await world.routes.attach(alice, form=form.id, flow=second.id, bindings=route.bindings)
    receipt = await world.intake.accept(alice, form.id, [{"mail": "b@example.com"}])
    view = await world.records.record(alice, RecordId(BatchId(receipt.batch), 0))
    assert {state.flow for state in view.states} == {flow.id, second.id}


async def test_a_stricter_version_refuses_at_once_and_a_laxer_one_accepts_at_once(
    world: World, alice: UUID
) -> None:
    flow = await world.published(alice)
    await world.intake.accept(alice, flow.id, [{"email": "a@example.com"}])

    async def publish(definition: FlowDefinition) -> None:
        now = await world.flows.get(alice, flow.id)
        await world.flows.update_draft(
            alice, flow.id, draft=definition, draft_revision=now.flow.draft_revision
        )
        await world.flows.publish(alice, flow.id)

    await publish(
        flow_definition(inputs=[("email", FieldType.EMAIL, True), ("name", FieldType.STRING, True)])
    )
    with pytest.raises(InvalidInput):
        await world.intake.accept(alice, flow.id, [{"email": "a@example.com"}])
    await publish(flow_definition())
    await world.intake.accept(alice, flow.id, [{"email": "a@example.com"}])


async def test_the_hosted_page_is_answered_by_field(world: World, alice: UUID) -> None:
    form = await world.attached(alice, await world.published(alice))
    with pytest.raises(InvalidInput) as refusal:
        await world.intake.submit(alice, form.id, {"mail": "", "full_name": "x" * 60}, token="t1")
    assert {problem.pointer for problem in refusal.value.problems} == {"/mail", "/full_name"}
    first = await world.intake.submit(alice, form.id, {"mail": "a@example.com"}, token="t1")
    again = await world.intake.submit(alice, form.id, {"mail": "a@example.com"}, token="t1")
    assert (again.batch, again.repeated) == (first.batch, True)


@pytest.mark.parametrize("records", [[], [RECORDS[0]] * 10_001])
async def test_too_few_or_too_many_records_are_refused(
    world: World, alice: UUID, records: list[object]
) -> None:
    flow = await world.published(alice)
    with pytest.raises((InvalidInput, TooLarge)):
        await world.intake.accept(alice, flow.id, records)


async def test_a_large_batch_arrives_whole(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"], shards=8)
    records = [{"email": f"p{index}@example.com", "name": "x" * 20} for index in range(5_000)]
    receipt = await world.intake.accept(alice, flow.id, records)
    _, views = await world.records.batch(alice, receipt.batch, start=4_990)
    assert [view.values for view in views] == records[4_990:]


async def test_many_submitters_share_commits_and_lose_nothing(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"])
    receipts = await asyncio.gather(
        *(world.intake.accept(alice, flow.id, [{"email": f"s{index}@example.com"}]) for index in range(200))
    )
    assert len({receipt.batch for receipt in receipts}) == 200
    assert world.bell.rings < 100
    stats = await world.flows.stats(alice, flow.id)
    assert (stats.accepted, stats.work.queued) == (200, 200)


async def test_nothing_is_taken_once_intake_stops(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    pending = asyncio.gather(*(world.intake.accept(alice, flow.id, RECORDS) for _ in range(5)))
    await asyncio.sleep(0)
    await world.intake.stop()
    with pytest.raises(Unavailable):
        await world.intake.accept(alice, flow.id, RECORDS)
    assert len({receipt.batch for receipt in await pending}) == 5
