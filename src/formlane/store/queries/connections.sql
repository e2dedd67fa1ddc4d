-- name: connection_add
-- Keep a new connection.
INSERT INTO formlane.connections (
    tenant_id, id, kind, name, settings, limits, secret_version, revision, created_at, checked_at, check_report)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: connection_state_add
-- Its pace and health.
INSERT INTO formlane.connection_state (tenant_id, connection_id, rate, concurrency, daily)
VALUES ($1, $2, $3, $4, $5)

-- name: connections
-- Connections of the tenant by name, with the names and hints of their secrets; one only if $2 is given.
SELECT c.id, c.kind, c.name, c.settings, c.limits, c.secret_version, c.revision, c.created_at, c.checked_at,
       c.check_report,
       coalesce((SELECT jsonb_object_agg(s.name, s.hint) FROM formlane.secrets s
                 WHERE s.tenant_id = c.tenant_id AND s.connection_id = c.id), '{}') AS secrets
FROM formlane.connections c
WHERE c.tenant_id = $1 AND ($2::uuid IS NULL OR c.id = $2)
ORDER BY c.name

-- name: connection_lock
-- Hold a connection against other changes.
SELECT id FROM formlane.connections WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE

-- name: connection_update
-- Replace what a person entered.
UPDATE formlane.connections SET name = $3, settings = $4, limits = $5, secret_version = $6, revision = $7
WHERE tenant_id = $1 AND id = $2

-- name: connection_state_update
-- Replace the pace.
UPDATE formlane.connection_state SET rate = $3, concurrency = $4, daily = $5
WHERE tenant_id = $1 AND connection_id = $2

-- name: connection_delete
-- Remove a connection with its state and secrets.
DELETE FROM formlane.connections WHERE tenant_id = $1 AND id = $2 RETURNING id

-- name: connection_check_note
-- Keep the report of a check.
UPDATE formlane.connections SET checked_at = now(), check_report = $3 WHERE tenant_id = $1 AND id = $2

-- name: connection_revision
-- The revision now.
SELECT revision FROM formlane.connections WHERE tenant_id = $1 AND id = $2

-- name: connection_health
-- Pace, health and pause; a day's use counts for today only.
SELECT rate, concurrency, daily, failures, failing_since, paused_until > now() AS paused,
       CASE WHEN paused_until > now() THEN nullif(paused_until, 'infinity') END AS paused_until,
       CASE WHEN day = (now() AT TIME ZONE 'UTC')::date THEN used_today ELSE 0 END AS used_today
FROM formlane.connection_state WHERE tenant_id = $1 AND connection_id = $2

-- name: secrets
-- The newest version of each secret of a connection.
SELECT DISTINCT ON (name) name, version, tenant_key, wrapped_key, ciphertext, hint
FROM formlane.secrets WHERE tenant_id = $1 AND connection_id = $2 ORDER BY name, version DESC

-- name: secret_add
-- Keep a version of a secret.
INSERT INTO formlane.secrets (tenant_id, connection_id, name, version, tenant_key, wrapped_key, ciphertext, hint)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: secrets_drop
-- Forget the versions of a secret below one.
DELETE FROM formlane.secrets WHERE tenant_id = $1 AND connection_id = $2 AND name = $3 AND version < $4
