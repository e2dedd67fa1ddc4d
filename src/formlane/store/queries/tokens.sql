-- name: token
-- The token of a connection, and whether somebody is renewing it.
SELECT secret_version, revision, sequence, sealed, expires_at, renew_at, trouble,
       extract(epoch FROM now() - tried_at)::float8 AS tried_ago, coalesce(held_until > now(), false) AS busy
FROM formlane.tokens WHERE tenant_id = $1 AND connection_id = $2

-- name: token_lease
-- Become the one who renews it, unless somebody is; the row as it stands then.
INSERT INTO formlane.tokens AS t (tenant_id, connection_id, holder, held_until)
VALUES ($1, $2, $3, now() + $4::interval)
ON CONFLICT (tenant_id, connection_id) DO UPDATE
SET holder = excluded.holder, held_until = excluded.held_until
WHERE t.held_until IS NULL OR t.held_until <= now()
RETURNING secret_version, revision, sequence, sealed, expires_at, renew_at, trouble,
          extract(epoch FROM now() - tried_at)::float8 AS tried_ago, true AS busy

-- name: token_keep
-- Keep a new token, unless another was kept since sequence $3 was read; ends the renewal.
UPDATE formlane.tokens
SET secret_version = $4, revision = $5, sealed = $6, expires_at = $7, renew_at = $8, sequence = sequence + 1,
    holder = NULL, held_until = NULL, tried_at = now(), trouble = NULL
WHERE tenant_id = $1 AND connection_id = $2 AND sequence = $3
RETURNING sequence

-- name: token_give_up
-- End a renewal that gave no token.
UPDATE formlane.tokens SET holder = NULL, held_until = NULL, tried_at = now(), trouble = $4
WHERE tenant_id = $1 AND connection_id = $2 AND holder = $3

-- name: token_replace
-- Keep a token that a person's consent gave, whatever was there.
INSERT INTO formlane.tokens AS t (tenant_id, connection_id, secret_version, revision, sealed, expires_at, renew_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, connection_id) DO UPDATE
SET secret_version = excluded.secret_version, revision = excluded.revision, sealed = excluded.sealed,
    expires_at = excluded.expires_at, renew_at = excluded.renew_at, sequence = t.sequence + 1,
    holder = NULL, held_until = NULL, tried_at = NULL, trouble = NULL

-- name: consent_add
-- Remember a consent that was asked for.
INSERT INTO formlane.consents (tenant_id, state_hash, connection_id, sealed, expires_at)
VALUES ($1, $2, $3, $4, now() + $5::interval)
RETURNING expires_at

-- name: consent_take
-- Use it up.
DELETE FROM formlane.consents WHERE tenant_id = $1 AND state_hash = $2
RETURNING connection_id, sealed, expires_at > now() AS in_time

-- name: consents_expire
-- Forget those that nobody gave in time.
DELETE FROM formlane.consents WHERE tenant_id = $1 AND expires_at <= now()
