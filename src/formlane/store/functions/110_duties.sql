-- The scheduler's duties over all tenants. Each is bounded, safe to repeat, and steps over rows that
-- somebody else has locked.

-- Leases a duty for `length`, if nobody holds it and it ran last at least `every` ago.
CREATE OR REPLACE FUNCTION formlane.take_duty(of_name text, by text, length interval, every interval)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
BEGIN
    INSERT INTO duties (name) VALUES (of_name) ON CONFLICT DO NOTHING;
    UPDATE duties d SET holder = by, lease_until = now() + length
    WHERE d.name = of_name AND d.lease_until <= now()
      AND (d.last_run_at IS NULL OR d.last_run_at <= now() - every);
    RETURN FOUND;
END
$$;

CREATE OR REPLACE FUNCTION formlane.finish_duty(of_name text, by text, what text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
    UPDATE duties d SET holder = NULL, lease_until = '-infinity', last_run_at = now(), note = what
    WHERE d.name = of_name AND d.holder = by
$$;

CREATE OR REPLACE FUNCTION formlane.purge_idempotency(age interval, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
DECLARE
    purged integer;
BEGIN
    DELETE FROM idempotency i
    WHERE i.ctid = ANY (ARRAY(
        SELECT x.ctid FROM idempotency x WHERE x.created_at < now() - age
        ORDER BY x.created_at LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;

-- Reasons whose time is over: what waited for them goes by its own clock already.
CREATE OR REPLACE FUNCTION formlane.clear_pauses(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
DECLARE
    cleared integer;
BEGIN
    DELETE FROM pauses p
    WHERE p.ctid = ANY (ARRAY(
        SELECT x.ctid FROM pauses x WHERE x.until < now() LIMIT most FOR UPDATE SKIP LOCKED))
      AND p.until < now();
    GET DIAGNOSTICS cleared = ROW_COUNT;
    RETURN cleared;
END
$$;

-- Lets lanes go that a lease found waiting for a connection which is no longer paused. Finds the
-- connections by skipping along the index, so lanes of those still paused cost nothing.
CREATE OR REPLACE FUNCTION formlane.wake_lanes(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
DECLARE
    free uuid[];
    woken integer;
BEGIN
    WITH RECURSIVE waiting AS (
        (SELECT l.connection_id AS id FROM lanes l WHERE l.wait_until = 'infinity'
         ORDER BY l.connection_id LIMIT 1)
        UNION ALL
        SELECT (SELECT l.connection_id FROM lanes l
                WHERE l.wait_until = 'infinity' AND l.connection_id > w.id
                ORDER BY l.connection_id LIMIT 1)
        FROM waiting w WHERE w.id IS NOT NULL
    )
    SELECT array_agg(w.id) INTO free
    FROM waiting w JOIN connection_state c ON c.connection_id = w.id
    WHERE c.paused_until <= now();
    UPDATE lanes l SET wait_until = NULL
    WHERE l.id = ANY (ARRAY(
        SELECT x.id FROM lanes x WHERE x.wait_until = 'infinity' AND x.connection_id = ANY (free)
        ORDER BY x.id LIMIT most FOR NO KEY UPDATE SKIP LOCKED));
    GET DIAGNOSTICS woken = ROW_COUNT;
    RETURN woken;
END
$$;

-- Merges the lookup tokens that were accepted since the last time into their index; answers how many pages
-- they filled. Owned by the index's owner, as PostgreSQL demands it of whoever merges.
CREATE OR REPLACE FUNCTION formlane.merge_lookup() RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$ SELECT gin_clean_pending_list('formlane.batches_by_lookup') $$;

-- New lanes of a flow whose lanes of earlier generations have nothing left to do.
CREATE OR REPLACE FUNCTION formlane.release_drained(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
DECLARE
    drained uuid[];
BEGIN
    drained := ARRAY(
        SELECT l.id FROM lanes l
        WHERE l.id = ANY (ARRAY(SELECT p.scope_id FROM pauses p WHERE p.scope = 'lane' AND p.reason = 'draining'))
          AND NOT EXISTS (
              SELECT FROM lanes o
              WHERE o.tenant_id = l.tenant_id AND o.flow_id = l.flow_id AND o.generation < l.generation
                AND (o.live_head < o.live_tail OR o.replay_head < o.replay_tail OR o.held > 0
                     OR o.window_id IS NOT NULL))
        ORDER BY l.id LIMIT most FOR NO KEY UPDATE SKIP LOCKED);
    DELETE FROM pauses p WHERE p.scope = 'lane' AND p.reason = 'draining' AND p.scope_id = ANY (drained);
    UPDATE lanes l
    SET paused_until = coalesce((
        SELECT max(p.until) FROM pauses p
        WHERE p.tenant_id = l.tenant_id
          AND ((p.scope = 'lane' AND p.scope_id = l.id) OR (p.scope = 'flow' AND p.scope_id = l.flow_id))),
        '-infinity')
    WHERE l.id = ANY (drained);
    RETURN cardinality(drained);
END
$$;

-- Connections or flows that wait for a person for one of these reasons.
DROP FUNCTION IF EXISTS formlane.blocked_connections;
CREATE OR REPLACE FUNCTION formlane.blocked(of_scope text, reasons text[])
RETURNS TABLE (tenant_id uuid, scope_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
    SELECT DISTINCT p.tenant_id, p.scope_id FROM pauses p
    WHERE p.scope = of_scope AND p.reason = ANY (reasons) AND p.until = 'infinity'
    ORDER BY p.scope_id
$$;

CREATE OR REPLACE FUNCTION formlane.flows_with_lanes(beyond uuid, most integer)
RETURNS TABLE (tenant_id uuid, flow_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
    SELECT DISTINCT l.tenant_id, l.flow_id FROM lanes l
    WHERE l.shard = 0 AND (beyond IS NULL OR l.flow_id > beyond)
    ORDER BY l.flow_id LIMIT most
$$;

-- Recounts a flow and answers where its books do not balance. Then there is an alert; else none.
CREATE OR REPLACE FUNCTION formlane.check_books(tenant uuid, flow uuid) RETURNS TABLE (
    source_id uuid, minute timestamptz, what text, booked bigint, counted bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT * FROM formlane.misbalances(tenant, flow);
    IF FOUND THEN
        INSERT INTO alerts (tenant_id, id, scope, scope_id, reason, message)
        VALUES (tenant, gen_random_uuid(), 'flow', flow, 'misbalance',
                'The books of this flow differ from a recount of its records.')
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE alerts a SET cleared_at = now()
        WHERE a.tenant_id = tenant AND a.scope = 'flow' AND a.scope_id = flow AND a.reason = 'misbalance'
          AND a.cleared_at IS NULL;
    END IF;
END
$$;

ALTER FUNCTION formlane.take_duty OWNER TO formlane_duties;
ALTER FUNCTION formlane.finish_duty OWNER TO formlane_duties;
ALTER FUNCTION formlane.purge_idempotency OWNER TO formlane_duties;
ALTER FUNCTION formlane.clear_pauses OWNER TO formlane_duties;
ALTER FUNCTION formlane.wake_lanes OWNER TO formlane_duties;
ALTER FUNCTION formlane.merge_lookup OWNER TO formlane_owner;
ALTER FUNCTION formlane.release_drained OWNER TO formlane_duties;
ALTER FUNCTION formlane.blocked OWNER TO formlane_duties;
ALTER FUNCTION formlane.flows_with_lanes OWNER TO formlane_duties;
ALTER FUNCTION formlane.check_books OWNER TO formlane_duties;
REVOKE ALL ON FUNCTION formlane.take_duty, formlane.finish_duty, formlane.purge_idempotency,
    formlane.clear_pauses, formlane.wake_lanes, formlane.merge_lookup, formlane.release_drained,
    formlane.blocked,
    formlane.flows_with_lanes, formlane.check_books FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.take_duty, formlane.finish_duty, formlane.purge_idempotency,
    formlane.clear_pauses, formlane.wake_lanes, formlane.merge_lookup, formlane.release_drained,
    formlane.blocked,
    formlane.flows_with_lanes, formlane.check_books TO formlane_service;
