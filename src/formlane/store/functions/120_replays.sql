-- Takes back what a replay queued and no worker has leased yet; answers how many records that were.
-- They leave the books as if they had never been asked for. Locks: lanes in id order.
CREATE OR REPLACE FUNCTION formlane.cancel_replay(tenant uuid, replay uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    touched uuid[];
    taken_back integer;
BEGIN
    IF tenant IS DISTINCT FROM formlane.current_tenant() THEN
        RAISE EXCEPTION 'a replay is cancelled in its own tenant''s name';
    END IF;
    touched := ARRAY(
        SELECT l.id FROM lanes l
        WHERE l.tenant_id = tenant AND l.replay_head < l.replay_tail AND EXISTS (
            SELECT FROM deliveries d WHERE d.lane_id = l.id AND d.queue = 1 AND d.source_id = replay)
        ORDER BY l.id FOR NO KEY UPDATE);
    WITH gone AS (
        DELETE FROM deliveries d USING lanes l
        WHERE l.id = ANY (touched) AND d.lane_id = l.id AND d.queue = 1 AND d.source_id = replay
          AND d.tenant_id = tenant
          AND (d.seq > l.replay_head OR (d.seq = l.replay_head AND l.replay_offset = 0))
          AND (l.window_id IS NULL OR l.window_queue <> 1 OR d.seq > l.window_to
               OR (d.seq = l.window_to AND l.window_to_offset = 0))
        RETURNING d.flow_id, d.accepted_at, d.records
    ), corrected AS (
        INSERT INTO ledger_deltas (tenant_id, source_id, flow_id, minute, accepted)
        SELECT tenant, replay, g.flow_id, date_trunc('minute', g.accepted_at), -sum(g.records)
        FROM gone g GROUP BY g.flow_id, date_trunc('minute', g.accepted_at)
    )
    SELECT coalesce(sum(g.records), 0) INTO taken_back FROM gone g;
    -- The head never stands before a gap, and a queue without deliveries is empty.
    UPDATE lanes l
    SET replay_head = CASE WHEN l.replay_offset > 0 OR (l.window_id IS NOT NULL AND l.window_queue = 1)
                           THEN l.replay_head ELSE coalesce(q.first, l.replay_tail) END,
        replay_tail = CASE WHEN q.last IS NULL THEN l.replay_tail ELSE q.last + 1 END
    FROM (
        SELECT t.id, min(d.seq) AS first, max(d.seq) AS last
        FROM unnest(touched) AS t (id)
        JOIN lanes l ON l.id = t.id
        LEFT JOIN deliveries d ON d.lane_id = t.id AND d.queue = 1 AND d.seq >= l.replay_head
        GROUP BY t.id
    ) q
    WHERE l.id = q.id;
    RETURN taken_back;
END
$$;
ALTER FUNCTION formlane.cancel_replay OWNER TO formlane_duties;
REVOKE ALL ON FUNCTION formlane.cancel_replay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.cancel_replay TO formlane_service, formlane_app;
