"""`make run` on a bare machine: forms submitted, one record arrives signed, the other as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import aiohttp

from tests.e2e.cli.conftest import Installation, listed, submit

RESTART_DEADLINE = 90.0
"""Seconds, for a machine that does much else; the time taken is in the report."""

CONTACT = [
    ("first_name", "  ada"),
    ("last_name", "LOVELACE "),
    ("email", "Ada@Example.com"),
    ("phone", ""),
    ("company", ""),
    ("topic", "Something is broken"),
    ("call_on", ""),
    ("message", "The engine stops.\nWhat now?"),
]
WORKSHOP = [
    ("first_name", "grace"),
    ("last_name", "hopper"),
    ("email", "Grace@Example.com"),
    ("workshop", "Clean data from the start"),
    ("day", "2026-12-01"),
    ("seats", "4"),
    ("meals", "Vegan"),
    ("meals", "Gluten-free"),
    ("remarks", 'Near the "window", please'),
]


async def test_demo_forms_arrive_and_a_second_start_finds_everything(
    installation: Installation,
    session: aiohttp.ClientSession,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("first_start_seconds", await installation.start())
    thanks = await submit(session, installation.address("Contact us"), CONTACT)
    assert "We answer within one working day" in thanks
    await submit(session, installation.address("Workshop registration"), WORKSHOP)

    arrival = (await listed(session, f"{installation.receiver}/_control/arrivals", least=1))[0]
    assert arrival["signature"] == "ok"
    record = json.loads(str(arrival["body"]))["records"][0]
    assert record["name"] == "Ada Lovelace"
    assert record["email"] == "ada@example.com"
    assert (record["priority"], record["company"], record["phone"]) == ("high", "(private)", None)
    assert record["message"].splitlines() == ["The engine stops.", "What now?"]

    file = (await listed(session, f"{installation.files}/_control/files", least=1))[0]
    async with session.get(f"{installation.files}/_control/files/{file['path']}") as response:
        rows = list(csv.DictReader(io.StringIO(await response.text())))
    assert [row["participant"] for row in rows] == ["Hopper, Grace"]
    assert (rows[0]["day"], rows[0]["size"], rows[0]["newsletter"]) == ("01.12.2026", "group", "no")
    assert set(rows[0]["meals"].split(";")) == {"Vegan", "Gluten-free"}
    assert rows[0]["remarks"] == 'Near the "window", please'

    before = [line for line in installation.printed if line]
    assert await installation.stop() == 0
    again = await installation.start()
    record_property("second_start_seconds", again)
    assert again < RESTART_DEADLINE
    assert [line for line in installation.printed if line] == before
    await submit(session, installation.address("Contact us"), CONTACT)
    arrivals = await listed(session, f"{installation.receiver}/_control/arrivals", least=1)
    assert arrivals[-1]["signature"] == "ok"
    assert await installation.stop() == 0
