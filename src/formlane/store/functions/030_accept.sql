-- Accepts the batches of one flush, all in one transaction: many requests, several tenants.
--
-- verdict per member: 'accepted' | 'repeat' (answer: what the first was told) | 'mismatch' (the key
-- came with another body before) | 'stale' (the source or a lane changed since the member was prepared;
-- prepare it again). Only 'accepted' stores anything.
-- Locks: idempotency keys in key order, then lanes in id order.

CREATE OR REPLACE FUNCTION formlane.accept(
    batches formlane.new_batch[], deliveries formlane.new_delivery[], refusals formlane.new_refusal[]
) RETURNS TABLE (ordinal integer, verdict text, batch_id uuid, answer bytea, accepted_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    stale integer[];
    fresh integer[];
    lanes_wanted uuid[];
    lanes_open uuid[];
BEGIN
    SELECT coalesce(array_agg(b.ordinal), '{}') INTO stale
    FROM unnest(batches) b
    WHERE NOT EXISTS (
        SELECT FROM sources s
        WHERE s.tenant_id = b.tenant_id AND s.id = b.source_id AND s.revision = b.revision);

    IF EXISTS (SELECT FROM unnest(batches) b WHERE b.key IS NOT NULL) THEN
        WITH claimed AS (
            INSERT INTO idempotency (tenant_id, source_id, key, body_hash, batch_id, answer)
            SELECT b.tenant_id, b.source_id, b.key, b.body_hash, b.id, b.answer
            FROM unnest(batches) b
            WHERE b.key IS NOT NULL AND b.ordinal <> ALL (stale)
            ORDER BY b.tenant_id, b.source_id, b.key, b.ordinal
            ON CONFLICT DO NOTHING
            RETURNING idempotency.batch_id
        )
        SELECT coalesce(array_agg(b.ordinal), '{}') INTO fresh
        FROM unnest(batches) b
        WHERE b.ordinal <> ALL (stale)
          AND (b.key IS NULL OR EXISTS (SELECT FROM claimed c WHERE c.batch_id = b.id));
    ELSE
        SELECT coalesce(array_agg(b.ordinal), '{}') INTO fresh
        FROM unnest(batches) b WHERE b.ordinal <> ALL (stale);
    END IF;

    lanes_wanted := ARRAY(SELECT DISTINCT d.lane_id FROM unnest(deliveries) d WHERE d.ordinal = ANY (fresh));
    lanes_open := ARRAY(
        SELECT l.id FROM (
            SELECT l.id, l.closed FROM lanes l WHERE l.id = ANY (lanes_wanted) ORDER BY l.id FOR NO KEY UPDATE
        ) l WHERE NOT l.closed);

    -- A lane that was closed meanwhile (a new generation took over) makes its member stale.
    IF cardinality(lanes_open) < cardinality(lanes_wanted) THEN
        SELECT stale || array_agg(DISTINCT d.ordinal) INTO stale
        FROM unnest(deliveries) d
        WHERE d.ordinal = ANY (fresh) AND d.lane_id <> ALL (lanes_open);
        DELETE FROM idempotency i USING unnest(batches) b
        WHERE b.ordinal = ANY (stale) AND i.tenant_id = b.tenant_id AND i.source_id = b.source_id
          AND i.key = b.key AND i.batch_id = b.id;
        SELECT coalesce(array_agg(o), '{}') INTO fresh FROM unnest(fresh) o WHERE o <> ALL (stale);
    END IF;

    INSERT INTO batches (tenant_id, id, source_id, records, invalid, blob, lookup)
    SELECT b.tenant_id, b.id, b.source_id, b.records, b.invalid, b.blob, b.lookup
    FROM unnest(batches) b WHERE b.ordinal = ANY (fresh);

    INSERT INTO deliveries (tenant_id, lane_id, seq, batch_id, flow_id, source_id, records, bytes, rows, keys)
    SELECT b.tenant_id, d.lane_id,
           l.live_tail + row_number() OVER (PARTITION BY d.lane_id ORDER BY d.ordinal) - 1,
           b.id, l.flow_id, b.source_id, d.records, d.bytes, d.rows, d.keys
    FROM unnest(deliveries) d
    JOIN unnest(batches) b ON b.ordinal = d.ordinal
    JOIN lanes l ON l.id = d.lane_id AND l.tenant_id = b.tenant_id
    WHERE d.ordinal = ANY (fresh);

    UPDATE lanes l
    SET live_tail = l.live_tail + n.deliveries,
        live_rows = l.live_rows + n.records,
        live_bytes = l.live_bytes + n.bytes,
        window_close = CASE WHEN l.live_head = l.live_tail THEN now() + l.window_length ELSE l.window_close END
    FROM (
        SELECT d.lane_id, count(*) AS deliveries, sum(d.records) AS records, sum(d.bytes) AS bytes
        FROM unnest(deliveries) d WHERE d.ordinal = ANY (fresh) GROUP BY d.lane_id
    ) n
    WHERE l.id = n.lane_id;

    IF cardinality(refusals) > 0 THEN
        INSERT INTO exceptions (tenant_id, batch_id, index, flow_id, source_id, status, reason, detail)
        SELECT b.tenant_id, b.id, r.index, '00000000-0000-0000-0000-000000000000', b.source_id, 'rejected',
               r.reason, r.detail
        FROM unnest(refusals) r JOIN unnest(batches) b ON b.ordinal = r.ordinal
        WHERE r.ordinal = ANY (fresh);
    END IF;

    INSERT INTO ledger_deltas (tenant_id, source_id, flow_id, minute, accepted, rejected)
    SELECT x.tenant_id, x.source_id, x.flow_id, date_trunc('minute', now()), sum(x.accepted), sum(x.rejected)
    FROM (
        SELECT b.tenant_id, b.source_id, l.flow_id, d.records AS accepted, 0 AS rejected
        FROM unnest(deliveries) d
        JOIN unnest(batches) b ON b.ordinal = d.ordinal
        JOIN lanes l ON l.id = d.lane_id
        WHERE d.ordinal = ANY (fresh)
        UNION ALL
        SELECT b.tenant_id, b.source_id, '00000000-0000-0000-0000-000000000000', b.invalid, b.invalid
        FROM unnest(batches) b WHERE b.ordinal = ANY (fresh) AND b.invalid > 0
    ) x
    GROUP BY x.tenant_id, x.source_id, x.flow_id;

    RETURN QUERY
    SELECT b.ordinal,
           CASE WHEN b.ordinal = ANY (fresh) THEN 'accepted'
                WHEN b.ordinal = ANY (stale) THEN 'stale'
                WHEN i.body_hash = b.body_hash THEN 'repeat'
                WHEN i.body_hash <> b.body_hash THEN 'mismatch'
                ELSE 'stale' END,
           CASE WHEN b.ordinal = ANY (fresh) THEN b.id ELSE i.batch_id END,
           CASE WHEN b.ordinal = ANY (fresh) THEN NULL ELSE i.answer END,
           now()
    FROM unnest(batches) b
    LEFT JOIN idempotency i
      ON b.key IS NOT NULL AND b.ordinal <> ALL (fresh)
     AND i.tenant_id = b.tenant_id AND i.source_id = b.source_id AND i.key = b.key
    ORDER BY b.ordinal;
END
$$;
ALTER FUNCTION formlane.accept OWNER TO formlane_intake;
REVOKE ALL ON FUNCTION formlane.accept FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.accept TO formlane_service;
