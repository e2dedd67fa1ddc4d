-- Tenants, keys, connections, sources, forms, flows.

SET LOCAL ROLE formlane_owner;

CREATE TABLE formlane.tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL COLLATE "C" UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CALL formlane.protect('formlane.tenants', 'id', 'formlane_lookup', 'formlane_duties');
GRANT SELECT ON formlane.tenants TO formlane_app;
GRANT SELECT, INSERT ON formlane.tenants TO formlane_lookup;
GRANT SELECT ON formlane.tenants TO formlane_duties;

CREATE TABLE formlane.api_keys (
    tenant_id uuid NOT NULL REFERENCES formlane.tenants,
    id uuid NOT NULL,
    name text NOT NULL,
    kid text NOT NULL COLLATE "C" UNIQUE,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CALL formlane.protect('formlane.api_keys', 'tenant_id', 'formlane_lookup');
GRANT SELECT, INSERT, UPDATE ON formlane.api_keys TO formlane_app;
GRANT SELECT, INSERT, UPDATE (last_used_at) ON formlane.api_keys TO formlane_lookup;

-- Key hierarchy of the vault: wrapped keys only, never a key in the clear. A shredded tenant key keeps
-- its row without the wrap.
CREATE TABLE formlane.tenant_keys (
    tenant_id uuid NOT NULL REFERENCES formlane.tenants,
    id uuid NOT NULL,
    version integer NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, version)
);
CALL formlane.protect('formlane.tenant_keys', 'tenant_id', 'formlane_lookup');
GRANT SELECT (tenant_id) ON formlane.tenant_keys TO formlane_lookup;
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.tenant_keys TO formlane_app;

CREATE TABLE formlane.data_keys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL COLLATE "C",
    series text NOT NULL COLLATE "C",
    number integer NOT NULL,
    tenant_key uuid NOT NULL,
    wrapped bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, series, number),
    FOREIGN KEY (tenant_id, tenant_key) REFERENCES formlane.tenant_keys
);
CREATE INDEX data_keys_by_tenant_key ON formlane.data_keys (tenant_id, tenant_key);
CALL formlane.protect('formlane.data_keys', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.data_keys TO formlane_app;

CREATE TABLE formlane.connections (
    tenant_id uuid NOT NULL REFERENCES formlane.tenants,
    id uuid NOT NULL,
    kind text NOT NULL COLLATE "C",
    name text NOT NULL,
    settings jsonb NOT NULL,
    limits jsonb NOT NULL DEFAULT '{}',
    secret_version integer NOT NULL DEFAULT 0,
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz,
    check_report jsonb,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);
CALL formlane.protect('formlane.connections', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.connections TO formlane_app;

-- Pace, health and pause of a connection: one hot row, drawn from by every worker.
-- tokens: as of tokens_at; refilled at 0.9 x rate up to 0.4 x rate (docs/decisions: pace).
CREATE TABLE formlane.connection_state (
    tenant_id uuid NOT NULL,
    connection_id uuid PRIMARY KEY,
    rate double precision NOT NULL,
    concurrency integer NOT NULL,
    daily integer,
    tokens double precision NOT NULL DEFAULT 1,
    tokens_at timestamptz NOT NULL DEFAULT now(),
    day date NOT NULL DEFAULT current_date,
    used_today integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    paused_until timestamptz NOT NULL DEFAULT '-infinity',
    file_sequence bigint NOT NULL DEFAULT 0,
    FOREIGN KEY (tenant_id, connection_id) REFERENCES formlane.connections ON DELETE CASCADE
) WITH (fillfactor = 50);
CALL formlane.protect('formlane.connection_state', 'tenant_id', 'formlane_lanes', 'formlane_duties');
GRANT SELECT, INSERT, UPDATE ON formlane.connection_state TO formlane_app;
GRANT SELECT, UPDATE ON formlane.connection_state TO formlane_lanes, formlane_duties;

CREATE TABLE formlane.secrets (
    tenant_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    name text NOT NULL COLLATE "C",
    version integer NOT NULL,
    tenant_key uuid NOT NULL,
    wrapped_key bytea NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, connection_id, name, version),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES formlane.connections ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, tenant_key) REFERENCES formlane.tenant_keys
);
CREATE INDEX secrets_by_tenant_key ON formlane.secrets (tenant_id, tenant_key);
CALL formlane.protect('formlane.secrets', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.secrets TO formlane_app;

-- Whatever records come from: a form, a flow's PUSH API, or a replay. revision changes with anything
-- that intake depends on; accept() refuses a batch that was prepared under an older one.
CREATE TABLE formlane.sources (
    tenant_id uuid NOT NULL REFERENCES formlane.tenants,
    id uuid NOT NULL,
    kind text NOT NULL COLLATE "C" CHECK (kind IN ('form', 'flow', 'replay')),
    name text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CALL formlane.protect('formlane.sources', 'tenant_id', 'formlane_intake', 'formlane_lanes');
GRANT SELECT, INSERT, UPDATE ON formlane.sources TO formlane_app;
GRANT SELECT ON formlane.sources TO formlane_intake, formlane_lanes;

CREATE TABLE formlane.forms (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    form_key text NOT NULL COLLATE "C" UNIQUE,
    definition jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, id) REFERENCES formlane.sources
);
CALL formlane.protect('formlane.forms', 'tenant_id', 'formlane_lookup');
GRANT SELECT, INSERT, UPDATE ON formlane.forms TO formlane_app;
GRANT SELECT ON formlane.forms TO formlane_lookup;

CREATE TABLE formlane.flows (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    connection_id uuid NOT NULL,
    draft jsonb NOT NULL,
    draft_revision integer NOT NULL DEFAULT 1,
    release integer,
    generation integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, id) REFERENCES formlane.sources,
    FOREIGN KEY (tenant_id, connection_id) REFERENCES formlane.connections
);
CREATE INDEX flows_by_connection ON formlane.flows (tenant_id, connection_id);
CALL formlane.protect('formlane.flows', 'tenant_id', 'formlane_lanes');
GRANT SELECT, INSERT, UPDATE ON formlane.flows TO formlane_app;
GRANT SELECT ON formlane.flows TO formlane_lanes;

-- Immutable: nobody is granted UPDATE or DELETE.
CREATE TABLE formlane.flow_versions (
    tenant_id uuid NOT NULL,
    flow_id uuid NOT NULL,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    note text NOT NULL DEFAULT '',
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, flow_id, version),
    FOREIGN KEY (tenant_id, flow_id) REFERENCES formlane.flows
);
CALL formlane.protect('formlane.flow_versions', 'tenant_id');
GRANT SELECT, INSERT ON formlane.flow_versions TO formlane_app;

-- A flow version together with the bindings of all its routes, frozen: what a window is bound to.
-- bindings: {"<form id>": {"<input>": "<field>", ...}, ...}
CREATE TABLE formlane.releases (
    tenant_id uuid NOT NULL,
    flow_id uuid NOT NULL,
    release integer NOT NULL,
    version integer NOT NULL,
    bindings jsonb NOT NULL,
    released_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, flow_id, release),
    FOREIGN KEY (tenant_id, flow_id, version) REFERENCES formlane.flow_versions
);
CALL formlane.protect('formlane.releases', 'tenant_id');
GRANT SELECT, INSERT ON formlane.releases TO formlane_app;

CREATE TABLE formlane.routes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    form_id uuid NOT NULL,
    flow_id uuid NOT NULL,
    bindings jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, form_id, flow_id),
    FOREIGN KEY (tenant_id, form_id) REFERENCES formlane.forms,
    FOREIGN KEY (tenant_id, flow_id) REFERENCES formlane.flows
);
CREATE INDEX routes_by_flow ON formlane.routes (tenant_id, flow_id);
CALL formlane.protect('formlane.routes', 'tenant_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.routes TO formlane_app;
