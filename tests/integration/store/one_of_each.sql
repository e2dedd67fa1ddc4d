-- One row of a tenant in every protected table; `:name` stands for an id.

INSERT INTO formlane.tenants (id, name) VALUES (:tenant, :tenant);
INSERT INTO formlane.api_keys (tenant_id, id, name, kid, secret_hash, scopes) VALUES (:tenant, :key, 'n',
    :key, 'x', '{push}');
INSERT INTO formlane.tenant_keys (tenant_id, id, version, created_at) VALUES (:tenant, :tk, 1, now());
INSERT INTO formlane.data_keys (tenant_id, id, kind, series, number, tenant_key, wrapped) VALUES
    (:tenant, :key, 'k', 's', 0, :tk, 'x');
INSERT INTO formlane.connections (tenant_id, id, kind, name, settings) VALUES (:tenant, :conn, 'k', 'n',
    '{}');
INSERT INTO formlane.connection_state (tenant_id, connection_id, rate, concurrency) VALUES (:tenant,
    :conn, 1, 1);
INSERT INTO formlane.secrets (tenant_id, connection_id, name, version, tenant_key, wrapped_key,
    ciphertext) VALUES (:tenant, :conn, 'n', 1, :tk, 'x', 'x');
INSERT INTO formlane.tokens (tenant_id, connection_id) VALUES (:tenant, :conn);
INSERT INTO formlane.consents (tenant_id, state_hash, connection_id, sealed, expires_at) VALUES (:tenant,
    'h', :conn, 'x', now());
INSERT INTO formlane.sources (tenant_id, id, kind, name) SELECT :tenant, x, k, 'n' FROM
    unnest(ARRAY[:form, :flow, :replay] ::uuid[], ARRAY['form', 'flow', 'replay']) AS u (x, k);
INSERT INTO formlane.forms (tenant_id, id, form_key, definition) VALUES (:tenant, :form, :form, '{}');
INSERT INTO formlane.flows (tenant_id, id, connection_id, draft) VALUES (:tenant, :flow, :conn, '{}');
INSERT INTO formlane.flow_versions (tenant_id, flow_id, version, definition) VALUES (:tenant, :flow, 1,
    '{}');
INSERT INTO formlane.releases (tenant_id, flow_id, release, version, bindings) VALUES (:tenant, :flow, 1,
    1, '{}');
INSERT INTO formlane.routes (tenant_id, id, form_id, flow_id, bindings) VALUES (:tenant, :key, :form,
    :flow, '{}');
INSERT INTO formlane.replays (tenant_id, id, flow_id, filter) VALUES (:tenant, :replay, :flow, '{}');
INSERT INTO formlane.batches (tenant_id, id, source_id, records, blob) VALUES (:tenant, :batch, :flow, 1,
    'x');
INSERT INTO formlane.idempotency (tenant_id, source_id, key, body_hash, batch_id, answer) VALUES
    (:tenant, :flow, 'k', 'h', :batch, 'a');
INSERT INTO formlane.lanes (tenant_id, id, flow_id, connection_id, generation, shard, call_rows,
    window_rows, window_bytes) VALUES (:tenant, :lane, :flow, :conn, 1, 0, 1, 1, 1);
INSERT INTO formlane.deliveries (tenant_id, lane_id, seq, batch_id, flow_id, source_id, records, bytes)
    VALUES (:tenant, :lane, 1, :batch, :flow, :flow, 1, 1);
INSERT INTO formlane.held (tenant_id, lane_id, queue, seq, position, retry_at, reason) VALUES (:tenant,
    :lane, 0, 1, 0, now(), 'r');
INSERT INTO formlane.journal (tenant_id, lane_id, call_id) VALUES (:tenant, :lane, :lane);
INSERT INTO formlane.attempts (tenant_id, id, lane_id, flow_id, connection_id, call_id, step, queue,
    from_seq, from_offset, to_seq, to_offset, release, number, started_at, milliseconds, records,
    delivered, outcome) VALUES (:tenant, :key, :lane, :flow, :conn, :key, 0, 0, 1, 0, 2, 0, 1, 1, now(),
    1, 1, 1, 'delivered');
INSERT INTO formlane.exceptions (tenant_id, batch_id, index, flow_id, source_id, status, reason) VALUES
    (:tenant, :batch, 0, :flow, :flow, 'parked', 'r');
INSERT INTO formlane.pauses (tenant_id, scope, scope_id, reason, until) VALUES (:tenant, 'flow', :flow,
    'user', 'infinity');
INSERT INTO formlane.ledger_deltas (tenant_id, source_id, flow_id, minute) VALUES (:tenant, :flow, :flow,
    now());
INSERT INTO formlane.ledger (tenant_id, source_id, flow_id, minute) VALUES (:tenant, :flow, :flow, now());
INSERT INTO formlane.alerts (tenant_id, id, scope, scope_id, reason, message) VALUES (:tenant, :flow,
    'flow', :flow, 'r', 'm');
