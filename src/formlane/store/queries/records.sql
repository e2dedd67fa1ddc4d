-- name: batches
-- Batches, newest first; one only if $2 is given, of a source if $3 is, before $4, with a token of $5.
SELECT b.id, b.source_id, s.kind, s.name, b.accepted_at, b.records, b.invalid
FROM formlane.batches b JOIN formlane.sources s ON s.tenant_id = b.tenant_id AND s.id = b.source_id
WHERE b.tenant_id = $1 AND ($2::uuid IS NULL OR b.id = $2) AND ($3::uuid IS NULL OR b.source_id = $3)
  AND ($4::uuid IS NULL OR (b.accepted_at, b.id) < (
       SELECT c.accepted_at, c.id FROM formlane.batches c WHERE c.tenant_id = $1 AND c.id = $4))
  AND ($5::bigint[] IS NULL OR b.lookup && $5)
ORDER BY b.accepted_at DESC, b.id DESC LIMIT $6

-- name: blobs
-- Sealed payloads.
SELECT id, blob FROM formlane.batches WHERE tenant_id = $1 AND id = ANY ($2::uuid[])

-- name: travels
-- Every delivery of a batch with the head of its queue, in order of acceptance.
SELECT d.lane_id, d.flow_id, d.source_id, d.queue, d.seq, d.accepted_at, d.records, d.rows, d.as_new,
       CASE d.queue WHEN 0 THEN l.live_head ELSE l.replay_head END AS head,
       CASE d.queue WHEN 0 THEN l.live_offset ELSE l.replay_offset END AS head_offset,
       l.lease_token IS NOT NULL AND l.window_queue = d.queue
           AND (d.seq < l.window_to OR (d.seq = l.window_to AND l.window_to_offset > 0)) AS in_window
FROM formlane.deliveries d JOIN formlane.lanes l ON l.tenant_id = d.tenant_id AND l.id = d.lane_id
WHERE d.tenant_id = $1 AND d.batch_id = $2
ORDER BY d.accepted_at, d.queue, d.lane_id, d.seq

-- name: waiting
-- Held records of a batch.
SELECT h.lane_id, h.queue, h.seq, h.position, h.step, h.attempt, h.retry_at, h.reason, h.message
FROM formlane.deliveries d
JOIN formlane.held h ON h.tenant_id = d.tenant_id AND h.lane_id = d.lane_id AND h.queue = d.queue AND h.seq = d.seq
WHERE d.tenant_id = $1 AND d.batch_id = $2

-- name: exceptions_of
-- Undelivered records of a batch.
SELECT batch_id, index, flow_id, source_id, step, status, reason, fingerprint, release, detail, settled_at
FROM formlane.exceptions WHERE tenant_id = $1 AND batch_id = $2 ORDER BY index, settled_at

-- name: exceptions
-- Undelivered records by filter, in order of batch and index.
SELECT e.batch_id, e.index, e.flow_id, e.source_id, e.step, e.status, e.reason, e.fingerprint, e.release,
       e.detail, e.settled_at
FROM formlane.exceptions e
WHERE e.tenant_id = $1 AND ($2::uuid IS NULL OR e.flow_id = $2) AND e.status = ANY ($3::text[])
  AND ($4::text IS NULL OR e.reason = $4) AND ($5::bytea IS NULL OR e.fingerprint = $5)
  AND ($6::timestamptz IS NULL OR e.settled_at >= $6) AND ($7::timestamptz IS NULL OR e.settled_at < $7)
  AND ($8::uuid IS NULL
       OR (e.batch_id, e.index, e.flow_id, e.source_id, e.step) > ($8, $9::integer, $10::uuid, $11::uuid, $12::smallint))
  AND (NOT $13::boolean OR NOT EXISTS (
       SELECT FROM formlane.deliveries d
       WHERE d.tenant_id = $1 AND d.batch_id = e.batch_id AND d.flow_id = e.flow_id AND d.queue = 1
         AND d.accepted_at > e.settled_at AND e.index = ANY (d.rows)))
ORDER BY e.batch_id, e.index, e.flow_id, e.source_id, e.step LIMIT $14

-- name: exception_groups
-- Undelivered records that nobody sent again since, by what failed.
SELECT e.flow_id, e.status, e.reason, e.fingerprint, count(*) AS records, min(e.settled_at) AS first_at,
       max(e.settled_at) AS last_at, (array_agg(e.batch_id ORDER BY e.settled_at DESC))[1] AS example_batch,
       (array_agg(e.index ORDER BY e.settled_at DESC))[1] AS example_index
FROM formlane.exceptions e
WHERE e.tenant_id = $1 AND ($2::uuid IS NULL OR e.flow_id = $2) AND e.status = ANY ($3::text[])
  AND ($4::text IS NULL OR e.reason = $4)
  AND ($5::timestamptz IS NULL OR e.settled_at >= $5) AND ($6::timestamptz IS NULL OR e.settled_at < $6)
  AND NOT EXISTS (
       SELECT FROM formlane.deliveries d
       WHERE d.tenant_id = $1 AND d.batch_id = e.batch_id AND d.flow_id = e.flow_id AND d.queue = 1
         AND d.accepted_at > e.settled_at AND e.index = ANY (d.rows))
GROUP BY e.flow_id, e.status, e.reason, e.fingerprint
ORDER BY records DESC, last_at DESC LIMIT $7

-- name: attempts
-- Attempts, newest first; one only if $2 is given, of a lane, flow or connection if $3, $4, $5 are.
SELECT id, lane_id, flow_id, connection_id, call_id, step, queue, from_seq, from_offset, to_seq, to_offset,
       release, number, started_at, milliseconds, records, delivered, outcome, reason, message, exchange, results
FROM formlane.attempts
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR lane_id = $3)
  AND ($4::uuid IS NULL OR flow_id = $4) AND ($5::uuid IS NULL OR connection_id = $5)
  AND ($6::uuid IS NULL OR id < $6)
ORDER BY id DESC LIMIT $7

-- name: attempts_at
-- Attempts whose range holds a place of a queue, also those made while it was held.
SELECT id, lane_id, flow_id, connection_id, call_id, step, queue, from_seq, from_offset, to_seq, to_offset,
       release, number, started_at, milliseconds, records, delivered, outcome, reason, message, exchange, results
FROM formlane.attempts
WHERE tenant_id = $1 AND lane_id = $2 AND queue IN ($3, 2)
  AND (from_seq, from_offset) <= ($4, $5) AND (to_seq, to_offset) > ($4, $5)
ORDER BY id LIMIT 200
