-- name: ledger_sums
-- The books, folded and not yet folded, per source and flow and, if $6, minute.
SELECT x.source_id, x.flow_id, CASE WHEN $6::boolean THEN x.minute END AS minute,
       sum(x.accepted)::bigint AS accepted, sum(x.delivered)::bigint AS delivered, sum(x.skipped)::bigint AS skipped,
       sum(x.rejected)::bigint AS rejected, sum(x.parked)::bigint AS parked
FROM (
    SELECT g.source_id, g.flow_id, g.minute, g.accepted, g.delivered, g.skipped, g.rejected, g.parked
    FROM formlane.ledger g
    WHERE g.tenant_id = $1 AND ($2::uuid IS NULL OR g.source_id = $2) AND ($3::uuid IS NULL OR g.flow_id = $3)
      AND g.minute >= $4 AND g.minute < $5
    UNION ALL
    SELECT d.source_id, d.flow_id, d.minute, d.accepted, d.delivered, d.skipped, d.rejected, d.parked
    FROM formlane.ledger_deltas d
    WHERE d.tenant_id = $1 AND ($2::uuid IS NULL OR d.source_id = $2) AND ($3::uuid IS NULL OR d.flow_id = $3)
      AND d.minute >= $4 AND d.minute < $5
) x
GROUP BY 1, 2, 3 ORDER BY 3 NULLS FIRST, 1, 2

-- name: ledger_latency
-- Delivered records per latency class, for the same rows.
SELECT x.source_id, x.flow_id, CASE WHEN $6::boolean THEN x.minute END AS minute, x.bucket,
       sum(x.n)::bigint AS n
FROM (
    SELECT g.source_id, g.flow_id, g.minute, u.place - 1 AS bucket, u.n
    FROM formlane.ledger g CROSS JOIN unnest(g.latency) WITH ORDINALITY AS u (n, place)
    WHERE g.tenant_id = $1 AND ($2::uuid IS NULL OR g.source_id = $2) AND ($3::uuid IS NULL OR g.flow_id = $3)
      AND g.minute >= $4 AND g.minute < $5 AND u.n > 0
    UNION ALL
    SELECT d.source_id, d.flow_id, d.minute, d.bucket, d.delivered
    FROM formlane.ledger_deltas d
    WHERE d.tenant_id = $1 AND ($2::uuid IS NULL OR d.source_id = $2) AND ($3::uuid IS NULL OR d.flow_id = $3)
      AND d.minute >= $4 AND d.minute < $5 AND d.bucket IS NOT NULL
) x
GROUP BY 1, 2, 3, 4

-- name: replay_add
-- Keep a new replay.
INSERT INTO formlane.replays (tenant_id, id, flow_id, as_new, forced, filter, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: replays
-- Replays, newest first; one only if $2 is given.
SELECT id, flow_id, as_new, forced, filter, records, created_at, cancelled_at
FROM formlane.replays
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4

-- name: replay_lock
-- Hold a replay against other changes.
SELECT id FROM formlane.replays WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE

-- name: replay_enqueue
-- Queue records once more.
SELECT formlane.enqueue_replay($1, $2, $3, $4, $5, $6)

-- name: replay_count
-- Note how many records a replay queued.
UPDATE formlane.replays SET records = records + $3 WHERE tenant_id = $1 AND id = $2

-- name: replay_cancel
-- Take back what no worker has leased yet.
SELECT formlane.cancel_replay($1, $2)

-- name: replay_cancelled
-- Note that a replay was cancelled, and how many records are left of it.
UPDATE formlane.replays SET cancelled_at = coalesce(cancelled_at, now()), records = records - $3
WHERE tenant_id = $1 AND id = $2
