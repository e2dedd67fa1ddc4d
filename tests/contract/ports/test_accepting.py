"""How batches are accepted."""

from __future__ import annotations

from formlane.domain.lanes import (
    Position,
    Queue,
    Verdict,
)
from tests.contract.ports.steps import delivered_all, lease, lease_of, settle
from tests.contract.ports.worlds import World, batch_of


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
