-- Batches, lanes, deliveries and everything that settling them leaves behind.

SET LOCAL ROLE formlane_owner;

-- The records of one accepted request, sealed as one blob. lookup: keyed hashes of key and identity fields.
CREATE TABLE formlane.batches (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    source_id uuid NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    records integer NOT NULL CHECK (records > 0),
    invalid integer NOT NULL DEFAULT 0,
    blob bytea NOT NULL,
    lookup bytea[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, source_id) REFERENCES formlane.sources
);
ALTER TABLE formlane.batches ALTER COLUMN blob SET STORAGE EXTERNAL;
CREATE INDEX batches_by_time ON formlane.batches (tenant_id, accepted_at DESC, id DESC);
CREATE INDEX batches_by_lookup ON formlane.batches USING gin (lookup);
CALL formlane.protect('formlane.batches', 'tenant_id', 'formlane_intake', 'formlane_lanes', 'formlane_duties');
GRANT SELECT ON formlane.batches TO formlane_app, formlane_lanes, formlane_duties;
GRANT SELECT, INSERT ON formlane.batches TO formlane_intake;

CREATE TABLE formlane.idempotency (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    key bytea NOT NULL,
    body_hash bytea NOT NULL,
    batch_id uuid NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, source_id, key)
);
CREATE INDEX idempotency_by_age ON formlane.idempotency (created_at);
CALL formlane.protect('formlane.idempotency', 'tenant_id', 'formlane_intake', 'formlane_duties');
GRANT SELECT ON formlane.idempotency TO formlane_app;
GRANT SELECT, INSERT, DELETE ON formlane.idempotency TO formlane_intake;
GRANT SELECT, UPDATE, DELETE ON formlane.idempotency TO formlane_duties;

-- An ordered queue: flow x shard of the key input. Positions are (sequence of the delivery, offset of
-- the record in it); head is the first record not settled, tail the sequence of the next delivery.
-- queue: 0 live, 1 replay, 2 held.
CREATE TABLE formlane.lanes (
    tenant_id uuid NOT NULL,
    id uuid PRIMARY KEY,
    flow_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    generation integer NOT NULL,
    shard integer NOT NULL,
    closed boolean NOT NULL DEFAULT false,
    -- what a call and a window may hold, and how long after a lapse nothing is sent; copied from the flow version
    call_rows integer NOT NULL,
    window_rows integer NOT NULL,
    window_bytes bigint NOT NULL,
    window_length interval,
    quiet interval NOT NULL DEFAULT '0',
    -- the two queues
    live_head bigint NOT NULL DEFAULT 1,
    live_offset integer NOT NULL DEFAULT 0,
    live_tail bigint NOT NULL DEFAULT 1,
    live_rows bigint NOT NULL DEFAULT 0,
    live_bytes bigint NOT NULL DEFAULT 0,
    replay_head bigint NOT NULL DEFAULT 1,
    replay_offset integer NOT NULL DEFAULT 0,
    replay_tail bigint NOT NULL DEFAULT 1,
    live_turns integer NOT NULL DEFAULT 0,
    last_queue smallint NOT NULL DEFAULT 0,
    held integer NOT NULL DEFAULT 0,
    next_held timestamptz,
    window_close timestamptz,
    -- the open window: [head, to) of one queue, under one release; cut_to: where its next call ends, if a
    -- refused call was split
    window_id uuid,
    window_queue smallint,
    window_to bigint,
    window_to_offset integer,
    window_release integer,
    cut_to bigint,
    cut_to_offset integer,
    step smallint NOT NULL DEFAULT 0,
    maybe_sent boolean NOT NULL DEFAULT false,
    sending boolean NOT NULL DEFAULT false,
    lapses integer NOT NULL DEFAULT 0,
    sending_lapses integer NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    -- lease and waits
    lease_token uuid,
    lease_until timestamptz,
    leased_by text,
    quiet_until timestamptz,
    retry_at timestamptz,
    wait_until timestamptz,
    paused_until timestamptz NOT NULL DEFAULT '-infinity',
    ready_at timestamptz,
    FOREIGN KEY (tenant_id, flow_id) REFERENCES formlane.flows,
    FOREIGN KEY (tenant_id, connection_id) REFERENCES formlane.connections,
    UNIQUE (tenant_id, id),
    UNIQUE (flow_id, generation, shard)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
CREATE INDEX lanes_ready ON formlane.lanes (ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX lanes_waiting ON formlane.lanes (connection_id, id) WHERE wait_until = 'infinity';
CREATE INDEX lanes_leased ON formlane.lanes (connection_id) WHERE lease_token IS NOT NULL;
CREATE INDEX lanes_by_connection ON formlane.lanes (connection_id, id);
CREATE INDEX lanes_by_flow ON formlane.lanes (tenant_id, flow_id);
CALL formlane.protect('formlane.lanes', 'tenant_id', 'formlane_intake', 'formlane_lanes', 'formlane_duties');
GRANT SELECT, INSERT, UPDATE ON formlane.lanes TO formlane_app;
GRANT SELECT, UPDATE ON formlane.lanes TO formlane_intake, formlane_lanes, formlane_duties;

-- The records of one batch that share a lane. rows: their indexes in the batch, null = all of them in
-- order. keys: eight bytes per record, the hash of its key input; null for flows without a key.
CREATE TABLE formlane.deliveries (
    tenant_id uuid NOT NULL,
    lane_id uuid NOT NULL,
    queue smallint NOT NULL DEFAULT 0,
    seq bigint NOT NULL,
    batch_id uuid NOT NULL,
    flow_id uuid NOT NULL,
    source_id uuid NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    records integer NOT NULL,
    bytes integer NOT NULL,
    rows integer[],
    keys bytea,
    as_new boolean NOT NULL DEFAULT false,
    PRIMARY KEY (lane_id, queue, seq),
    FOREIGN KEY (tenant_id, batch_id) REFERENCES formlane.batches,
    FOREIGN KEY (tenant_id, lane_id) REFERENCES formlane.lanes (tenant_id, id)
);
CREATE INDEX deliveries_by_batch ON formlane.deliveries (tenant_id, batch_id);
CALL formlane.protect('formlane.deliveries', 'tenant_id', 'formlane_intake', 'formlane_lanes', 'formlane_duties');
GRANT SELECT ON formlane.deliveries TO formlane_app, formlane_lanes, formlane_duties;
GRANT SELECT, INSERT ON formlane.deliveries TO formlane_intake;

-- Records that wait by themselves for a later try, in order per key. seq and position as in the lane.
-- release: null until it was sent once; then the one it is bound to. retry_at: null = behind its key.
CREATE TABLE formlane.held (
    tenant_id uuid NOT NULL,
    lane_id uuid NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY,
    key bytea,
    queue smallint NOT NULL,
    seq bigint NOT NULL,
    position integer NOT NULL,
    step smallint NOT NULL DEFAULT 0,
    release integer,
    remote_ids bytea,
    attempt integer NOT NULL DEFAULT 0,
    held_since timestamptz NOT NULL DEFAULT now(),
    retry_at timestamptz NOT NULL,
    reason text NOT NULL COLLATE "C",
    message text NOT NULL DEFAULT '',
    window_id uuid,
    PRIMARY KEY (lane_id, place),
    UNIQUE (lane_id, queue, seq, position),
    FOREIGN KEY (tenant_id, lane_id) REFERENCES formlane.lanes (tenant_id, id)
);
CREATE INDEX held_by_key ON formlane.held (lane_id, key, place);
CALL formlane.protect('formlane.held', 'tenant_id', 'formlane_lanes', 'formlane_duties');
GRANT SELECT ON formlane.held TO formlane_app, formlane_duties;
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.held TO formlane_lanes;

-- Memory of the call in flight on a lane; deleted when the call is settled.
CREATE TABLE formlane.journal (
    tenant_id uuid NOT NULL,
    lane_id uuid NOT NULL,
    call_id uuid NOT NULL,
    state bytea,
    content bytea,
    sequence bigint,
    sealed_at timestamptz,
    touched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane_id, call_id),
    FOREIGN KEY (tenant_id, lane_id) REFERENCES formlane.lanes (tenant_id, id)
);
ALTER TABLE formlane.journal ALTER COLUMN content SET STORAGE EXTERNAL;
CALL formlane.protect('formlane.journal', 'tenant_id', 'formlane_lanes');
GRANT SELECT ON formlane.journal TO formlane_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.journal TO formlane_lanes;

-- One try of a call over the records [from, to) of a lane's queue. exchange and results are sealed.
CREATE TABLE formlane.attempts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    lane_id uuid NOT NULL,
    flow_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    call_id uuid NOT NULL,
    step smallint NOT NULL,
    queue smallint NOT NULL,
    from_seq bigint NOT NULL,
    from_offset integer NOT NULL,
    to_seq bigint NOT NULL,
    to_offset integer NOT NULL,
    release integer NOT NULL,
    number integer NOT NULL,
    started_at timestamptz NOT NULL,
    milliseconds integer NOT NULL,
    records integer NOT NULL,
    delivered integer NOT NULL,
    outcome text NOT NULL COLLATE "C",
    reason text COLLATE "C",
    message text NOT NULL DEFAULT '',
    exchange bytea,
    results bytea,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX attempts_by_lane ON formlane.attempts (tenant_id, lane_id, queue, from_seq);
CREATE INDEX attempts_by_connection ON formlane.attempts (tenant_id, connection_id, id DESC);
CALL formlane.protect('formlane.attempts', 'tenant_id', 'formlane_lanes', 'formlane_duties');
GRANT SELECT ON formlane.attempts TO formlane_app, formlane_duties;
GRANT SELECT, INSERT ON formlane.attempts TO formlane_lanes;

-- One row per record, flow and step that was not delivered. A record that a form refused has no flow:
-- its row carries the nil UUID. detail is sealed (reason in words, fields, the vendor's own text).
CREATE TABLE formlane.exceptions (
    tenant_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    index integer NOT NULL,
    flow_id uuid NOT NULL,
    source_id uuid NOT NULL,
    step smallint NOT NULL DEFAULT 0,
    status text NOT NULL COLLATE "C" CHECK (status IN ('skipped', 'rejected', 'parked')),
    reason text NOT NULL COLLATE "C",
    fingerprint bytea,
    release integer,
    detail bytea,
    settled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, batch_id, index, flow_id, source_id, step)
);
CREATE INDEX exceptions_by_flow ON formlane.exceptions (tenant_id, flow_id, status, settled_at DESC);
CALL formlane.protect('formlane.exceptions', 'tenant_id', 'formlane_intake', 'formlane_lanes', 'formlane_duties');
GRANT SELECT ON formlane.exceptions TO formlane_app, formlane_duties;
GRANT SELECT, INSERT ON formlane.exceptions TO formlane_intake, formlane_lanes;

-- Why something waits; clearing one reason leaves the others.
CREATE TABLE formlane.pauses (
    tenant_id uuid NOT NULL,
    scope text NOT NULL COLLATE "C" CHECK (scope IN ('connection', 'flow', 'lane')),
    scope_id uuid NOT NULL,
    reason text NOT NULL COLLATE "C",
    until timestamptz NOT NULL,
    message text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, scope, scope_id, reason)
);
CALL formlane.protect('formlane.pauses', 'tenant_id', 'formlane_lanes', 'formlane_duties');
GRANT SELECT, INSERT, UPDATE, DELETE ON formlane.pauses TO formlane_app, formlane_lanes, formlane_duties;

-- The books: append-only deltas, folded into sums by the scheduler. minute: of acceptance.
-- bucket: latency class of the delivered records of this delta (see formlane.domain.ledger).
CREATE TABLE formlane.ledger_deltas (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    flow_id uuid NOT NULL,
    minute timestamptz NOT NULL,
    accepted integer NOT NULL DEFAULT 0,
    delivered integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    rejected integer NOT NULL DEFAULT 0,
    parked integer NOT NULL DEFAULT 0,
    bucket smallint
);
CALL formlane.protect('formlane.ledger_deltas', 'tenant_id', 'formlane_intake', 'formlane_lanes', 'formlane_duties');
GRANT SELECT ON formlane.ledger_deltas TO formlane_app;
GRANT INSERT ON formlane.ledger_deltas TO formlane_intake, formlane_lanes;
GRANT SELECT, UPDATE, DELETE ON formlane.ledger_deltas TO formlane_duties;

CREATE TABLE formlane.ledger (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    flow_id uuid NOT NULL,
    minute timestamptz NOT NULL,
    accepted bigint NOT NULL DEFAULT 0,
    delivered bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    parked bigint NOT NULL DEFAULT 0,
    latency bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, source_id, flow_id, minute)
);
CALL formlane.protect('formlane.ledger', 'tenant_id', 'formlane_duties');
GRANT SELECT ON formlane.ledger TO formlane_app;
GRANT SELECT, INSERT, UPDATE ON formlane.ledger TO formlane_duties;

-- A person's request to send again; its records are deliveries in the replay queues, under its source.
CREATE TABLE formlane.replays (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    flow_id uuid NOT NULL,
    as_new boolean NOT NULL DEFAULT false,
    forced boolean NOT NULL DEFAULT false,
    filter jsonb NOT NULL,
    records integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, id) REFERENCES formlane.sources,
    FOREIGN KEY (tenant_id, flow_id) REFERENCES formlane.flows
);
CALL formlane.protect('formlane.replays', 'tenant_id');
GRANT SELECT, INSERT, UPDATE ON formlane.replays TO formlane_app;

-- What a person should know: raised once per state change, kept until the cause is gone.
CREATE TABLE formlane.alerts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    scope text NOT NULL COLLATE "C",
    scope_id uuid NOT NULL,
    reason text NOT NULL COLLATE "C",
    message text NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now(),
    cleared_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX alerts_open ON formlane.alerts (tenant_id, scope, scope_id, reason) WHERE cleared_at IS NULL;
CALL formlane.protect('formlane.alerts', 'tenant_id', 'formlane_lanes', 'formlane_duties');
GRANT SELECT, INSERT, UPDATE ON formlane.alerts TO formlane_app, formlane_lanes, formlane_duties;

-- The scheduler's duties: each is leased by one process at a time. No tenant's data.
CREATE TABLE formlane.duties (
    name text PRIMARY KEY COLLATE "C",
    holder text,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    last_run_at timestamptz,
    note text NOT NULL DEFAULT ''
);
GRANT SELECT, INSERT, UPDATE ON formlane.duties TO formlane_duties;
