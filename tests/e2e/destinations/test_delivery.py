"""Connection, objects, fields, flow, records: what arrives is what was sent, at every destination."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.e2e.destinations.place import Place, connect, draft
from tests.e2e.destinations.places import KINDS
from tests.e2e.destinations.submissions import NONE, SIZE, difference, submissions, tell
from tests.e2e.product import Customer


@pytest.mark.parametrize("kind", KINDS)
async def test_every_record_arrives_once_and_as_it_was(
    kind: str, customer: Customer, places: Mapping[str, Place]
) -> None:
    place = places[kind]
    connection = await connect(customer, place)
    flow = await customer.flow(connection, await draft(customer, connection, place))
    sent = submissions(SIZE)
    await customer.push(flow, sent)
    stats = await customer.drained(flow)
    tell(f"{kind}: {stats['delivered']} of {SIZE} delivered, p95 {stats['p95_milliseconds']:.0f} ms")

    assert (stats["accepted"], stats["delivered"]) == (SIZE, SIZE)
    assert difference(sent, place.held()) == NONE
