-- Prolongs leases; one that had to wait never shortens what a later one promised.
-- alive = false: the lane belongs to another worker now.
-- stop: why the worker should send nothing more on this lane, null to go on.
-- Locks: lanes in id order.

CREATE OR REPLACE FUNCTION formlane.stop_reason(l formlane.lanes) RETURNS text
LANGUAGE sql STABLE
SET search_path = formlane, pg_temp
AS $$
    SELECT CASE
        WHEN l.paused_until > now() THEN coalesce(
            (SELECT p.reason FROM pauses p
             WHERE p.tenant_id = l.tenant_id AND p.until > now()
               AND ((p.scope = 'lane' AND p.scope_id = l.id) OR (p.scope = 'flow' AND p.scope_id = l.flow_id))
             ORDER BY p.until DESC LIMIT 1), 'paused')
        ELSE (SELECT coalesce(
                  (SELECT p.reason FROM pauses p
                   WHERE p.tenant_id = l.tenant_id AND p.scope = 'connection' AND p.scope_id = c.connection_id
                     AND p.until > now()
                   ORDER BY p.until DESC LIMIT 1), 'paused')
              FROM connection_state c WHERE c.connection_id = l.connection_id AND c.paused_until > now())
    END
$$;

CREATE OR REPLACE FUNCTION formlane.renew(lane_ids uuid[], tokens uuid[], length interval)
RETURNS TABLE (lane_id uuid, alive boolean, stop text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM lanes l WHERE l.id = ANY (lane_ids) ORDER BY l.id FOR NO KEY UPDATE;
    UPDATE lanes l SET lease_until = greatest(l.lease_until, now() + length)
    FROM unnest(lane_ids, tokens) AS t (lane_id, token)
    WHERE l.id = t.lane_id AND l.lease_token = t.token;
    RETURN QUERY
    SELECT t.lane_id, l.id IS NOT NULL, formlane.stop_reason(l)
    FROM unnest(lane_ids, tokens) WITH ORDINALITY AS t (lane_id, token, place)
    LEFT JOIN lanes l ON l.id = t.lane_id AND l.lease_token = t.token
    ORDER BY t.place;
END
$$;
ALTER FUNCTION formlane.renew OWNER TO formlane_lanes;
REVOKE ALL ON FUNCTION formlane.renew FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.renew TO formlane_service;
