"""What must hold after every schedule: in the database, and between it and what was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import asyncpg

from formlane.domain.lanes import Lease, Position, Queue, Verdict
from formlane.store.connect import Connection
from tests.interleave.stage import C1, TOKENS, Stage, Taken

_STANDING = (Path(__file__).parent / "invariants.sql").read_text(encoding="utf-8")
_LANES = """
SELECT l.*, clock_timestamp() AS looked_at,
       EXISTS (SELECT FROM formlane.journal j WHERE j.lane_id = l.id) AS has_journal,
       (SELECT coalesce(sum(least(d.records, CASE WHEN d.seq < l.live_head THEN d.records
                                             WHEN d.seq = l.live_head THEN l.live_offset ELSE 0 END)), 0)
        FROM formlane.deliveries d WHERE d.lane_id = l.id AND d.queue = 0) AS live_done,
       (SELECT coalesce(sum(CASE WHEN d.seq < l.replay_head THEN d.records
                                 WHEN d.seq = l.replay_head THEN l.replay_offset ELSE 0 END), 0)
        FROM formlane.deliveries d WHERE d.lane_id = l.id AND d.queue = 1) AS replay_done
FROM formlane.lanes l ORDER BY l.id
"""
_CONNECTION = """
SELECT c.tokens + 0.9 * c.rate * extract(epoch FROM clock_timestamp() - c.tokens_at) AS tokens, c.used_today,
       0.9 * c.rate * extract(epoch FROM clock_timestamp() - $2::timestamptz) AS refill, c.file_sequence,
       c.day = (now() AT TIME ZONE 'UTC')::date AS same_day
FROM formlane.connection_state c WHERE c.connection_id = $1
"""
_STORED = """
SELECT (SELECT array_agg(id) FROM formlane.batches) AS batches,
       (SELECT array_agg(batch_id) FROM formlane.deliveries WHERE queue = 0) AS delivered,
       (SELECT coalesce(sum(records), 0) FROM formlane.deliveries WHERE queue = 1) AS replayed,
       (SELECT coalesce(sum(accepted), 0) FROM formlane.ledger_deltas)
       + (SELECT coalesce(sum(accepted), 0) FROM formlane.ledger) AS booked
"""


async def violations(admin: Connection, stage: Stage) -> list[str]:
    """One line per violation, empty when all is well."""
    found = [f"{row['subject']}: {row['violation']}" for row in await admin.fetch(_STANDING)]
    lanes = {row["id"]: row for row in await admin.fetch(_LANES)}
    stored = await admin.fetchrow(_STORED)
    assert stored is not None
    found += _acceptances(stage, stored)
    found += _heads(stage, lanes)
    found += _windows(stage, lanes)
    found += _holders(stage, lanes)
    found += await _connection(admin, stage, lanes)
    return found


def _acceptances(stage: Stage, stored: asyncpg.Record) -> Iterator[str]:
    """Each acknowledged batch is there once, nothing else is, and a key is one acceptance."""
    accepted = [batch for batch, answer in stage.accepted if answer.verdict is Verdict.ACCEPTED]
    if Counter(stored["batches"] or []) != Counter(one.id for one in accepted):
        yield f"{len(accepted)} batches were acknowledged, {len(stored['batches'] or [])} are stored"
    if Counter(stored["delivered"] or []) != Counter(one.id for one in accepted for _ in one.deliveries):
        yield "an acknowledged batch has not exactly its deliveries"
    if stored["booked"] != sum(one.records for one in accepted) + stage.replayed:
        yield f"the books say {stored['booked']} accepted"
    if stored["replayed"] != stage.replayed:
        yield f"{stored['replayed']} records are queued for replay, {stage.replayed} were promised"
    for key in {batch.key for batch, _ in stage.accepted if batch.key is not None}:
        answers = [(batch, answer) for batch, answer in stage.accepted if batch.key == key]
        winners = [batch for batch, answer in answers if answer.verdict is Verdict.ACCEPTED]
        if len(winners) != 1:
            yield f"key {key!r} was accepted {len(winners)} times"
            continue
        for batch, answer in answers:
            same = batch.body_hash == winners[0].body_hash
            if batch is not winners[0] and (
                answer.verdict is not (Verdict.REPEAT if same else Verdict.MISMATCH)
                or (answer.batch, answer.answer) != (winners[0].id, winners[0].answer)
            ):
                yield f"key {key!r}: the repeat was told {answer}"


def _heads(stage: Stage, lanes: dict[UUID, asyncpg.Record]) -> Iterator[str]:
    """A head stands behind exactly the records that were settled, each settled under one token only."""
    for id_, lane in lanes.items():
        for queue, done in ((Queue.LIVE, lane["live_done"]), (Queue.REPLAY, lane["replay_done"])):
            settled = sum(
                one.moved
                for one, good in stage.settled
                if good and one.lane == id_ and _lease(stage, one.token).queue is queue
            )
            if done != settled:
                yield f"{id_}: {settled} records of queue {queue} were settled, the head says {done}"


def _windows(stage: Stage, lanes: dict[UUID, asyncpg.Record]) -> Iterator[str]:
    """A window keeps its end for every lease; different windows of a queue do not overlap."""
    narrowed = {_lease(stage, one.token).window for one, good in stage.settled if good and one.narrowed}
    for taken in stage.taken:
        first, lease = stage.windows[taken.lease.window], taken.lease
        if (first.queue, first.release) != (lease.queue, lease.release):
            yield f"window {lease.window} changed its queue or release"
        if first.to != lease.to and lease.window not in narrowed:
            yield f"window {lease.window} ended at {first.to}, then at {lease.to}"
        state = lanes[lease.lane]
        if state["window_id"] == lease.window and lease.to is not None and lease.window not in narrowed:
            end = Position(state["window_to"], state["window_to_offset"])
            if end != first.to:
                yield f"window {lease.window} ended at {first.to}, now at {end}"
    spans = sorted(
        (one.lane, one.queue, one.head, one.to) for one in stage.windows.values() if one.head and one.to
    )
    for one, two in pairwise(spans):
        if one[:2] == two[:2] and one[3] > two[2]:
            yield f"windows overlap: {one} and {two}"


def _holders(stage: Stage, lanes: dict[UUID, asyncpg.Record]) -> Iterator[str]:
    """One holder at a time; nobody takes a lane before lease and quiet are over, or without being told."""
    given_back = {one.token for one, good in stage.settled if good and one.given_back}
    for id_, lane in lanes.items():
        mine = sorted((one for one in stage.taken if one.lease.lane == id_), key=_leased_at)
        for old, new in pairwise(mine):
            if old.lease.token in given_back:
                continue
            ends = max(old.until, stage.renewed.get(old.lease.token, old.until)) + lane["quiet"]
            if new.lease.leased_at < ends:
                yield f"{id_} was leased again at {new.lease.leased_at}, before {ends}"
            if new.lease.window == old.lease.window and not new.lease.maybe_sent:
                yield f"{id_}: after a lapse nobody was told that its window may have been sent"
        if mine and mine[-1].lease.token not in given_back:
            if lane["lease_token"] != mine[-1].lease.token:
                yield f"{id_}: the last to lease it does not hold it"
            behind = lane["has_journal"] and mine[-1].lease.journal is None
            if behind and mine[-1].lease.token not in stage.journaled:
                yield f"{id_}: its journal was written behind the back of who leased it last"
            promised = stage.renewed.get(mine[-1].lease.token)
            if promised is not None and lane["lease_until"] < promised:
                yield f"{id_} was renewed until {promised}, its lease ends at {lane['lease_until']}"
    order = {one.lease.token: n for n, one in enumerate(sorted(stage.taken, key=_leased_at))}
    for id_ in lanes:
        tokens = [one.token for one, good in stage.settled if good and one.lane == id_]
        if [order[token] for token in tokens] != sorted(order[token] for token in tokens):
            yield f"{id_}: an old token settled after a newer one"


async def _connection(admin: Connection, stage: Stage, lanes: dict[UUID, asyncpg.Record]) -> list[str]:
    """No more lanes and calls of a connection than it allows; a file number per sealed call."""
    row = await admin.fetchrow(_CONNECTION, C1, stage.began_at)
    assert row is not None
    calls = stage.calls[C1]
    found = []
    if row["tokens"] > TOKENS + row["refill"] - calls + 1e-3:
        found.append(
            f"{row['tokens']:.3f} calls at hand, at most {TOKENS + row['refill'] - calls:.3f} can be"
        )
    if row["same_day"] and row["used_today"] != calls:
        found.append(f"{row['used_today']} calls are booked for today, {calls} were given")
    alive = [
        one
        for one in lanes.values()
        if one["connection_id"] == C1 and one["lease_until"] and one["lease_until"] > one["looked_at"]
    ]
    if len(alive) > stage.rules.concurrency:
        found.append(f"{len(alive)} lanes of a connection that allows {stage.rules.concurrency} are leased")
    files = set(stage.sealed)
    if (
        not len(files)
        == len({call for call, _ in files})
        == len({n for _, n in files})
        == row["file_sequence"]
    ):
        found.append(
            f"file numbers {sorted(n for _, n in files)} were given, {row['file_sequence']} are used"
        )
    return found


def _lease(stage: Stage, token: UUID) -> Lease:
    return next(one.lease for one in stage.taken if one.lease.token == token)


def _leased_at(taken: Taken) -> tuple[object, ...]:
    return (taken.lease.leased_at, taken.lease.lapses + taken.lease.sending_lapses)
