"""Vendors change, refuse, limit and close: it is told in words, nothing is lost, and delivery goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tests.e2e.destinations.place import Place, connect, draft
from tests.e2e.destinations.places import VENDORS
from tests.e2e.destinations.submissions import NONE, Difference, Submission, difference, submissions
from tests.e2e.destinations.troubles import (
    DROPPED,
    LIMITED,
    MAINTAINED,
    OTHER,
    REQUIRED,
    REVOKED,
    SECRETS,
    WANTED,
    Trouble,
)
from tests.e2e.product import Customer, until

BEFORE, DURING = 10, 100
LOST_TO: Final = "A vendor that drops unknown columns without a word takes what is sent before it is noticed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A flow that works at a destination whose trouble begins."""

    customer: Customer
    place: Place
    connection: str
    flow: str
    sent: list[Submission]

    async def pauses(self) -> list[Mapping[str, Any]]:
        """Why the flow or its connection waits, as the API lists it."""
        found = (await self.customer.request("GET", "/v1/pauses"))["data"]
        return [one for one in found if one["about"] in (self.connection, self.flow)]

    async def refusals(self) -> list[str]:
        """What is said of rejected records, each text once."""
        found = await self.customer.request("GET", f"/v1/failures?flow={self.flow}&limit=200")
        return sorted({str(one["state"]["detail"]) for one in found["data"]})

    async def told(self) -> bool:
        """Whether a pause is shown, or everything was settled without one."""
        return bool(await self.pauses()) or (await self.customer.stats(self.flow))["in_flight"] == 0

    def difference(self) -> Difference:
        """Between what was sent during the trouble and what is there of it."""
        ids = {one["id"] for one in self.sent}
        return difference(self.sent, [one for one in self.place.held() if one["id"] in ids])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a customer saw: `reason` and `message` of the pause, if any, and the counts at that time."""

    case: Case
    reason: str | None
    message: str
    ends: str | None
    refusals: list[str]
    stats: Mapping[str, Any]


Mend: TypeAlias = Callable[[Case], Awaitable[None]]


async def by_itself(_case: Case) -> None:
    """Nobody does anything."""


async def renew_secret(case: Case) -> None:
    """A person enters the new secret."""
    path = f"/v1/connections/{case.connection}/credentials"
    await case.customer.request("PUT", path, {"secrets": {SECRETS[case.place.kind]: OTHER}})


async def resume(case: Case) -> None:
    """A person knows that a long wait is over before its time."""
    for pause in await case.pauses():
        path = f"/v1/connections/{case.connection}/resume"
        await case.customer.request("POST", path, {"reasons": [pause["reason"]]})


async def replay(case: Case) -> None:
    """A person has what was refused sent again."""
    if (await case.customer.stats(case.flow))["rejected"]:
        await case.customer.request("POST", "/v1/replays", {"flow": case.flow, "failures": {}})


async def endure(customer: Customer, place: Place, trouble: Trouble, mend: Mend) -> Seen:
    """Delivers, meets the trouble, looks, ends it, and waits until nothing is in flight."""
    connection = await connect(customer, place)
    flow = await customer.flow(connection, await draft(customer, connection, place))
    sent = submissions(BEFORE + DURING)
    await customer.push(flow, sent[:BEFORE])
    await customer.drained(flow)
    case = Case(customer=customer, place=place, connection=connection, flow=flow, sent=sent[BEFORE:])
    simulator: Any = place.simulator  # type: ignore[attr-defined]  # every vendor has one
    trouble.begin(simulator)
    await customer.push(flow, case.sent, batch=10)
    await until(case.told, what=f"{place.kind} to tell of its trouble")
    pause: Mapping[str, Any] = next(iter(await case.pauses()), {})
    seen = Seen(
        case=case,
        reason=pause.get("reason"),
        message=pause.get("message", ""),
        ends=pause.get("until"),
        refusals=await case.refusals(),
        stats=await customer.stats(flow),
    )
    trouble.end(simulator)
    await mend(case)
    await customer.drained(flow)
    return seen


async def at_every_vendor(
    customer: Customer,
    places: Mapping[str, Place],
    troubles: Mapping[str, Trouble],
    mend: Mapping[str, Mend] | Mend = by_itself,
) -> Mapping[str, Seen]:
    """The same trouble everywhere at once; in the end nothing waits any more, for any reason."""
    mends = {kind: mend.get(kind, by_itself) if isinstance(mend, Mapping) else mend for kind in VENDORS}
    seen = await asyncio.gather(
        *(endure(customer, places[kind], troubles[kind], mends[kind]) for kind in VENDORS)
    )
    assert [await one.case.pauses() for one in seen] == [[]] * len(VENDORS)
    return dict(zip(VENDORS, seen, strict=True))


async def test_a_field_that_went_away_stops_the_flow_until_it_is_back(
    customer: Customer, places: Mapping[str, Place]
) -> None:
    seen = await at_every_vendor(customer, places, DROPPED)
    taken = {kind: one.stats["delivered"] - BEFORE for kind, one in seen.items()}
    differences = {kind: one.case.difference() for kind, one in seen.items()}
    unaware = differences.pop("servicenow")

    assert {one.reason for one in seen.values()} == {"drift"}
    assert all(place_field(one.case.place) in one.message for one in seen.values())
    assert {one.stats["rejected"] for one in seen.values()} == {0}
    assert set(differences.values()) == {NONE}
    assert (unaware.lost, unaware.twice, unaware.foreign) == ((), (), ())
    assert len(unaware.altered) <= taken["servicenow"] < DURING, LOST_TO


async def test_a_field_that_became_required_is_named_and_nothing_is_lost(
    customer: Customer, places: Mapping[str, Place]
) -> None:
    seen = await at_every_vendor(customer, places, REQUIRED, replay)

    for kind, one in seen.items():
        words = [one.message] if one.reason == "drift" else one.refusals
        assert words, kind
        assert all(WANTED[kind] in text for text in words), kind
    assert {one.case.difference() for one in seen.values()} == {NONE}


async def test_a_revoked_account_waits_for_a_new_secret(
    customer: Customer, places: Mapping[str, Place]
) -> None:
    seen = await at_every_vendor(customer, places, REVOKED, renew_secret)

    assert {one.reason for one in seen.values()} == {"credentials"}
    assert {one.ends for one in seen.values()} == {None}
    assert all("Enter " in one.message for one in seen.values())
    assert {one.stats["in_flight"] for one in seen.values()} == {DURING}
    assert {one.case.difference() for one in seen.values()} == {NONE}


async def test_a_used_up_allowance_is_waited_for(customer: Customer, places: Mapping[str, Place]) -> None:
    seen = await at_every_vendor(customer, places, LIMITED, {"salesforce": resume, "sfmc": resume})

    assert {one.reason for one in seen.values()} <= {"quota_exhausted", "rate_limited"}
    assert all(one.ends is not None for one in seen.values())
    assert all("tried again by itself" in one.message for one in seen.values())
    assert {one.stats["in_flight"] for one in seen.values()} == {DURING}
    assert {one.case.difference() for one in seen.values()} == {NONE}


async def test_a_maintenance_window_is_waited_for(customer: Customer, places: Mapping[str, Place]) -> None:
    seen = await at_every_vendor(customer, places, MAINTAINED)

    assert {one.reason for one in seen.values()} == {"unavailable"}
    assert all(one.ends is not None for one in seen.values())
    assert all("tried again by itself" in one.message for one in seen.values())
    assert {one.stats["in_flight"] for one in seen.values()} == {DURING}
    assert {one.case.difference() for one in seen.values()} == {NONE}


def place_field(place: Place) -> str:
    """The field that amounts are written to."""
    return next(target for target, source in place.lines.items() if source == "amount")
