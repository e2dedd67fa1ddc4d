"""What `send` of a vendor's connector costs: `python -m bench.vendors KIND URL [--records N] [--rounds N]`.

The same records go out twice, in turns: through the connector, and by a bare client that encodes the same
documents, posts them to the same addresses and parses the same answers. Both are timed by the processor
seconds of this process; the simulator is another. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import orjson
import uvloop

from formlane.destinations.base import Call, CallRecord, Connector, Equipment, Sealed
from formlane.destinations.catalogue import CATALOGUE
from formlane.destinations.egress import Guard
from formlane.destinations.http import Answer, Failure, HttpClient, HttpClients
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Delivered
from formlane.domain.types import Json
from formlane.telemetry.clock import SystemClock

RECORDS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorJob:
    """How the job's records are written to one kind. `settings` takes the simulator's address."""

    settings: Callable[[str], Mapping[str, Json]]
    secrets: Mapping[str, str]
    target: str
    operation: Operation
    record: Callable[[int], Mapping[str, Json]]
    match_key: tuple[str, ...] = ()
    tracking_field: str | None = None
    pace: Mapping[str, object] = field(default_factory=dict)
    """Settings of the simulator that let it take all it gets."""

    ports: tuple[str, ...] = ()
    """Options of the simulator for ports beside its first."""


TEXT: Final = "Hello, I would like to know more about your product, please call me back. " * 3

JOBS: Final[Mapping[str, VendorJob]] = {
    "salesforce": VendorJob(
        settings=lambda url: {
            "auth": "client_credentials",
            "login_url": url,
            "client_id": "3MVG9FormlaneSandboxConsumerKey",
            "allow_http": True,
        },
        secrets={"client_secret": "formlane-sandbox-consumer-secret"},
        target="Contact",
        operation=Operation.UPSERT,
        match_key=("Ext__c",),
        record=lambda number: {
            "Ext__c": f"{number:08x}-7f0d-4b2e",
            "FirstName": "Maria",
            "LastName": "Garcia Smith",
            "Email": f"maria.{number}@example.com",
            "Phone": "+1 (555) 010-2345",
            "Description": TEXT[:200],
        },
    ),
    "sfmc": VendorJob(
        settings=lambda url: {
            "auth_url": url,
            "client_id": "formlanesandboxclient0001",
            "account_id": "7281698",
            "allow_http": True,
        },
        secrets={"client_secret": "sandbox-secret"},
        ports=("--rest-port", "--soap-port"),
        target="form_leads",
        operation=Operation.UPSERT,
        match_key=("SubscriberKey",),
        record=lambda number: {
            "SubscriberKey": f"{number:08x}-7f0d-4b2e",
            "Email": f"maria.{number}@example.com",
            "FirstName": "Maria",
            "LastName": "Garcia Smith",
            "Phone": "+1 (555) 010-2345",
            "Company": "Example",
        },
    ),
    "servicenow": VendorJob(
        settings=lambda url: {
            "url": url,
            "auth": "basic",
            "username": "formlane.integration",
            "allow_http": True,
        },
        secrets={"password": "integration-password"},
        target="incident",
        operation=Operation.INSERT,
        tracking_field="correlation_id",
        record=lambda number: {
            "short_description": f"Request {number}",
            "description": TEXT[:200],
            "urgency": "2",
            "contact_type": "web",
        },
    ),
    "jira": VendorJob(
        settings=lambda url: {
            "site_url": url,
            "auth": "api_token",
            "user": "mia@example.com",
            "allow_http": True,
        },
        secrets={"token": "sandbox-api-token"},
        target="HELP/10001",
        operation=Operation.INSERT,
        tracking_field="labels",
        record=lambda number: {"summary": f"Request {number}", "description": TEXT[:200]},
        pace={"limits": {"burst": None}},
    ),
}


class NoJournal:
    """Keeps what is saved for the time of a call."""

    def __init__(self) -> None:
        self.saved: bytes | None = None
        self.sealed: Sealed | None = None

    async def save(self, state: bytes) -> None:
        self.saved = state

    async def seal(self, content: bytes) -> Sealed:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    document: Any


class Listening(HttpClients):
    """Pools that write down the requests of their clients while `notes` is a list."""

    notes: list[Request] | None = None

    async def client(self, account: str) -> HttpClient:
        client = await super().client(account)
        if "request" not in vars(client):
            plain = client.request

            async def request(method: str, url: Any, **given: Any) -> Answer | Failure:
                if self.notes is not None:
                    body = given.get("body")
                    document = orjson.loads(body) if body and body[:1] in b"[{" else body
                    address = str(getattr(url, "url", url))
                    self.notes.append(Request(method, address, dict(given.get("headers") or {}), document))
                return await plain(method, url, **given)

            vars(client)["request"] = request
        return client


async def compare(kind: str, url: str, ports: Sequence[int], *, records: int, rounds: int) -> dict[str, Any]:
    """Processor microseconds per record of both, round by round."""
    job, destination = JOBS[kind], CATALOGUE[kind]
    where = urlsplit(url)
    guard = Guard([("127.0.0.1", port) for port in (where.port or 0, *ports)])
    http = Listening(guard)
    connector = destination.connect(
        Equipment(
            settings=destination.validate(job.settings(url), job.secrets, guard),
            secrets=job.secrets,
            account="bench",
            guard=guard,
            http=http,
            clock=SystemClock(),
        )
    )
    notes: list[Request] = []
    ours: list[float] = []
    bare: list[float] = []
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session:
        await _send(connector, kind, records, 0)
        for number in range(1, rounds + 1):
            notes = http.notes = []
            await _send(connector, kind, records, number)
            http.notes = None
            ours.append(await _timed(_send(connector, kind, records, rounds + number)) / records * 1e6)
            bare.append(await _timed(_replay(session, notes)) / records * 1e6)
    await connector.close()
    await http.close()
    return {"kind": kind, "ours": ours, "bare": bare, "requests": len(notes)}


async def _timed(work: Any) -> float:
    began = time.process_time()
    await work
    return time.process_time() - began


async def _send(connector: Connector, kind: str, records: int, round_: int) -> None:
    job = JOBS[kind]
    options: dict[str, Json] = {"tracking_field": job.tracking_field}
    destination = CATALOGUE[kind]
    spec = destination.operation(job.operation, job.settings("http://127.0.0.1"), options)
    assert spec is not None
    first = round_ * records
    for start in range(first, first + records, spec.max_records):
        numbers = range(start, min(start + spec.max_records, first + records))
        rows = [
            CallRecord(f"b:{n}", f"fl{n:030x}" if job.tracking_field else "", job.record(n)) for n in numbers
        ]
        call = Call(
            id=uuid4(),
            object=job.target,
            operation=job.operation,
            records=rows,
            columns=tuple(job.record(0)),
            match_key=job.match_key,
            tracking_field=job.tracking_field,
        )
        result = await connector.send(call, NoJournal())
        wrong = [one for one in result.outcomes if not isinstance(one, Delivered)]
        if wrong:
            raise SystemExit(f"{kind}: {wrong[0]}")


async def _replay(session: aiohttp.ClientSession, notes: Sequence[Request]) -> None:
    for one in notes:
        body = orjson.dumps(one.document) if isinstance(one.document, dict | list) else one.document
        async with session.request(one.method, one.url, headers=one.headers, data=body) as answer:
            text = await answer.read()
            if not answer.ok:
                raise SystemExit(f"{one.method} {one.url}: {answer.status}")
            if text[:1] in (b"[", b"{"):
                orjson.loads(text)


def main() -> None:
    """Compares, and prints a line."""
    parser = argparse.ArgumentParser(prog="python -m bench.vendors", description=__doc__)
    parser.add_argument("kind", choices=list(JOBS))
    parser.add_argument("url")
    parser.add_argument("--port", type=int, action="append", default=[], help="one more it may use")
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    found = uvloop.run(compare(given.kind, given.url, given.port, records=given.records, rounds=given.rounds))
    sys.stdout.buffer.write(orjson.dumps(found) + b"\n")


if __name__ == "__main__":
    main()
