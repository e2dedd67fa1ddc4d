-- Settles what leases achieved: outcomes, ledger, attempts, held records, head, pauses; all or nothing
-- per transaction, and only for lanes whose token fits. A lane whose lease has expired but that nobody
-- took still settles: the token alone is the fence.
--
-- settled = false: the lane belongs to another worker; nothing of it was written.
-- stop: why nothing more should be sent on a lane that goes on, null to go on.
-- Locks: lanes in id order, then connections in id order.

CREATE OR REPLACE FUNCTION formlane.settle(
    settlements formlane.settlement[], attempts formlane.new_attempt[], exceptions formlane.new_exception[],
    held formlane.new_held[], tried formlane.held_try[], ledger formlane.ledger_entry[]
) RETURNS TABLE (lane_id uuid, settled boolean, stop text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    good uuid[];
    outside text;
    of_held boolean;
    journaled boolean;
    blocks boolean;
BEGIN
    SELECT coalesce(array_agg(x.id), '{}'), min(x.outside), bool_or(x.of_held), bool_or(x.journaled), bool_or(x.blocks)
    INTO good, outside, of_held, journaled, blocks
    FROM (
        SELECT l.id, l.window_queue = 2 AS of_held, s.flow_blocked AS blocks,
               EXISTS (SELECT FROM journal j WHERE j.lane_id = l.id) AS journaled,
               CASE WHEN l.window_queue < 2 AND (
                   (s.position_seq, s.position_offset) <
                       CASE l.window_queue WHEN 0 THEN (l.live_head, l.live_offset)
                                           ELSE (l.replay_head, l.replay_offset) END
                   OR (s.position_seq, s.position_offset) > (l.window_to, l.window_to_offset)
                   OR (s.narrowed_seq, s.narrowed_offset) > (l.window_to, l.window_to_offset)
                   OR (s.finished AND s.narrowed_seq IS NULL
                       AND (s.position_seq, s.position_offset) <> (l.window_to, l.window_to_offset)))
               THEN format('lane %s cannot be settled at (%s, %s)', l.id, s.position_seq, s.position_offset) END
                   AS outside
        FROM lanes l JOIN unnest(settlements) s ON s.lane_id = l.id AND s.token = l.lease_token
        ORDER BY l.id FOR NO KEY UPDATE OF l
    ) x;
    IF outside IS NOT NULL THEN
        RAISE EXCEPTION '%: outside its window', outside;
    END IF;

    INSERT INTO attempts (
        tenant_id, id, lane_id, flow_id, connection_id, call_id, step, queue, from_seq, from_offset, to_seq,
        to_offset, release, number, started_at, milliseconds, records, delivered, outcome, reason, message,
        exchange, results)
    SELECT l.tenant_id, a.id, l.id, l.flow_id, l.connection_id, a.call_id, a.step, a.queue, a.from_seq,
           a.from_offset, a.to_seq, a.to_offset, a.release, a.number, a.started_at, a.milliseconds, a.records,
           a.delivered, a.outcome, a.reason, a.message, a.exchange, a.results
    FROM unnest(attempts) a JOIN lanes l ON l.id = a.lane_id WHERE l.id = ANY (good);

    IF cardinality(exceptions) > 0 THEN
        INSERT INTO exceptions (
            tenant_id, batch_id, index, flow_id, source_id, step, status, reason, fingerprint, release, detail)
        SELECT l.tenant_id, e.batch_id, e.index, l.flow_id, e.source_id, e.step, e.status, e.reason,
               e.fingerprint, e.release, e.detail
        FROM unnest(exceptions) e JOIN lanes l ON l.id = e.lane_id WHERE l.id = ANY (good);

        INSERT INTO alerts (tenant_id, id, scope, scope_id, reason, message)
        SELECT DISTINCT ON (l.id) l.tenant_id, gen_random_uuid(), 'lane', l.id, e.reason,
               'Records were parked because sending them ended the worker three times.'
        FROM unnest(exceptions) e JOIN lanes l ON l.id = e.lane_id
        WHERE l.id = ANY (good) AND e.reason = 'crashes_worker'
        ON CONFLICT DO NOTHING;
    END IF;

    INSERT INTO ledger_deltas (
        tenant_id, source_id, flow_id, minute, delivered, skipped, rejected, parked, bucket)
    SELECT l.tenant_id, e.source_id, l.flow_id, e.minute, e.delivered, e.skipped, e.rejected, e.parked, e.bucket
    FROM unnest(ledger) e JOIN lanes l ON l.id = e.lane_id WHERE l.id = ANY (good);

    IF cardinality(held) > 0 OR cardinality(tried) > 0 THEN
        DELETE FROM held h USING unnest(tried) t
        WHERE t.gone AND h.lane_id = t.lane_id AND h.place = t.place AND h.lane_id = ANY (good);
        UPDATE held h
        SET step = t.step, remote_ids = t.remote_ids, retry_at = now() + t.retry,
            attempt = h.attempt + t.used_attempt::int, reason = t.reason, message = t.message,
            window_id = NULL
        FROM unnest(tried) t
        WHERE NOT t.gone AND h.lane_id = t.lane_id AND h.place = t.place AND h.lane_id = ANY (good);
        INSERT INTO held (
            tenant_id, lane_id, key, queue, seq, position, step, release, remote_ids, attempt, retry_at, reason,
            message)
        SELECT l.tenant_id, l.id, n.key, n.queue, n.seq, n.position, n.step, n.release, n.remote_ids, n.attempt,
               now() + n.retry, n.reason, n.message
        FROM unnest(held) WITH ORDINALITY n JOIN lanes l ON l.id = n.lane_id
        WHERE l.id = ANY (good) ORDER BY n.ordinality;
    END IF;
    IF of_held THEN
        UPDATE held h SET window_id = NULL
        FROM unnest(settlements) s JOIN lanes l ON l.id = s.lane_id
        WHERE s.finished AND l.window_queue = 2 AND l.id = ANY (good)
          AND h.lane_id = l.id AND h.window_id = l.window_id;
    END IF;

    IF journaled THEN
        DELETE FROM journal j USING unnest(settlements) s
        WHERE s.call_id IS NOT NULL AND s.progress AND j.lane_id = s.lane_id AND j.lane_id = ANY (good);
    END IF;

    IF blocks THEN
        WITH blocked AS (
            SELECT DISTINCT ON (l.flow_id) l.tenant_id, l.flow_id, s.pause_reason, s.pause_message
            FROM unnest(settlements) s JOIN lanes l ON l.id = s.lane_id
            WHERE s.flow_blocked AND l.id = ANY (good) ORDER BY l.flow_id
        ), paused AS (
            INSERT INTO pauses (tenant_id, scope, scope_id, reason, until, message)
            SELECT b.tenant_id, 'flow', b.flow_id, b.pause_reason, 'infinity', b.pause_message FROM blocked b
            ON CONFLICT (tenant_id, scope, scope_id, reason) DO UPDATE SET message = excluded.message
        )
        INSERT INTO alerts (tenant_id, id, scope, scope_id, reason, message)
        SELECT b.tenant_id, gen_random_uuid(), 'flow', b.flow_id, b.pause_reason, b.pause_message FROM blocked b
        ON CONFLICT DO NOTHING;
    END IF;

    PERFORM formlane.settle_connections(settlements, good);
    PERFORM formlane.settle_lanes(settlements, good);

    RETURN QUERY
    SELECT s.lane_id, s.lane_id = ANY (good),
           CASE WHEN s.lane_id = ANY (good) AND NOT s.given_back THEN formlane.stop_reason(l) END
    FROM unnest(settlements) WITH ORDINALITY s LEFT JOIN lanes l ON l.id = s.lane_id
    ORDER BY s.ordinality;
END
$$;

CREATE OR REPLACE FUNCTION formlane.settle_lanes(settlements formlane.settlement[], good uuid[]) RETURNS void
LANGUAGE sql
SET search_path = formlane, pg_temp
AS $$
    UPDATE lanes l
    SET live_head = CASE l.window_queue WHEN 0 THEN coalesce(s.position_seq, l.live_head) ELSE l.live_head END,
        live_offset = CASE l.window_queue WHEN 0 THEN coalesce(s.position_offset, l.live_offset) ELSE l.live_offset END,
        replay_head = CASE l.window_queue WHEN 1 THEN coalesce(s.position_seq, l.replay_head) ELSE l.replay_head END,
        replay_offset = CASE l.window_queue WHEN 1 THEN coalesce(s.position_offset, l.replay_offset) ELSE l.replay_offset END,
        live_rows = l.live_rows - CASE l.window_queue WHEN 0 THEN s.moved ELSE 0 END,
        live_bytes = CASE
            WHEN l.window_length IS NULL THEN 0
            WHEN l.window_queue = 0 THEN l.live_bytes - (
                SELECT coalesce(sum(d.bytes), 0) FROM deliveries d
                WHERE d.lane_id = l.id AND d.queue = 0 AND d.seq >= l.live_head AND d.seq < coalesce(s.position_seq, l.live_head))
            ELSE l.live_bytes END,
        window_close = CASE
            WHEN l.window_length IS NOT NULL AND l.window_queue = 0 THEN (
                SELECT d.accepted_at + l.window_length FROM deliveries d
                WHERE d.lane_id = l.id AND d.queue = 0 AND d.seq = coalesce(s.position_seq, l.live_head))
            ELSE l.window_close END,
        held = CASE WHEN l.held > 0 OR s.holds THEN (SELECT count(*) FROM held h WHERE h.lane_id = l.id)
                    ELSE 0 END,
        next_held = CASE WHEN l.held > 0 OR s.holds THEN (
            SELECT min(x.retry_at) FROM (
                SELECT DISTINCT ON (coalesce(h.key, int8send(h.place))) h.retry_at
                FROM held h WHERE h.lane_id = l.id ORDER BY coalesce(h.key, int8send(h.place)), h.place) x) END,
        window_id = CASE WHEN s.finished THEN NULL ELSE l.window_id END,
        window_to = CASE WHEN s.finished THEN NULL ELSE coalesce(s.narrowed_seq, l.window_to) END,
        window_to_offset = CASE WHEN s.finished THEN NULL WHEN s.narrowed_seq IS NOT NULL THEN s.narrowed_offset
                                ELSE l.window_to_offset END,
        cut_to = CASE WHEN s.finished OR (s.progress AND s.cut_seq IS NULL) THEN NULL
                      ELSE coalesce(s.cut_seq, l.cut_to) END,
        cut_to_offset = CASE WHEN s.finished OR (s.progress AND s.cut_seq IS NULL) THEN NULL
                             WHEN s.cut_seq IS NOT NULL THEN s.cut_offset ELSE l.cut_to_offset END,
        results = CASE WHEN s.finished THEN NULL ELSE nullif(coalesce(s.results, l.results), '') END,
        paused_until = CASE WHEN s.flow_blocked THEN 'infinity' ELSE l.paused_until END,
        last_queue = CASE WHEN s.finished THEN l.window_queue ELSE l.last_queue END,
        live_turns = CASE WHEN s.finished AND l.window_queue = 0 THEN least(l.live_turns + 1, 9)
                          WHEN s.finished AND l.window_queue = 1 THEN 0 ELSE l.live_turns END,
        maybe_sent = s.maybe_sent AND NOT s.finished,
        sending = false,
        lapses = CASE WHEN s.progress OR s.narrowed_seq IS NOT NULL THEN 0 ELSE l.lapses END,
        sending_lapses = CASE WHEN s.progress THEN 0 ELSE l.sending_lapses END,
        attempt = CASE WHEN s.progress THEN 0 ELSE l.attempt + s.used_attempt::int END,
        failing_since = CASE WHEN s.progress THEN NULL WHEN s.used_attempt THEN coalesce(l.failing_since, now())
                             ELSE l.failing_since END,
        retry_at = now() + s.retry,
        quiet_until = now() + s.quiet,
        lease_token = CASE WHEN s.given_back THEN NULL ELSE l.lease_token END,
        lease_until = CASE WHEN s.given_back THEN NULL ELSE l.lease_until END,
        leased_by = CASE WHEN s.given_back THEN NULL ELSE l.leased_by END
    FROM (
        SELECT s.*, EXISTS (SELECT FROM held h WHERE h.lane_id = s.lane_id) AS holds
        FROM unnest(settlements) s
    ) s
    WHERE l.id = s.lane_id AND l.id = ANY (good)
$$;

-- Unused calls go back; a failure pauses the connection (one round of failures counts once, however
-- many lanes met it); a success ends the failing; blocked waits for a person and raises an alert.
CREATE OR REPLACE FUNCTION formlane.settle_connections(settlements formlane.settlement[], good uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = formlane, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT l.tenant_id, l.connection_id, sum(s.unused)::int AS unused,
               bool_or(s.connection = 'success') AS success,
               max(s.connection_wait) FILTER (WHERE s.connection = 'failure') AS wait,
               (array_agg(s.pause_reason) FILTER (WHERE s.connection = 'failure'))[1] AS failure_reason,
               (array_agg(s.pause_message) FILTER (WHERE s.connection = 'failure'))[1] AS failure_message,
               (array_agg(s.pause_reason) FILTER (WHERE s.connection = 'blocked'))[1] AS blocked_reason,
               (array_agg(s.pause_message) FILTER (WHERE s.connection = 'blocked'))[1] AS blocked_message
        FROM unnest(settlements) s JOIN lanes l ON l.id = s.lane_id
        WHERE l.id = ANY (good)
        GROUP BY l.tenant_id, l.connection_id
        ORDER BY l.connection_id
    LOOP
        IF c.unused > 0 THEN
            UPDATE connection_state k
            SET tokens = k.tokens + c.unused, used_today = greatest(0, k.used_today - c.unused)
            WHERE k.connection_id = c.connection_id;
        END IF;
        IF c.wait IS NOT NULL THEN
            UPDATE connection_state k
            SET failures = k.failures + (k.paused_until <= now())::int,
                failing_since = coalesce(k.failing_since, now()),
                paused_until = greatest(k.paused_until, now() + c.wait)
            WHERE k.connection_id = c.connection_id;
            INSERT INTO pauses (tenant_id, scope, scope_id, reason, until, message)
            VALUES (c.tenant_id, 'connection', c.connection_id, c.failure_reason, now() + c.wait, c.failure_message)
            ON CONFLICT (tenant_id, scope, scope_id, reason) DO UPDATE
            SET until = greatest(pauses.until, excluded.until), message = excluded.message;
        ELSIF c.success THEN
            UPDATE connection_state k SET failures = 0, failing_since = NULL
            WHERE k.connection_id = c.connection_id AND k.failures > 0;
            IF FOUND THEN
                DELETE FROM pauses p
                WHERE p.tenant_id = c.tenant_id AND p.scope = 'connection' AND p.scope_id = c.connection_id
                  AND p.until <= now();
                UPDATE alerts a SET cleared_at = now()
                WHERE a.tenant_id = c.tenant_id AND a.scope = 'connection' AND a.scope_id = c.connection_id
                  AND a.reason = 'circuit_open' AND a.cleared_at IS NULL;
            END IF;
        END IF;
        IF c.blocked_reason IS NOT NULL THEN
            UPDATE connection_state k SET paused_until = 'infinity' WHERE k.connection_id = c.connection_id;
            INSERT INTO pauses (tenant_id, scope, scope_id, reason, until, message)
            VALUES (c.tenant_id, 'connection', c.connection_id, c.blocked_reason, 'infinity', c.blocked_message)
            ON CONFLICT (tenant_id, scope, scope_id, reason) DO UPDATE
            SET until = 'infinity', message = excluded.message;
            INSERT INTO alerts (tenant_id, id, scope, scope_id, reason, message)
            VALUES (c.tenant_id, gen_random_uuid(), 'connection', c.connection_id, c.blocked_reason,
                    c.blocked_message)
            ON CONFLICT DO NOTHING;
        END IF;
        IF c.wait IS NOT NULL THEN
            -- The circuit: ten failures in a row and a minute of failing.
            INSERT INTO alerts (tenant_id, id, scope, scope_id, reason, message)
            SELECT c.tenant_id, gen_random_uuid(), 'connection', c.connection_id, 'circuit_open', c.failure_message
            FROM connection_state k
            WHERE k.connection_id = c.connection_id AND k.failures >= 10
              AND k.failing_since <= now() - interval '1 minute'
            ON CONFLICT DO NOTHING;
        END IF;
    END LOOP;
END
$$;

ALTER FUNCTION formlane.settle OWNER TO formlane_lanes;
REVOKE ALL ON FUNCTION formlane.settle FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.settle TO formlane_service;
