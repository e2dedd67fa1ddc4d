-- name: tenant
-- The unit's own tenant.
SELECT id, name, created_at FROM formlane.tenants WHERE id = $1

-- name: key_add
-- Keep a new API key.
INSERT INTO formlane.api_keys (tenant_id, id, name, kid, secret_hash, scopes, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: keys
-- All API keys of the tenant, newest first.
SELECT id, name, kid, scopes, created_at, expires_at, revoked_at, last_used_at
FROM formlane.api_keys WHERE tenant_id = $1 ORDER BY id DESC

-- name: key_revoke
-- End an API key that is still good.
UPDATE formlane.api_keys SET revoked_at = now()
WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL
RETURNING id
