"""Fuzzes the API on a real database: clear 4xx, no 5xx, nothing half stored.

A campaign: `python -m tests.e2e.api.fuzz --requests 100000`.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import shutil
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

import zstandard

from formlane.api.codes import CODES
from formlane.domain.ids import parse_id
from formlane.store.connect import connect_pool
from formlane.store.embedded import EmbeddedPostgres
from formlane.store.embedded.configuration import ADMIN
from formlane.telemetry.logging import configure_logging
from tests.database import TEMPLATE, TestServer, make_short_dir
from tests.e2e.api.fuzzing import FuzzedRequest, Fuzzer
from tests.e2e.api.world import World, open_world
from tests.unit.api.asgi import Answer, call

ROUND = 250
"""Requests between two comparisons with the database."""

AT_ONCE = 8
OWN_CODES = frozenset(CODES) | {"no_routes", "not_published"}


@dataclass(slots=True)
class Report:
    """Answers by status, and everything that should not have been."""

    statuses: Counter[int] = field(default_factory=Counter)
    stored: int = 0
    faults: list[str] = field(default_factory=list)


async def fuzz(world: World, *, seed: int, requests: int) -> Report:
    """Sends that many requests, in rounds; after each the database holds exactly what was answered."""
    fuzzer, report = Fuzzer(seed), Report()
    ordered = iter(fuzzer.request, None)
    for begin in range(0, requests, ROUND):
        chosen = list(islice(ordered, min(ROUND, requests - begin)))
        before = await world.counts()
        answers = await _send_all(world, chosen)
        expected = Counter(before)
        for number, (request, answer) in enumerate(zip(chosen, answers, strict=True), start=begin):
            report.statuses[answer.status] += 1
            report.faults += [f"request {number}: {fault}" for fault in _faults(request, answer)]
            expected.update(_stored_by(request, answer))
            report.faults += [f"request {number}: {fault}" for fault in await _lost(world, request, answer)]
            report.stored += answer.status in (202, 303)
        after = await world.counts()
        if after != dict(expected):
            report.faults.append(f"requests {begin} to {begin + ROUND}: stored {after}, not {dict(expected)}")
    return report


async def _send_all(world: World, chosen: list[FuzzedRequest]) -> list[Answer]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def send(request: FuzzedRequest) -> Answer:
        async with gate:
            return await _send(world, request)

    return await asyncio.gather(*map(send, chosen))


async def _send(world: World, request: FuzzedRequest) -> Answer:
    path = request.path
    for name in ("form_key", "form", "flow", "connection"):
        path = path.replace(f"{{{name}}}", getattr(world, name))
    headers = list(request.headers)
    if request.key:
        headers.append(("authorization", f"Bearer {world.key}"))
    return await call(
        world.app, request.method, path, body=request.chunks, headers=headers, disconnect=request.leaves
    )


def _faults(request: FuzzedRequest, answer: Answer) -> list[str]:
    """What is wrong with an answer, whatever was stored."""
    told = f"{request.method} {request.path} {request.headers} {b''.join(request.chunks)[:300]!r}"
    if answer.status == 0:
        return [] if request.leaves else [f"no answer to {told}"]
    if answer.status >= 500:
        return [f"{answer.status} to {told}: {answer.body[:300]!r}"]
    if answer.status < 400:
        return []
    if request.path.startswith(("/f/", "/static")):
        return []
    problem = json.loads(answer.body)
    if answer.header("content-type") != "application/problem+json" or problem["status"] != answer.status:
        return [f"no problem document to {told}"]
    if problem["code"] not in OWN_CODES | {"changed"} or not problem["detail"]:
        return [f"code {problem['code']!r} with {problem['detail']!r} to {told}"]
    return []


def _stored_by(request: FuzzedRequest, answer: Answer) -> Counter[str]:
    """The rows that an answer says were written."""
    if answer.status == 303:
        return Counter(batches=1, idempotency=1, accepted=1, delivered=1)
    if answer.status != 202 or request.takes != "records" or answer.header("idempotent-replayed"):
        return Counter()
    told = answer.json()
    return Counter(
        batches=1,
        idempotency=int(any(name == "idempotency-key" for name, _ in request.headers)),
        exceptions=told["rejected"],
        accepted=told["records"],
        rejected=told["rejected"],
        delivered=told["accepted"],
    )


async def _lost(world: World, request: FuzzedRequest, answer: Answer) -> list[str]:
    """Where a stored batch differs from what was sent, as Python's own readers see it."""
    if answer.status != 202 or answer.header("idempotent-replayed"):
        return []
    told = answer.json()
    _, views = await world.hub.records.batch(
        parse_id("tenant", world.tenant), parse_id("batch", told["batch"])
    )
    sent = _records_of(request)
    statuses = [verdict["status"] for verdict in told["results"]]
    if not len(views) == len(sent) == len(statuses) == told["records"]:
        return [f"{len(views)} records stored of {len(sent)}"]
    return [
        f"record {index} was stored as {view.values!r} instead of {record!r}"
        for index, (view, record, status) in enumerate(zip(views, sent, statuses, strict=True))
        if view.values != record and not (status == "rejected" and view.values is None)
    ]


def _records_of(request: FuzzedRequest) -> list[object]:
    body = b"".join(request.chunks)
    headers = dict(request.headers)
    match headers.get("content-encoding", "identity").lower():
        case "gzip":
            body = gzip.decompress(body)
        case "zstd":
            body = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read()
    if "json;" in headers["content-type"] + ";" and "nd" not in headers["content-type"]:
        value = json.loads(body)
        return list(value["records"]) if isinstance(value, dict) else list(value)
    return [json.loads(line) for line in body.split(b"\n") if line.strip()]


async def _campaign(requests: int, seed: int) -> Report:
    state = make_short_dir()
    embedded = EmbeddedPostgres(state)
    await embedded.start()
    try:
        server = TestServer(embedded.dsn(ADMIN))
        await server.renew_template()
        database = await server.create("fuzzed", template=TEMPLATE)
        admin = await connect_pool(database.admin_dsn, production=False, largest=2)
        try:
            async with open_world(database.dsn, admin, state, "Fuzzed") as world:
                return await fuzz(world, seed=seed, requests=requests)
        finally:
            await admin.close()
    finally:
        await embedded.stop()
        shutil.rmtree(state)


def main() -> int:
    """Runs a campaign and prints what came of it; 1 if anything should not have been."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    configure_logging(level="error", as_json=False, process="fuzz")
    report = asyncio.run(_campaign(chosen.requests, chosen.seed))
    print("answers by status:", dict(sorted(report.statuses.items())), "stored:", report.stored)  # noqa: T201
    for fault in report.faults[:50]:
        print(fault)  # noqa: T201
    print(f"{len(report.faults)} faults in {chosen.requests} requests, seed {chosen.seed}")  # noqa: T201
    return 1 if report.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
