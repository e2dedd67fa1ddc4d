-- Access tokens of connections, shared by all processes, and consents that a person was asked for.

SET LOCAL ROLE formlane_owner;

-- sealed: access token, refresh token if one replaced the connection's secret, and what else came with them;
-- obtained under this revision of the connection, its refresh token descending from this version of the secret.
-- sequence counts what was kept: whoever read an older one may not overwrite. holder renews until held_until.
-- trouble: the outcome of the last try, if it gave no token.
CREATE TABLE formlane.tokens (
    tenant_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    secret_version integer NOT NULL DEFAULT 0,
    revision integer NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    sealed bytea,
    expires_at timestamptz,
    renew_at timestamptz,
    holder uuid,
    held_until timestamptz,
    tried_at timestamptz,
    trouble jsonb,
    PRIMARY KEY (tenant_id, connection_id),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES formlane.connections ON DELETE CASCADE
);
CALL formlane.protect('formlane.tokens', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.tokens TO formlane_app;

-- state_hash: SHA-256 of the state parameter; sealed: what finishing takes. Used once.
CREATE TABLE formlane.consents (
    tenant_id uuid NOT NULL,
    state_hash bytea NOT NULL,
    connection_id uuid NOT NULL,
    sealed bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, state_hash),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES formlane.connections ON DELETE CASCADE
);
CREATE INDEX consents_by_connection ON formlane.consents (tenant_id, connection_id);
CALL formlane.protect('formlane.consents', 'tenant_id');
GRANT SELECT, INSERT, DELETE ON formlane.consents TO formlane_app;
