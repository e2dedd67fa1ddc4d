"""Pace and Retry-After with four worker processes: `python -m tests.chaos.pace --seconds 60`.

The receiver's own times are judged: a limit of 100 calls a second must hold over any 10 seconds, and a
refused connection must stay silent until the time that Retry-After named, on all its lanes.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
import orjson

from formlane.domain.ids import to_text
from formlane.domain.secrets import KeyMode
from formlane.services.connections import ConnectionChange
from formlane.services.ports.tenancy import KeyScope
from tests.chaos.campaign import tell
from tests.chaos.cast import flow_draft
from tests.chaos.installation import Installation, installation
from tests.chaos.processes import CampaignFailure
from tests.chaos.records import Record

RATE = 100
LEAST_SHARE = 0.6
"""Of the rate that must be used, or holding it would prove nothing."""

RETRY_AFTER = 4
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.02
UNDER_WAY_SECONDS = 0.5
"""Calls that had left when the refusal came are not early; a busy machine lets them arrive late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A flow on a connection with a limit; `hook` is where its calls arrive."""

    hook: str
    path: str
    token: str


@dataclass(slots=True)
class Outcome:
    """What was measured, and what is wrong with it."""

    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def require(self, holds: bool, text: str) -> None:
        """Notes a figure, and a fault if it does not hold."""
        self.lines.append(text)
        if not holds:
            self.faults.append(text)


async def set_up(place: Installation, hooks: Sequence[str]) -> list[Way]:
    """One tenant with a flow per hook: single records, many lanes, 100 calls a second."""
    ways = []
    async with place.hub() as hub:
        tenant = (await hub.tenants.create("pace")).id
        made = await hub.keys.create(tenant, "campaign", scopes=[KeyScope.PUSH], mode=KeyMode.TEST)
        for hook in hooks:
            change = ConnectionChange(
                name=hook,
                settings={
                    "url": f"{place.receiver_url}/hook/{hook}",
                    "allow_http": True,
                    "body": "single",
                },
                secrets={},
                limits={"rate": float(RATE), "concurrency": 16},
            )
            connection = (await hub.connections.create(tenant, "webhook", change)).connection.id
            draft = flow_draft(hook, keyed=True, shards=16)
            flow = (await hub.flows.create(tenant, connection, name=hook, draft=draft)).flow.id
            await hub.flows.publish(tenant, flow)
            path = f"/v1/flows/{to_text('flow', flow)}/batches"
            ways.append(Way(hook=hook, path=path, token=made.token.reveal()))
    return ways


async def push(place: Installation, way: Way, records: int) -> None:
    """Hands in so many records at once."""
    rows = [Record("pace", way.hook, f"k{n % 160}", n).fields() for n in range(records)]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {way.token}"}) as session:
        for start in range(0, records, 1000):
            body = orjson.dumps(rows[start : start + 1000])
            headers = {"Content-Type": "application/json"}
            async with session.post(place.base_url + way.path, data=body, headers=headers) as answer:
                if answer.status != 202:
                    raise CampaignFailure(f"{answer.status}: {(await answer.text())[:500]}")


async def arrivals(place: Installation, hook: str, *, wanted: int, seconds: float) -> list[float]:
    """Times of the receiver at which requests were taken, in order; fails when too few come."""
    end = time.monotonic() + seconds
    while True:
        lines = [orjson.loads(line) for line in place.journal.read_bytes().splitlines()]
        times = [line["time"] for line in lines if line["hook"] == hook]
        if len(times) >= wanted:
            return sorted(times)
        if time.monotonic() > end:
            raise CampaignFailure(f"{len(times)} of {wanted} calls arrived at {hook} in {seconds:.0f} s.")
        await asyncio.sleep(0.1)


def most_within(times: Sequence[float], width: float) -> int:
    """The largest number of times in any half-open window of that width; `times` are sorted."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= width:
            first += 1
        most = max(most, last - first + 1)
    return most


async def judge_pace(place: Installation, way: Way, seconds: float, outcome: Outcome) -> None:
    """A backlog for so many seconds, worked off by all workers together."""
    records = math.ceil(RATE * seconds)
    await push(place, way, records)
    times = await arrivals(place, way.hook, wanted=records, seconds=seconds / LEAST_SHARE + PATIENCE_SECONDS)
    took = times[-1] - times[0]
    achieved = len(times) / took
    in_ten, in_one = most_within(times, 10.0), most_within(times, 1.0)
    outcome.require(in_ten <= 10 * RATE, f"most calls in any 10 s: {in_ten} of {10 * RATE}")
    outcome.lines.append(f"most calls in any 1 s: {in_one} (no limit is promised for one second)")
    outcome.require(
        achieved >= LEAST_SHARE * RATE,
        f"{len(times)} calls in {took:.1f} s: {achieved:.1f} calls/s of {RATE} were used",
    )


async def judge_retry_after(place: Installation, way: Way, form: str, outcome: Outcome) -> None:
    """A refusal with Retry-After while many lanes have work: nobody calls before that time."""
    fault = {
        "kind": "status",
        "status": 429,
        "path": f"/hook/{way.hook}",
        "retry_after": RETRY_AFTER,
        "retry_after_form": form,
    }
    async with aiohttp.ClientSession(place.receiver_url) as session:
        async with session.post("/_control/faults", json=fault) as answer:
            armed = (await answer.json())["id"]
        before = time.time()
        await push(place, way, 200)
        refused_after = before
        while not (fired := await _fired(session, armed)):
            refused_after = time.time()
            if refused_after - before > PATIENCE_SECONDS:
                raise CampaignFailure("No call met the refusal.")
            await asyncio.sleep(POLL_SECONDS)
        allowed = refused_after + RETRY_AFTER
        if form == "date":
            allowed = math.floor(allowed)  # an HTTP date has whole seconds
        early, latest = 0, refused_after
        while (now := time.time()) < allowed - 5 * POLL_SECONDS:
            seen = await _fired(session, armed)
            if seen > fired:
                early += (seen - fired) * (now - refused_after > UNDER_WAY_SECONDS)
                fired, latest = seen, now
            await asyncio.sleep(POLL_SECONDS)
        async with session.delete(f"/_control/faults/{armed}"):
            pass
    times = await arrivals(place, way.hook, wanted=200, seconds=PATIENCE_SECONDS)
    early += sum(at < allowed for at in times)
    outcome.require(
        not early,
        f"Retry-After as {form}: {fired} calls refused within {latest - refused_after:.2f} s, {early} early,"
        f" the first after it {times[0] - allowed:+.2f} s",
    )


async def _fired(session: aiohttp.ClientSession, armed: str) -> int:
    async with session.get("/_control/faults") as answer:
        items = (await answer.json())["items"]
    return next(int(one["fired"]) for one in items if one["id"] == armed)


async def run(place: Installation, seconds: float) -> Outcome:
    """All measurements, one after the other."""
    outcome = Outcome()
    steady, seconds_form, date_form = await set_up(place, ["steady", "seconds", "date"])
    await judge_pace(place, steady, seconds, outcome)
    await judge_retry_after(place, seconds_form, "seconds", outcome)
    await judge_retry_after(place, date_form, "date", outcome)
    return outcome


def main() -> int:
    """The exit code: 1 when a limit or a Retry-After was not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.pace", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the limit is worked at")
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with installation(time_scale=1.0, worker_processes=str(given.workers)) as place:
        outcome = asyncio.run(run(place, given.seconds))
    tell(f"{given.workers} workers, {RATE} calls/s, {given.seconds:g} s")
    for line in outcome.lines:
        tell(line)
    tell(f"VIOLATIONS: {outcome.faults}" if outcome.faults else "0 violations")
    return int(bool(outcome.faults))


if __name__ == "__main__":
    sys.exit(main())
