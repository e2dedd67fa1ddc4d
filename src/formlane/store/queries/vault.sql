-- name: tenant_keys
-- All versions of the tenant's key, lowest first.
SELECT tenant_id, id, version, wrapped, created_at
FROM formlane.tenant_keys WHERE tenant_id = $1 ORDER BY version

-- name: tenant_key_add
-- Keep a version of the tenant's key, unless another process was first.
INSERT INTO formlane.tenant_keys (tenant_id, id, version, wrapped, created_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, version) DO NOTHING

-- name: tenant_key_of_version
-- The key that holds this version.
SELECT tenant_id, id, version, wrapped, created_at
FROM formlane.tenant_keys WHERE tenant_id = $1 AND version = $2

-- name: data_key
-- One data key.
SELECT tenant_id, id, kind, series, number, tenant_key, wrapped
FROM formlane.data_keys WHERE tenant_id = $1 AND id = $2

-- name: data_key_latest
-- The data key with the highest number in a series.
SELECT tenant_id, id, kind, series, number, tenant_key, wrapped
FROM formlane.data_keys WHERE tenant_id = $1 AND series = $2 ORDER BY number DESC LIMIT 1

-- name: data_key_add
-- Keep a data key, unless another process was first.
INSERT INTO formlane.data_keys (tenant_id, id, kind, series, number, tenant_key, wrapped)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, series, number) DO NOTHING

-- name: data_key_of_number
-- The key that holds this number of a series.
SELECT tenant_id, id, kind, series, number, tenant_key, wrapped
FROM formlane.data_keys WHERE tenant_id = $1 AND series = $2 AND number = $3

-- name: wraps_not_under
-- Data keys and secrets' keys that another tenant key wraps.
(SELECT kind, id, '' AS field, 0 AS version, wrapped
 FROM formlane.data_keys WHERE tenant_id = $1 AND tenant_key <> $2 LIMIT $3)
UNION ALL
(SELECT 'secret_key', connection_id, name, version, wrapped_key
 FROM formlane.secrets WHERE tenant_id = $1 AND tenant_key <> $2 LIMIT $3)
LIMIT $3

-- name: data_key_swap
-- Replace the wrap of a data key that still is as it was read.
UPDATE formlane.data_keys SET wrapped = $4, tenant_key = $5
WHERE tenant_id = $1 AND id = $2 AND wrapped = $3
RETURNING id

-- name: secret_key_swap
-- Replace the wrap of a secret's key that still is as it was read.
UPDATE formlane.secrets SET wrapped_key = $6, tenant_key = $7
WHERE tenant_id = $1 AND connection_id = $2 AND name = $3 AND version = $4 AND wrapped_key = $5
RETURNING connection_id

-- name: tenant_key_swap
-- Replace the wrap of a tenant key that still is as it was read; never of a shredded one.
UPDATE formlane.tenant_keys SET wrapped = $4
WHERE tenant_id = $1 AND id = $2 AND wrapped = $3
RETURNING id

-- name: tenant_keys_delete_below
-- Delete older versions of the tenant's key.
DELETE FROM formlane.tenant_keys WHERE tenant_id = $1 AND version < $2 RETURNING id

-- name: tenant_keys_shred
-- Overwrite every wrap of the tenant's key.
UPDATE formlane.tenant_keys SET wrapped = NULL WHERE tenant_id = $1 RETURNING id
