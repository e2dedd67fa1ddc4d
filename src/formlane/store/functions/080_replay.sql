-- Queues records once more, as deliveries in the replay queues of their lanes, under the replay's own
-- source: one element of lane_ids, batch_ids and positions (indexes in the batch) per delivery.
-- Locks: lanes in id order.

DROP FUNCTION IF EXISTS formlane.enqueue_replay;
CREATE FUNCTION formlane.enqueue_replay(
    tenant uuid, source uuid, lane_ids uuid[], batch_ids uuid[], positions jsonb, as_new boolean
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    queued integer;
BEGIN
    PERFORM FROM lanes l WHERE l.id = ANY (lane_ids) AND l.tenant_id = tenant ORDER BY l.id FOR NO KEY UPDATE;
    WITH asked AS (
        SELECT a.lane_id, a.batch_id, a.place, ARRAY(
                   SELECT x::int FROM jsonb_array_elements_text(positions -> (a.place - 1)::int) x ORDER BY x::int
               ) AS rows
        FROM unnest(lane_ids, batch_ids) WITH ORDINALITY AS a (lane_id, batch_id, place)
    ), queued_now AS (
        INSERT INTO deliveries (
            tenant_id, lane_id, queue, seq, batch_id, flow_id, source_id, records, bytes, rows, keys, as_new)
        SELECT tenant, l.id, 1,
               l.replay_tail + row_number() OVER (PARTITION BY l.id ORDER BY a.place) - 1,
               a.batch_id, l.flow_id, source, cardinality(a.rows),
               greatest(1, o.bytes * cardinality(a.rows) / o.records), a.rows,
               (SELECT string_agg(substr(o.keys, 8 * (coalesce(array_position(o.rows, r), r + 1) - 1) + 1, 8), ''::bytea
                                  ORDER BY r)
                FROM unnest(a.rows) r WHERE o.keys IS NOT NULL),
               as_new
        FROM asked a
        JOIN lanes l ON l.id = a.lane_id AND l.tenant_id = tenant
        JOIN LATERAL (
            SELECT d.bytes, d.records, d.rows, d.keys FROM deliveries d
            WHERE d.tenant_id = tenant AND d.batch_id = a.batch_id AND d.lane_id = a.lane_id
            ORDER BY d.queue LIMIT 1
        ) o ON true
        RETURNING lane_id, flow_id, records
    ), counted AS (
        INSERT INTO ledger_deltas (tenant_id, source_id, flow_id, minute, accepted)
        SELECT tenant, source, q.flow_id, date_trunc('minute', now()), sum(q.records)
        FROM queued_now q GROUP BY q.flow_id
    ), moved AS (
        UPDATE lanes l SET replay_tail = l.replay_tail + n.deliveries
        FROM (SELECT lane_id, count(*) AS deliveries FROM queued_now GROUP BY lane_id) n
        WHERE l.id = n.lane_id
    )
    SELECT coalesce(sum(q.records), 0) INTO queued FROM queued_now q;
    RETURN queued;
END
$$;
ALTER FUNCTION formlane.enqueue_replay OWNER TO formlane_intake;
REVOKE ALL ON FUNCTION formlane.enqueue_replay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.enqueue_replay TO formlane_service, formlane_app;
