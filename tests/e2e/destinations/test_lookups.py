"""The account of a contact is looked up by its name; where there is none, the flow says what is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.e2e.destinations.place import Place, connect, draft
from tests.e2e.destinations.salesforce import SalesforcePlace
from tests.e2e.destinations.submissions import submissions
from tests.e2e.product import Customer

SEEDED: Final = ("Acme", "Globex", "Initech")
MADE: Final = "Umbrella"


async def looking(customer: Customer, place: Place, on_miss: str) -> str:
    """A flow of contacts whose account is the one that is named like `company`."""
    connection = await connect(customer, place)
    made = await draft(customer, connection, place)
    lookup = {"object": "Account", "field": "Name", "input": "company", "on_miss": on_miss}
    line = {
        "target": "AccountId",
        "type": "reference",
        "source": {"kind": "lookup", "lookup": lookup},
    }
    made["inputs"].append({"name": "company", "type": "string"})
    made["steps"][0]["mapping"].append(line)
    return await customer.flow(connection, made)


def sent() -> list[dict[str, Any]]:
    """Forty contacts of four companies in turn, of which one has no account."""
    companies = (*SEEDED, MADE)
    return [{**one, "company": companies[n % 4]} for n, one in enumerate(submissions(40))]


@pytest.mark.parametrize(
    ("on_miss", "delivered", "accounts"),
    [
        ("null", 40, [*SEEDED]),
        ("reject", 30, [*SEEDED]),
        ("create", 40, [*SEEDED, MADE]),
    ],
)
async def test_an_account_is_found_or_the_policy_holds(
    on_miss: str, delivered: int, accounts: list[str], customer: Customer, places: Mapping[str, Place]
) -> None:
    place = places["salesforce"]
    assert isinstance(place, SalesforcePlace)
    flow = await looking(customer, place, on_miss)
    await customer.push(flow, sent())
    stats = await customer.drained(flow)
    names = {row["Id"]: row["Name"] for row in place.simulator.rows("Account")}
    companies = {
        row["Legacy_Ext__c"]: names.get(row.get("AccountId")) for row in place.simulator.rows("Contact")
    }
    expected = {one["id"]: one["company"] if one["company"] in accounts else None for one in sent()}
    if on_miss == "reject":
        expected = {id_: company for id_, company in expected.items() if company is not None}

    assert (stats["delivered"], stats["rejected"], stats["parked"]) == (delivered, 40 - delivered, 0)
    assert list(names.values()) == accounts
    assert companies == expected
