"""The Big List of Naughty Strings arrives unchanged; only what CSV cannot carry is refused, and said so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.product import Customer
from tests.e2e.real_input.arrivals import Hook, csv_records, expected, files_in, json_lines
from tests.e2e.real_input.connections import endpoint, server
from tests.e2e.real_input.data import naughty_strings
from tests.e2e.real_input.drafts import draft
from tests.sshd import Sshd

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""C0 control characters but tab, line feed and carriage return."""


async def test_json_carries_every_string(customer: Customer, sshd: Sshd, hook: Hook) -> None:
    data = naughty_strings()
    file_flow = await customer.flow(
        await server(customer, sshd), draft(data.types, object_="jsonl", nulls="default")
    )
    hook_flow = await customer.flow(
        await endpoint(customer, hook.url("naughty")), draft(data.types, nulls="default")
    )
    for flow in (file_flow, hook_flow):
        await customer.push(flow, data.records, batch=100)
        stats = await customer.drained(flow)
        assert stats["delivered"] == len(data.records) > 500
    sent = expected(data.records, data.types)

    assert json_lines(files_in(sshd.root)) == sent
    assert [one for message in hook.messages("naughty") for one in message["records"]] == sent


@pytest.mark.parametrize("quoting", ["minimal", "all", "non_numeric"])
async def test_csv_refuses_control_characters_and_carries_the_rest(
    quoting: str, customer: Customer, sshd: Sshd
) -> None:
    data = naughty_strings()
    sent = expected(data.records, data.types)
    unfit = [one for one in sent if CONTROL.search(one["text"])]
    options = {"quoting": quoting}
    flow = await customer.flow(
        await server(customer, sshd), draft(data.types, object_="csv", nulls="default", options=options)
    )
    await customer.push(flow, data.records, batch=100)
    stats = await customer.drained(flow)

    assert len(unfit) == 5
    assert csv_records(files_in(sshd.root), data.types) == [one for one in sent if one not in unfit]
    assert (stats["delivered"], stats["rejected"]) == (len(sent) - len(unfit), len(unfit))
    assert await refused(customer, flow) == {one["number"]: ("not_encodable", ["text"]) for one in unfit}


async def refused(customer: Customer, flow: str) -> Mapping[int, Any]:
    """Reason and fields per refused record, by its number, as an operator sees them."""
    failures = await customer.request("GET", f"/v1/failures?flow={flow}&limit=100")
    found = {}
    for failure in failures["data"]:
        record = await customer.request("GET", f"/v1/records/{failure['record']}")
        state = failure["state"]
        found[record["values"]["number"]] = (state["reason"], state["detail"]["fields"])
    return found
