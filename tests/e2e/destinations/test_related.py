"""Two objects per record, the second referring to the first, while workers are killed between the two."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.drift import ChangeOptions
from tests.database import TestDatabase
from tests.e2e.destinations.jira import JiraPlace
from tests.e2e.destinations.killed import Workers, running_workers
from tests.e2e.destinations.place import Place, connect, described, draft, mapping
from tests.e2e.destinations.salesforce import WRITES, SalesforcePlace
from tests.e2e.destinations.submissions import NONE, SIZE, Submission, difference, submissions, tell
from tests.e2e.product import Addresses, Customer, Product, running_product

SUBTASK: Final = "HELP/10003"
ISSUES: Final = SIZE // 20
KILLS: Final = 4
BETWEEN: Final = "settled:0.1"
"""Most settlements but the last of a window are those of a first step."""


@pytest.fixture
async def product(database: TestDatabase, state_dir: Path, addresses: Addresses) -> AsyncIterator[Product]:
    """An installation whose workers are other processes."""
    async with running_product(database.dsn, state=state_dir, allowed=addresses, works=False) as running:
        yield running


@pytest.fixture
async def workers(
    product: Product, database: TestDatabase, state_dir: Path, addresses: Addresses
) -> AsyncIterator[Workers]:
    async with running_workers(database, state_dir, addresses) as started:
        yield started


def marked(number: int) -> list[Submission]:
    """Submissions of which every tenth is one that a second step will be refused for."""
    return [
        {**one, "name": f"refused {n}"} if n % 10 == 0 else one for n, one in enumerate(submissions(number))
    ]


async def two_steps(
    customer: Customer, connection: str, place: Place, second: Mapping[str, Any], lines: Mapping[str, str]
) -> str:
    """A published flow; `lines` and the reference that `second` has make up its second step."""
    made = await draft(customer, connection, place, shards=5)
    fields = await described(customer, connection, second["object"])
    first = made["steps"][0]["name"]
    reference = {
        "target": second["reference"],
        "type": "reference",
        "required": True,
        "source": {"kind": "step", "step": first},
    }
    step = {
        "name": "second",
        "object": second["object"],
        "tracking_field": place.tracking_field,
        "mapping": [reference, *mapping(lines, fields)],
    }
    return await customer.flow(connection, {**made, "steps": [*made["steps"], step]})


async def contact_and_case(customer: Customer, place: Place) -> str:
    connection = await connect(customer, place, timeout_seconds=5)
    case = {"object": "Case", "reference": "ContactId"}
    return await two_steps(customer, connection, place, case, {"Subject": "name", "SuppliedEmail": "email"})


async def issue_and_subtask(customer: Customer, place: Place) -> str:
    connection = await connect(customer, place)
    lines = {
        "summary": "name",
        "customfield_10203": "email",
        "customfield_10209": '=IF(LEFT(name, 7) = "refused", "Medium", "Low")',
    }
    return await two_steps(customer, connection, place, {"object": SUBTASK, "reference": "parent"}, lines)


async def replay(customer: Customer, flow: str) -> None:
    """What a person does once the cause is mended."""
    await customer.request("POST", "/v1/replays", {"flow": flow, "failures": {}})


def pairs(rows: Sequence[tuple[object, str]], parents: Mapping[Any, str]) -> Counter[bool]:
    """Whether each second object refers to the first one of the same submission."""
    return Counter(parents.get(parent) == email for parent, email in rows)


def cases(place: SalesforcePlace) -> Counter[bool]:
    contacts = {row["Id"]: str(row["Email"]) for row in place.simulator.rows("Contact")}
    rows = [(row["ContactId"], str(row["SuppliedEmail"])) for row in place.simulator.rows("Case")]
    assert len(set(rows)) == len(rows)
    return pairs(rows, contacts)


def subtasks(place: JiraPlace) -> Counter[bool]:
    issues = {one["key"]: one["fields"]["customfield_10203"] for one in place.issues("HELP/Task")}
    rows = [
        (one["fields"]["parent"]["key"], one["fields"]["customfield_10203"])
        for one in place.issues("HELP/Sub-task")
    ]
    assert len(set(rows)) == len(rows)
    return pairs(rows, issues)


async def test_a_record_goes_on_at_the_step_where_it_stopped(
    customer: Customer, places: Mapping[str, Place], workers: Workers
) -> None:
    salesforce, jira = places["salesforce"], places["jira"]
    assert isinstance(salesforce, SalesforcePlace)
    assert isinstance(jira, JiraPlace)
    flows = [await contact_and_case(customer, salesforce), await issue_and_subtask(customer, jira)]
    validation = Fault(
        kind=Kind.NAMED, name="validation", path=WRITES, detail={"field": "Subject", "match": "refused*"}
    )
    salesforce.simulator.faults.arm(validation)
    jira.simulator.alter(ChangeOptions(field="customfield_10209", disable=("Medium",)))
    records = [marked(SIZE), marked(ISSUES)]
    for flow, sent in zip(flows, records, strict=True):
        await customer.push(flow, sent, batch=50)
    killed = await workers.die(KILLS, failpoints=BETWEEN, seconds=20)
    await workers.start()
    stats = await asyncio.gather(*(customer.drained(flow) for flow in flows))
    tell(f"{killed} workers killed; {stats}")

    assert killed == KILLS
    assert [(one["delivered"], one["rejected"], one["parked"]) for one in stats] == [
        (SIZE - SIZE // 10, SIZE // 10, 0),
        (ISSUES - ISSUES // 10, ISSUES // 10, 0),
    ]
    assert [difference(*pair) for pair in zip(records, (salesforce.held(), jira.held()), strict=True)] == [
        NONE,
        NONE,
    ]
    assert cases(salesforce) == {True: SIZE - SIZE // 10}
    assert subtasks(jira) == {True: ISSUES - ISSUES // 10}

    salesforce.simulator.faults.clear()
    jira.simulator.alter(ChangeOptions(field="customfield_10209", enable=("Medium",)))
    for flow in flows:
        await replay(customer, flow)
    for flow in flows:
        await customer.drained(flow)

    assert [difference(*pair) for pair in zip(records, (salesforce.held(), jira.held()), strict=True)] == [
        NONE,
        NONE,
    ]
    assert cases(salesforce) == {True: SIZE}
    assert subtasks(jira) == {True: ISSUES}
