"""The scheduler's duties, each by one process at a time."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from formlane.services.duties import Duties
from formlane.services.ports.connections import PauseScope
from formlane.services.ports.flows import Flow
from formlane.store.connect import Pool
from tests.integration.services.world import World

RECORDS = [{"email": f"p{index}@example.com"} for index in range(20)]


def scheduler(world: World, holder: str) -> Duties:
    return Duties(
        store=world.store,
        engine=world.engine,
        accounts=world.accounts,
        connections=world.connections,
        flows=world.flows,
        doorbell=world.bell,
        holder=holder,
    )


async def waiting(world: World, tenant: UUID) -> Flow:
    """A flow whose lanes found their connection paused for a person."""
    flow = await world.published(tenant, key=["email"], shards=4)
    await world.intake.accept(tenant, flow.id, RECORDS)
    async with world.store.tenant(tenant) as unit:
        await unit.pauses.add(PauseScope.CONNECTION, flow.connection, "permission", until=None, message="403")
    assert await world.deliver() == 0
    return flow


async def test_a_duty_is_done_by_one_of_two(world: World, admin_pool: Pool) -> None:
    await admin_pool.execute("DELETE FROM formlane.duties")
    one, two = scheduler(world, "one"), scheduler(world, "two")
    first = await one.tick()
    assert set(first) == {duty.name for duty in one.all()}
    assert not [name for name, what in first.items() if what.startswith("failed")]
    assert await two.tick() == {}
    held = await world.store.duties.take("held", "somebody", dt.timedelta(minutes=1), every=dt.timedelta(0))
    again = await world.store.duties.take("held", "else", dt.timedelta(minutes=1), every=dt.timedelta(0))
    assert (held, again) == (True, False)


async def test_a_duty_that_fails_leaves_the_others_running(world: World, admin_pool: Pool) -> None:
    await admin_pool.execute("DELETE FROM formlane.duties")
    duties = scheduler(world, "one")

    async def broken(most: int) -> int:
        raise ValueError("no books today")

    world.store.duties.fold_ledger = broken  # type: ignore[method-assign]  # one duty meets a fault
    done = await duties.tick()
    assert done["fold_ledger"].startswith("failed")
    assert len(done) == len(duties.all())


async def test_lanes_wake_when_their_connection_is_free_again(
    world: World, alice: UUID, admin_pool: Pool
) -> None:
    flow = await waiting(world, alice)
    assert await world.duties.wake_lanes() == "0 lanes"
    # As after a crash right behind the commit of a resume.
    await admin_pool.execute("DELETE FROM formlane.pauses WHERE tenant_id = $1", alice)
    await admin_pool.execute(
        "UPDATE formlane.connection_state SET paused_until = '-infinity' WHERE connection_id = $1",
        flow.connection,
    )
    assert await world.deliver() == 0
    rings = world.bell.rings
    assert await world.duties.wake_lanes() == "4 lanes"
    assert world.bell.rings == rings + 1
    assert await world.deliver() == 4


async def test_a_connection_without_permission_is_tried_and_stays_blocked_while_it_fails(
    world: World, alice: UUID
) -> None:
    flow = await waiting(world, alice)
    blocked = await world.store.duties.blocked(PauseScope.CONNECTION, ["permission"])
    assert (alice, flow.connection) in blocked
    what = await world.duties.check_permissions()
    assert what.endswith(" 0 passed")
    view = await world.connections.get(alice, flow.connection)
    assert [pause.reason for pause in view.pauses] == ["permission"]


async def test_the_books_are_folded_and_say_the_same(world: World, alice: UUID, admin_pool: Pool) -> None:
    flow = await world.published(alice)
    await world.intake.accept(alice, flow.id, RECORDS)
    await world.deliver(rejected=2)
    before = await world.flows.stats(alice, flow.id)
    await world.duties.fold_ledger()
    left = await admin_pool.fetchval(
        "SELECT count(*) FROM formlane.ledger_deltas WHERE tenant_id = $1", alice
    )
    after = await world.flows.stats(alice, flow.id)
    assert left == 0
    assert (after.accepted, after.delivered, after.rejected) == (20, 18, 2)
    assert (before.p50, before.p95, before.delivered) == (after.p50, after.p95, after.delivered)
    minute = after.until - dt.timedelta(days=1)
    [sums] = await world.ledger.sums(alice, since=minute, until=after.until, by_minute=True)
    assert (sums.source, sums.flow, sums.in_flight) == (flow.id, flow.id, 0)


async def test_books_that_do_not_balance_raise_an_alert_until_they_do(
    world: World, alice: UUID, admin_pool: Pool
) -> None:
    flow = await world.published(alice)
    await world.intake.accept(alice, flow.id, RECORDS)
    await admin_pool.execute(
        "UPDATE formlane.ledger_deltas SET accepted = accepted + 1 WHERE flow_id = $1", flow.id
    )
    [wrong] = await world.store.duties.check_books(alice, flow.id)
    assert (wrong.what, wrong.booked, wrong.counted) == ("accepted", 21, 20)
    async with world.store.tenant(alice) as unit:
        assert [alert.reason for alert in await unit.pauses.alerts()] == ["misbalance"]
    await admin_pool.execute(
        "UPDATE formlane.ledger_deltas SET accepted = accepted - 1 WHERE flow_id = $1", flow.id
    )
    await world.duties.recount()
    async with world.store.tenant(alice) as unit:
        assert await unit.pauses.alerts() == []
        assert len(await unit.pauses.alerts(open_only=False)) == 1


async def test_old_keys_and_reasons_are_cleared_and_young_ones_stay(
    world: World, alice: UUID, admin_pool: Pool
) -> None:
    flow = await world.published(alice)
    await world.intake.accept(alice, flow.id, RECORDS, key="old")
    await admin_pool.execute(
        "UPDATE formlane.idempotency SET created_at = now() - interval '25 hours' WHERE tenant_id = $1", alice
    )
    await world.intake.accept(alice, flow.id, RECORDS, key="young")
    async with world.store.tenant(alice) as unit:
        past, future = await unit.now() - dt.timedelta(1), await unit.now() + dt.timedelta(1)
        await unit.pauses.add(PauseScope.FLOW, flow.id, "over", until=past, message="")
        await unit.pauses.add(PauseScope.FLOW, flow.id, "on", until=future, message="")
    await world.duties.purge_idempotency()
    await world.duties.clear_pauses()
    assert not (await world.intake.accept(alice, flow.id, RECORDS, key="old")).repeated
    assert (await world.intake.accept(alice, flow.id, RECORDS, key="young")).repeated
    reasons = await admin_pool.fetch("SELECT reason FROM formlane.pauses WHERE tenant_id = $1", alice)
    assert [row["reason"] for row in reasons] == ["on"]


async def test_records_are_found_before_and_after_their_tokens_are_merged(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"])
    await world.duties.merge_lookup()
    await world.intake.accept(alice, flow.id, RECORDS)
    before = await world.records.search(alice, "p7@example.com")
    assert await world.duties.merge_lookup() != "0 pages"
    assert await world.duties.merge_lookup() == "0 pages"
    after = await world.records.search(alice, "p7@example.com")
    assert before == after
    assert len(after) == 1
