"""What the database itself must show once everything has arrived."""

from __future__ import annotations

from formlane.domain.ids import to_text
from tests.chaos.cast import Cast
from tests.chaos.installation import Connection
from tests.chaos.oracle import Findings
from tests.chaos.sent import Sent

IDLE = """
    SELECT count(*) FILTER (WHERE live_head <> live_tail OR live_offset <> 0 OR live_rows <> 0) AS queued,
           count(*) FILTER (WHERE replay_head <> replay_tail) AS replaying,
           count(*) FILTER (WHERE held > 0) AS holding,
           count(*) FILTER (WHERE window_id IS NOT NULL) AS open_windows,
           count(*) FILTER (WHERE lease_token IS NOT NULL) AS leased
    FROM formlane.lanes
"""

SUMS = """
    SELECT flow_id, sum(accepted)::bigint AS accepted, sum(delivered)::bigint AS delivered,
           sum(skipped + rejected)::bigint AS refused, sum(parked)::bigint AS parked
    FROM (SELECT flow_id, accepted, delivered, skipped, rejected, parked FROM formlane.ledger
          UNION ALL
          SELECT flow_id, accepted, delivered, skipped, rejected, parked FROM formlane.ledger_deltas) b
    GROUP BY flow_id
"""

ATTEMPTS: dict[str, str] = {
    "call delivered twice in the attempts": """
        SELECT call_id::text FROM formlane.attempts WHERE delivered > 0
        GROUP BY tenant_id, call_id HAVING count(*) > 1
    """,
    "attempts of a lane overlap": """
        SELECT lane_id::text || ' at ' || started_at FROM (
            SELECT lane_id, started_at,
                   max(started_at + milliseconds * interval '1 ms') OVER (
                       PARTITION BY lane_id ORDER BY started_at, id
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM formlane.attempts) a
        WHERE started_at < before - interval '1 second'
    """,
    "attempt numbers with gaps": """
        SELECT call_id::text || ': ' || array_agg(number ORDER BY started_at, number)::text
        FROM formlane.attempts GROUP BY tenant_id, call_id
        HAVING min(number) <> 1 OR count(DISTINCT number) <> max(number)
    """,
    "attempt without exactly one outcome": """
        SELECT id::text FROM formlane.attempts
        WHERE outcome IS NULL OR delivered > records OR (outcome = 'delivered') <> (delivered = records)
    """,
    "journal entry of no call": "SELECT call_id::text FROM formlane.journal",
}

PARKED = """
    SELECT e.flow_id, e.batch_id, e.index, e.reason FROM formlane.exceptions e WHERE e.status = 'parked'
"""


async def is_idle(connection: Connection) -> bool:
    """Whether every lane is empty and nobody's."""
    row = await connection.fetchrow(IDLE)
    assert row is not None
    return not any(row.values())


async def misbalances(connection: Connection, cast: Cast) -> list[str]:
    """Differences between books, recount and attempts; at any time, since each look is one snapshot."""
    found = []
    for name, (tenant, flow) in cast.flows.items():
        rows = await connection.fetch("SELECT * FROM formlane.misbalances($1, $2)", tenant, flow)
        found += [f"{name}: {row['what']} booked {row['booked']}, counted {row['counted']}" for row in rows]
    return found


async def parked(connection: Connection, cast: Cast, sent: Sent) -> dict[tuple[str, str], str]:
    """Records that wait for a person: (flow, record) → reason."""
    names = {flow: name for name, (_, flow) in cast.flows.items()}
    found: dict[tuple[str, str], str] = {}
    for row in await connection.fetch(PARKED):
        ids = sent.batches.get(to_text("batch", row["batch_id"]))
        if ids is not None:
            found[names[row["flow_id"]], ids[row["index"]]] = row["reason"]
    return found


async def audit(connection: Connection, cast: Cast, sent: Sent, findings: Findings) -> None:
    """Checks the database at the end: idle lanes, books, sums, attempts, nobody blocked."""
    row = await connection.fetchrow(IDLE)
    assert row is not None
    for what, number in row.items():
        findings.add(f"lanes {what}", "at the end", number)
    for line in await misbalances(connection, cast):
        findings.add("books out of balance", line)
    await _compare_sums(connection, cast, sent, findings)
    for kind, query in ATTEMPTS.items():
        found = await connection.fetch(query)
        findings.add(kind, str([one[0] for one in found[:3]]), len(found))
    blocked = await connection.fetch(
        "SELECT scope, reason, message FROM formlane.pauses WHERE until = 'infinity'"
    )
    for one in blocked:
        findings.add("blocked", f"{one['scope']}: {one['reason']}: {one['message']}")


async def _compare_sums(connection: Connection, cast: Cast, sent: Sent, findings: Findings) -> None:
    """The ledger against the generator's own counts."""
    sums = {row["flow_id"]: row for row in await connection.fetch(SUMS)}
    for name, (_, flow) in cast.flows.items():
        known = len(sent.acknowledged.get(name, {}))
        unknown = sum(_goes_to(cast, name, identity) for identity in sent.unknown)
        row = sums.get(flow)
        accepted = 0 if row is None else row["accepted"]
        if not known <= accepted <= known + unknown:
            text = f"{name}: {accepted} in the ledger, {known} acknowledged, {unknown} unknown"
            findings.add("ledger differs from what was sent", text)
        if row is not None and row["refused"]:
            findings.add("rejected or skipped", f"{name}: {row['refused']}", row["refused"])


def _goes_to(cast: Cast, flow: str, identity: str) -> bool:
    tenant, source, *_ = identity.split(".")
    return any(one.tenant == tenant and one.name == source and flow in one.flows for one in cast.sources)
