"""Connection, objects, fields, flow, records: what arrives is what was sent, at every destination."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.e2e.destinations.place import Place, connect, draft
from tests.e2e.destinations.places import KINDS
from tests.e2e.destinations.submissions import NONE, SIZE, difference, submissions
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

    assert (stats["accepted"], stats["delivered"]) == (SIZE, SIZE)
    assert difference(sent, place.held()) == NONE
