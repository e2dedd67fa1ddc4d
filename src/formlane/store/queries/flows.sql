-- name: source_add
-- Keep a new source.
INSERT INTO formlane.sources (tenant_id, id, kind, name, created_at) VALUES ($1, $2, $3, $4, $5)

-- name: source_rename
-- Give a source another name.
UPDATE formlane.sources SET name = $3 WHERE tenant_id = $1 AND id = $2

-- name: sources_bump
-- Count revisions on, so that intake prepares anew.
UPDATE formlane.sources SET revision = revision + 1 WHERE tenant_id = $1 AND id = ANY ($2::uuid[])

-- name: source
-- Kind and revision of a source now.
SELECT kind, revision FROM formlane.sources WHERE tenant_id = $1 AND id = $2

-- name: form_add
-- Keep a new form.
INSERT INTO formlane.forms (tenant_id, id, form_key, definition, created_at) VALUES ($1, $2, $3, $4, $5)

-- name: forms
-- Forms of the tenant, oldest first; one only if $2 is given.
SELECT f.id, s.name, f.form_key, f.definition, s.revision, f.created_at
FROM formlane.forms f JOIN formlane.sources s ON s.tenant_id = f.tenant_id AND s.id = f.id
WHERE f.tenant_id = $1 AND ($2::uuid IS NULL OR f.id = $2)
ORDER BY f.id

-- name: form_lock
-- Hold a form against other changes.
SELECT id FROM formlane.forms WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE

-- name: form_update
-- Replace a form's definition.
UPDATE formlane.forms SET definition = $3 WHERE tenant_id = $1 AND id = $2

-- name: flow_add
-- Keep a new flow.
INSERT INTO formlane.flows (tenant_id, id, connection_id, draft, created_at) VALUES ($1, $2, $3, $4, $5)

-- name: flows
-- Flows of the tenant, oldest first; one only if $2 is given, those of a connection if $3 is.
SELECT f.id, s.name, f.connection_id, f.draft, f.draft_revision, f.release, r.version, f.generation,
       s.revision, f.created_at
FROM formlane.flows f
JOIN formlane.sources s ON s.tenant_id = f.tenant_id AND s.id = f.id
LEFT JOIN formlane.releases r ON r.tenant_id = f.tenant_id AND r.flow_id = f.id AND r.release = f.release
WHERE f.tenant_id = $1 AND ($2::uuid IS NULL OR f.id = $2) AND ($3::uuid IS NULL OR f.connection_id = $3)
ORDER BY f.id

-- name: flow_lock
-- Hold a flow against other changes.
SELECT id FROM formlane.flows WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE

-- name: flow_draft
-- Replace a draft.
UPDATE formlane.flows SET draft = $3, draft_revision = draft_revision + 1 WHERE tenant_id = $1 AND id = $2

-- name: flow_go_live
-- Make a release the live one.
UPDATE formlane.flows SET release = $3, generation = $4 WHERE tenant_id = $1 AND id = $2

-- name: version_add
-- Keep a new version.
INSERT INTO formlane.flow_versions (tenant_id, flow_id, version, definition, note, published_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: versions
-- Versions of a flow, newest first; one only if $3 is given.
SELECT flow_id, version, definition, note, published_at
FROM formlane.flow_versions
WHERE tenant_id = $1 AND flow_id = $2 AND ($3::integer IS NULL OR version = $3)
ORDER BY version DESC

-- name: release_add
-- Keep a new release.
INSERT INTO formlane.releases (tenant_id, flow_id, release, version, bindings, released_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: release
-- One release.
SELECT flow_id, release, version, bindings, released_at
FROM formlane.releases WHERE tenant_id = $1 AND flow_id = $2 AND release = $3

-- name: flow_work
-- What waits in a flow's lanes, and since when.
SELECT count(*)::integer AS lanes, coalesce(sum(l.live_rows), 0)::bigint AS queued,
       coalesce(sum(l.held), 0)::bigint AS held,
       coalesce(sum((SELECT sum(d.records) FROM formlane.deliveries d
                     WHERE d.tenant_id = $1 AND d.lane_id = l.id AND d.queue = 1 AND d.seq >= l.replay_head
                       AND l.replay_head < l.replay_tail) - l.replay_offset), 0)::bigint AS replaying,
       least(min((SELECT d.accepted_at FROM formlane.deliveries d
                  WHERE d.tenant_id = $1 AND d.lane_id = l.id AND d.queue = 0 AND d.seq = l.live_head
                    AND l.live_head < l.live_tail)),
             min((SELECT d.accepted_at FROM formlane.held h JOIN formlane.deliveries d
                    ON d.tenant_id = $1 AND d.lane_id = h.lane_id AND d.queue = h.queue AND d.seq = h.seq
                  WHERE h.tenant_id = $1 AND h.lane_id = l.id AND l.held > 0 ORDER BY h.place LIMIT 1))) AS oldest
FROM formlane.lanes l WHERE l.tenant_id = $1 AND l.flow_id = $2

-- name: lanes_open
-- Lanes that accept records.
SELECT flow_id, id, shard FROM formlane.lanes
WHERE tenant_id = $1 AND flow_id = ANY ($2::uuid[]) AND NOT closed ORDER BY flow_id, shard

-- name: lanes_close
-- Close the open lanes of a flow; those that accepted before it are finished first.
UPDATE formlane.lanes SET closed = true WHERE tenant_id = $1 AND flow_id = $2 AND NOT closed RETURNING id

-- name: lanes_add
-- Add the lanes of a new generation; $11: they wait until the old ones have drained.
INSERT INTO formlane.lanes (
    tenant_id, id, flow_id, connection_id, generation, shard, call_rows, window_rows, window_bytes,
    window_length, quiet, paused_until)
SELECT $1, n.id, $3, $4, $5, n.place - 1, $6, $7, $8, $9, $10,
       CASE WHEN $11::boolean THEN 'infinity'
            ELSE coalesce((SELECT max(p.until) FROM formlane.pauses p
                           WHERE p.tenant_id = $1 AND p.scope = 'flow' AND p.scope_id = $3), '-infinity') END
FROM unnest($2::uuid[]) WITH ORDINALITY AS n (id, place)

-- name: lanes_draining
-- Say why new lanes wait.
INSERT INTO formlane.pauses (tenant_id, scope, scope_id, reason, until, message)
SELECT $1, 'lane', n.id, 'draining', 'infinity', 'Records of the former key order are delivered first.'
FROM unnest($2::uuid[]) AS n (id)

-- name: lanes_reshape
-- New sizes for the open lanes of a flow; what is queued keeps its time of closing.
UPDATE formlane.lanes
SET call_rows = $3, window_rows = $4, window_bytes = $5, window_length = $6, quiet = $7,
    window_close = CASE WHEN $6::interval IS NOT NULL AND live_head < live_tail
                        THEN least(window_close, now() + $6) ELSE window_close END
WHERE tenant_id = $1 AND flow_id = $2 AND NOT closed

-- name: route_add
-- Attach a form to a flow.
INSERT INTO formlane.routes (tenant_id, id, form_id, flow_id, bindings, created_at)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: routes
-- Routes, oldest first; one only if $2 is given, of a form if $3 is, of a flow if $4 is.
SELECT id, form_id, flow_id, bindings, created_at
FROM formlane.routes
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR form_id = $3)
  AND ($4::uuid IS NULL OR flow_id = $4)
ORDER BY id

-- name: route_update
-- Replace the bindings.
UPDATE formlane.routes SET bindings = $3 WHERE tenant_id = $1 AND id = $2

-- name: route_delete
-- Detach.
DELETE FROM formlane.routes WHERE tenant_id = $1 AND id = $2
