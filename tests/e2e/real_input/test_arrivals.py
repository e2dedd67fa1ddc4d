"""Published data sets, pushed over HTTP, arrive as files and webhooks without any difference."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import Customer
from tests.e2e.real_input.arrivals import Hook, csv_records, expected, files_in, json_lines
from tests.e2e.real_input.connections import endpoint, server
from tests.e2e.real_input.data import DataSet, fair_answers, icd_codes
from tests.e2e.real_input.drafts import draft
from tests.sshd import Sshd

WINDOW = {"seconds": 1, "rows": 1500}
SETS = pytest.mark.parametrize("load", [fair_answers, icd_codes], ids=["fair", "icd"])


async def pushed(customer: Customer, flow: str, data: DataSet) -> Mapping[str, Any]:
    """Pushes a data set and waits; fails the test unless all of it is booked as delivered."""
    await customer.push(flow, data.records)
    stats = await customer.drained(flow)
    assert (stats["accepted"], stats["delivered"]) == (len(data.records), len(data.records))
    return stats


def test_the_data_sets_are_what_they_are_said_to_be() -> None:
    fair, icd = fair_answers(), icd_codes()
    texts = [text for code in icd.records for text in code.values() if text]

    assert len(fair.records) == 6366
    assert len({code["code"] for code in icd.records}) == len(icd.records) > 10_000
    assert max(map(len, texts)) > 2000
    assert sum(not text.isascii() for text in texts) > 100
    assert sum("\n" in text for text in texts) > 2000


@SETS
async def test_files_hold_every_record_in_order(load: Any, customer: Customer, sshd: Sshd) -> None:
    data: DataSet = load()
    connection = await server(customer, sshd)
    flows = {
        kind: await customer.flow(
            connection, draft(data.types, object_=kind, window=WINDOW, options={"directory": kind})
        )
        for kind in ("csv", "jsonl")
    }
    for flow in flows.values():
        await pushed(customer, flow, data)
    sent = expected(data.records, data.types)
    files = {kind: files_in(sshd.root / kind) for kind in flows}

    assert min(map(len, files.values())) > 3
    assert json_lines(files["jsonl"]) == sent
    assert csv_records(files["csv"], data.types) == [
        {name: "" if value is None else value for name, value in record.items()} for record in sent
    ]


@SETS
@pytest.mark.parametrize("body", ["wrapped", "array"])
async def test_messages_hold_every_record_in_order(
    load: Any, body: str, customer: Customer, hook: Hook
) -> None:
    data: DataSet = load()
    connection = await endpoint(customer, hook.url(body), body=body, batch_size=200)
    flow = await customer.flow(connection, draft(data.types))
    await pushed(customer, flow, data)
    messages = hook.messages(body)
    if body == "wrapped":
        assert all(list(message) == ["records"] for message in messages)
        messages = [message["records"] for message in messages]

    assert [record for message in messages for record in message] == expected(data.records, data.types)


async def test_single_messages_hold_every_record_in_order_of_its_key(customer: Customer, hook: Hook) -> None:
    data = dataclasses.replace(fair_answers(), records=fair_answers().records[::4])
    connection = await endpoint(customer, hook.url("single"), body="single")
    flow = await customer.flow(connection, draft(data.types, key=["occupation", "religious"], shards=16))
    await pushed(customer, flow, data)
    arrived = hook.messages("single")
    rows = defaultdict(list)
    for record in arrived:
        rows[record["occupation"], record["religious"]].append(record["row"])

    assert sorted(arrived, key=lambda record: int(record["row"])) == expected(data.records, data.types)
    assert all(of_key == sorted(of_key) for of_key in rows.values())


async def test_empty_text_and_no_text_are_written_apart(customer: Customer, sshd: Sshd) -> None:
    types = {"id": "integer", "plain": "text", "kept": "text"}
    connection = await server(customer, sshd)
    made = draft(types, object_="csv", options={"header": False})
    made["steps"][0]["mapping"][2] |= {"nulls": "default", "default": ""}
    flow = await customer.flow(connection, made)
    await customer.push(flow, [{"id": 1, "plain": None, "kept": ""}, {"id": 2, "plain": "", "kept": "x"}])
    await customer.drained(flow)
    [file] = files_in(Path(sshd.root))

    assert file.read_bytes() == b'1,,""\r\n2,,x\r\n'
