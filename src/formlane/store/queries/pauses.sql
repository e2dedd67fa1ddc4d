-- name: pauses
-- Reasons in force, oldest first; of one thing only if $2 is given.
SELECT scope, scope_id, reason, nullif(until, 'infinity') AS until, message, since
FROM formlane.pauses
WHERE tenant_id = $1 AND ($2::text IS NULL OR (scope = $2 AND scope_id = $3)) AND until > now()
ORDER BY since, reason

-- name: pause_add
-- Add or prolong one reason; null: until cleared.
INSERT INTO formlane.pauses (tenant_id, scope, scope_id, reason, until, message)
VALUES ($1, $2, $3, $4, coalesce($5, 'infinity'::timestamptz), $6)
ON CONFLICT (tenant_id, scope, scope_id, reason) DO UPDATE
SET until = excluded.until, message = excluded.message

-- name: pauses_clear
-- End these reasons.
DELETE FROM formlane.pauses
WHERE tenant_id = $1 AND scope = $2 AND scope_id = $3 AND reason = ANY ($4::text[])
RETURNING reason

-- name: alerts_clear
-- Their cause is gone.
UPDATE formlane.alerts SET cleared_at = now()
WHERE tenant_id = $1 AND scope = $2 AND scope_id = $3 AND reason = ANY ($4::text[]) AND cleared_at IS NULL

-- name: alerts
-- Alerts, newest first.
SELECT id, scope, scope_id, reason, message, raised_at, cleared_at
FROM formlane.alerts WHERE tenant_id = $1 AND (NOT $2::boolean OR cleared_at IS NULL)
ORDER BY raised_at DESC, id DESC LIMIT 500

-- name: connection_state_lock
-- Hold a connection's state.
SELECT connection_id FROM formlane.connection_state
WHERE tenant_id = $1 AND connection_id = $2 FOR NO KEY UPDATE

-- name: connection_repause
-- A connection waits for the longest of its reasons; $3 also ends the count of its failures.
UPDATE formlane.connection_state c
SET paused_until = coalesce((
        SELECT max(p.until) FROM formlane.pauses p
        WHERE p.tenant_id = $1 AND p.scope = 'connection' AND p.scope_id = $2), '-infinity'),
    failures = CASE WHEN $3::boolean THEN 0 ELSE c.failures END,
    failing_since = CASE WHEN $3::boolean THEN NULL ELSE c.failing_since END
WHERE c.tenant_id = $1 AND c.connection_id = $2

-- name: flow_lanes_lock
-- Hold the lanes of a flow, in id order.
SELECT id FROM formlane.lanes WHERE tenant_id = $1 AND flow_id = $2 ORDER BY id FOR NO KEY UPDATE

-- name: flow_repause
-- The lanes of a flow wait for the longest reason of the flow or their own; $3 also ends their waits.
UPDATE formlane.lanes l
SET paused_until = coalesce((
        SELECT max(p.until) FROM formlane.pauses p
        WHERE p.tenant_id = $1
          AND ((p.scope = 'flow' AND p.scope_id = $2) OR (p.scope = 'lane' AND p.scope_id = l.id))),
        '-infinity'),
    failing_since = CASE WHEN $3::boolean THEN NULL ELSE l.failing_since END,
    retry_at = CASE WHEN $3::boolean THEN NULL ELSE l.retry_at END
WHERE l.tenant_id = $1 AND l.flow_id = $2

-- name: lanes_wake
-- Let lanes go that wait for a connection which is no longer paused, in id order.
WITH chosen AS (
    SELECT l.id
    FROM formlane.lanes l JOIN formlane.connection_state c ON c.connection_id = l.connection_id
    WHERE l.tenant_id = $1 AND l.connection_id = $2 AND l.wait_until > now() AND c.paused_until <= now()
      AND ($3::uuid IS NULL OR l.id > $3)
    ORDER BY l.id LIMIT $4
    FOR NO KEY UPDATE OF l
)
UPDATE formlane.lanes l SET wait_until = NULL FROM chosen c WHERE l.tenant_id = $1 AND l.id = c.id
RETURNING l.id
