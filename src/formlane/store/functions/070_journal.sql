-- The worker's memory between settles. Every write is fenced by the lease's token; null or false
-- means the lane belongs to another worker, and nothing was written.

CREATE OR REPLACE FUNCTION formlane.journal_save(lane uuid, token uuid, call uuid, new_state bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    PERFORM FROM lanes l WHERE l.id = lane AND l.lease_token = token FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO journal (tenant_id, lane_id, call_id, state, touched_at)
    SELECT l.tenant_id, l.id, call, new_state, clock_timestamp() FROM lanes l WHERE l.id = lane
    ON CONFLICT (lane_id, call_id) DO UPDATE SET state = excluded.state, touched_at = clock_timestamp();
    RETURN true;
END
$$;

-- Keeps a call's content once and allocates the connection's next file number with it.
CREATE OR REPLACE FUNCTION formlane.journal_seal(
    lane uuid, token uuid, call uuid, new_content bytea, OUT sequence bigint, OUT sealed_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    of_tenant uuid;
    of_connection uuid;
BEGIN
    SELECT l.tenant_id, l.connection_id INTO of_tenant, of_connection
    FROM lanes l WHERE l.id = lane AND l.lease_token = token FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT j.sequence, j.sealed_at INTO journal_seal.sequence, journal_seal.sealed_at
    FROM journal j WHERE j.lane_id = lane AND j.call_id = call AND j.sequence IS NOT NULL;
    IF FOUND THEN
        RETURN;
    END IF;
    UPDATE connection_state c SET file_sequence = c.file_sequence + 1
    WHERE c.connection_id = of_connection RETURNING c.file_sequence INTO journal_seal.sequence;
    journal_seal.sealed_at := now();
    INSERT INTO journal (tenant_id, lane_id, call_id, content, sequence, sealed_at)
    VALUES (of_tenant, lane, call, new_content, journal_seal.sequence, journal_seal.sealed_at)
    ON CONFLICT (lane_id, call_id) DO UPDATE
    SET content = excluded.content, sequence = excluded.sequence, sealed_at = excluded.sealed_at;
END
$$;

-- Notes that a call is about to be sent; used from the second lapse of a window on.
CREATE OR REPLACE FUNCTION formlane.mark_sending(lane uuid, token uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    UPDATE lanes l SET sending = true WHERE l.id = lane AND l.lease_token = token;
    RETURN FOUND;
END
$$;

-- Draws up to `wanted` further calls for a connection, none while it is paused. Loses nothing when the
-- machine dies right after: the drawn calls are then simply not made. Answers how many, and how long
-- to wait before asking again when none.
CREATE OR REPLACE FUNCTION formlane.draw(connection uuid, wanted integer, OUT calls integer, OUT wait interval)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    c formlane.connection_state;
    at_hand double precision;
BEGIN
    SELECT k.* INTO c FROM connection_state k WHERE k.connection_id = connection FOR NO KEY UPDATE;
    at_hand := formlane.refilled(c);
    calls := CASE WHEN c.paused_until > now() THEN 0
                  ELSE least(wanted, floor(at_hand)::int, CASE WHEN c.daily IS NOT NULL
                       THEN greatest(0, c.daily - formlane.used_today(c)) END) END;
    IF calls = 0 THEN
        wait := CASE
            WHEN c.paused_until = 'infinity' THEN interval '1 day'
            WHEN c.paused_until > now() THEN c.paused_until - now()
            WHEN c.daily <= formlane.used_today(c) THEN formlane.tomorrow() - now()
            ELSE make_interval(secs => greatest(0.01, (1 - at_hand) / (0.9 * c.rate))) END;
        RETURN;
    END IF;
    UPDATE connection_state k
    SET tokens = at_hand - draw.calls, tokens_at = greatest(k.tokens_at, now()), day = greatest(c.day, formlane.today()),
        used_today = formlane.used_today(c) + draw.calls
    WHERE k.connection_id = connection;
    wait := interval '0';
END
$$;

ALTER FUNCTION formlane.journal_save OWNER TO formlane_lanes;
ALTER FUNCTION formlane.journal_seal OWNER TO formlane_lanes;
ALTER FUNCTION formlane.mark_sending OWNER TO formlane_lanes;
ALTER FUNCTION formlane.draw OWNER TO formlane_lanes;
REVOKE ALL ON FUNCTION
    formlane.journal_save, formlane.journal_seal, formlane.mark_sending, formlane.draw FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    formlane.journal_save, formlane.journal_seal, formlane.mark_sending, formlane.draw TO formlane_service;
