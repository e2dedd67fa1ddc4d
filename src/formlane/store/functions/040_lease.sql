-- Leases up to `most` ready lanes to a worker and commits the window each may send.
--
-- since: the watermark; lanes ready before it are left to the next full look (see worker.lease).
-- full_*: connections and tenants whose share of this worker's memory is used up.
-- A lane whose connection is paused, busy or without a call to spare is moved, not leased.
-- Locks: ready lanes as they come (skipping locked ones), then their connections in id order.

CREATE OR REPLACE FUNCTION formlane.refilled(c formlane.connection_state) RETURNS double precision
LANGUAGE sql STABLE
AS $$
    SELECT least(greatest(1, 0.4 * c.rate),
                 c.tokens + 0.9 * c.rate * greatest(0, extract(epoch FROM now() - c.tokens_at)))
$$;

-- The day of daily limits, in UTC.
CREATE OR REPLACE FUNCTION formlane.today() RETURNS date
LANGUAGE sql STABLE
AS $$ SELECT (now() AT TIME ZONE 'UTC')::date $$;

CREATE OR REPLACE FUNCTION formlane.tomorrow() RETURNS timestamptz
LANGUAGE sql STABLE
AS $$ SELECT (formlane.today() + 1)::timestamp AT TIME ZONE 'UTC' $$;

CREATE OR REPLACE FUNCTION formlane.used_today(c formlane.connection_state) RETURNS integer
LANGUAGE sql STABLE
AS $$ SELECT CASE WHEN c.day >= formlane.today() THEN c.used_today ELSE 0 END $$;

CREATE OR REPLACE FUNCTION formlane.lease(
    worker text, most integer, since timestamptz, length interval, bytes bigint,
    full_connections uuid[], full_tenants uuid[]
) RETURNS SETOF formlane.leased
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    candidates uuid[];
    chosen uuid[];
    calls integer[];
    lane record;
BEGIN
    SELECT array_agg(c.id) INTO candidates
    FROM (
        SELECT l.id FROM lanes l
        WHERE l.ready_at > since AND l.ready_at <= now()
        ORDER BY l.ready_at LIMIT most
        FOR NO KEY UPDATE SKIP LOCKED
    ) c;
    IF candidates IS NULL THEN
        RETURN;
    END IF;
    PERFORM FROM connection_state c
    WHERE c.connection_id IN (SELECT l.connection_id FROM lanes l WHERE l.id = ANY (candidates))
    ORDER BY c.connection_id FOR NO KEY UPDATE;

    -- Who may go, with how many calls. A failing connection is tried by one lane at a time.
    WITH ranked AS (
        SELECT l.id, l.tenant_id, l.connection_id, l.ready_at,
               row_number() OVER (PARTITION BY l.connection_id ORDER BY l.ready_at, l.id) AS place,
               greatest(1, least(64, ceil(least(l.live_rows, l.window_rows)::numeric / l.call_rows)::int)) AS wanted
        FROM lanes l WHERE l.id = ANY (candidates)
    ), budget AS (
        SELECT c.connection_id, c.paused_until, c.rate, formlane.refilled(c) AS tokens,
               CASE WHEN c.failures > 0 THEN 1 ELSE c.concurrency END - (
                   SELECT count(*) FROM lanes a
                   WHERE a.connection_id = c.connection_id AND a.lease_token IS NOT NULL
                     AND a.lease_until > now()) AS room,
               coalesce(c.daily - formlane.used_today(c),
                        2147483647) AS left_today
        FROM connection_state c
        WHERE c.connection_id IN (SELECT r.connection_id FROM ranked r)
    ), judged AS (
        SELECT r.id, r.connection_id, r.wanted, b.tokens, b.left_today,
               b.paused_until <= now() AND r.place <= least(b.room, floor(b.tokens), b.left_today)
                   AND r.connection_id <> ALL (full_connections) AND r.tenant_id <> ALL (full_tenants) AS goes,
               CASE
                   WHEN b.paused_until > now() THEN b.paused_until
                   WHEN b.left_today < r.place THEN
                       formlane.tomorrow()
                   WHEN b.tokens < r.place THEN now() + make_interval(secs => (r.place - b.tokens) / (0.9 * b.rate))
                   ELSE now() + interval '50 ms'
               END AS wait_until
        FROM ranked r JOIN budget b USING (connection_id)
    ), moved AS (
        UPDATE lanes l SET wait_until = j.wait_until FROM judged j WHERE l.id = j.id AND NOT j.goes
    ), granted AS (
        SELECT j.id, j.connection_id,
               greatest(1, least(j.wanted, floor(least(j.tokens, j.left_today)
                        / count(*) OVER (PARTITION BY j.connection_id))::int)) AS calls
        FROM judged j WHERE j.goes
    ), drawn AS (
        UPDATE connection_state c
        SET tokens = formlane.refilled(c) - g.calls, tokens_at = greatest(c.tokens_at, now()),
            used_today = formlane.used_today(c) + g.calls,
            day = greatest(c.day, formlane.today())
        FROM (SELECT connection_id, sum(calls) AS calls FROM granted GROUP BY connection_id) g
        WHERE c.connection_id = g.connection_id
    )
    SELECT array_agg(g.id), array_agg(g.calls) INTO chosen, calls FROM granted g;
    IF chosen IS NULL THEN
        RETURN;
    END IF;

    -- The window of each: the open one, or a new one of the queue whose turn it is.
    UPDATE lanes l
    SET lease_token = gen_random_uuid(), lease_until = now() + length, leased_by = worker,
        lapses = l.lapses + (l.lease_token IS NOT NULL AND NOT l.sending)::int,
        sending_lapses = l.sending_lapses + (l.lease_token IS NOT NULL AND l.sending)::int,
        maybe_sent = l.maybe_sent OR l.lease_token IS NOT NULL,
        sending = false,
        window_id = coalesce(l.window_id, gen_random_uuid()),
        window_queue = p.queue,
        window_release = CASE WHEN l.window_id IS NULL THEN p.release ELSE l.window_release END,
        window_to = CASE WHEN l.window_id IS NULL THEN p.to_seq ELSE l.window_to END,
        window_to_offset = CASE WHEN l.window_id IS NULL THEN p.to_offset ELSE l.window_to_offset END
    FROM (
        SELECT q.id, q.queue, f.release, w.to_seq, w.to_offset
        FROM (
            SELECT l.*, CASE
                WHEN l.window_id IS NOT NULL THEN l.window_queue
                WHEN l.held > 0 AND l.next_held <= now()
                     AND NOT (l.last_queue = 2 AND (o.live OR o.replay)) THEN 2::smallint
                WHEN o.replay AND (NOT o.live OR l.live_turns >= 9) THEN 1::smallint
                WHEN o.live THEN 0::smallint
            END AS queue
            FROM lanes l, LATERAL (
                SELECT l.held < 1000 AND l.live_head < l.live_tail AND (
                           l.window_length IS NULL OR l.window_close <= now()
                           OR l.live_rows >= l.window_rows OR l.live_bytes >= l.window_bytes) AS live,
                       l.held < 1000 AND l.replay_head < l.replay_tail AS replay
            ) o
            WHERE l.id = ANY (chosen)
        ) q
        JOIN flows f ON f.tenant_id = q.tenant_id AND f.id = q.flow_id
        LEFT JOIN LATERAL formlane.window_end(q.id, q.queue,
            CASE q.queue WHEN 0 THEN q.live_head ELSE q.replay_head END,
            CASE q.queue WHEN 0 THEN q.live_offset ELSE q.replay_offset END,
            q.window_rows, least(q.window_bytes, bytes),
            CASE WHEN q.queue = 0 AND q.live_rows > 0
                 THEN least(q.window_rows, 8 + 2 * q.window_rows * (q.live_tail - q.live_head) / q.live_rows)
                 ELSE q.window_rows END
        ) w ON q.window_id IS NULL AND q.queue < 2
        WHERE q.queue IS NOT NULL
    ) p
    WHERE l.id = p.id;

    -- A lane that turned out to have nothing to do yet is put where it belongs.
    UPDATE lanes l SET shard = l.shard WHERE l.id = ANY (chosen) AND l.lease_token IS NULL;

    -- A new window of held records takes the oldest due record of each key, all of one release.
    FOR lane IN
        SELECT l.id, l.tenant_id, l.flow_id, l.window_id, l.window_rows, l.window_release
        FROM lanes l
        WHERE l.id = ANY (chosen) AND l.window_queue = 2 AND l.leased_by = worker
          AND NOT EXISTS (SELECT FROM held h WHERE h.lane_id = l.id AND h.window_id = l.window_id)
    LOOP
        PERFORM formlane.take_held(lane.id, lane.window_id, lane.window_rows, lane.window_release);
    END LOOP;

    RETURN QUERY
    SELECT l.id, l.tenant_id, l.flow_id, l.connection_id, l.lease_token, now(), l.window_id, l.window_queue,
           l.window_release,
           CASE l.window_queue WHEN 0 THEN l.live_head WHEN 1 THEN l.replay_head END,
           CASE l.window_queue WHEN 0 THEN l.live_offset WHEN 1 THEN l.replay_offset END,
           l.window_to, l.window_to_offset, l.cut_to, l.cut_to_offset, l.results, l.maybe_sent, l.lapses, l.sending_lapses, l.attempt,
           l.failing_since, c.failures, c.failing_since, g.calls, l.held,
           CASE WHEN l.held > 0 THEN ARRAY(
               SELECT DISTINCT h.key FROM held h WHERE h.lane_id = l.id AND h.key IS NOT NULL) END,
           j.call_id, j.state, j.content, j.sequence, j.sealed_at
    FROM unnest(chosen, calls) AS g (lane_id, calls)
    JOIN lanes l ON l.id = g.lane_id AND l.lease_token IS NOT NULL AND l.window_id IS NOT NULL
                AND l.lease_until = now() + length AND l.leased_by = worker
    JOIN connection_state c ON c.connection_id = l.connection_id
    LEFT JOIN LATERAL (
        SELECT k.* FROM journal k WHERE k.lane_id = l.id ORDER BY k.touched_at DESC, k.call_id LIMIT 1
    ) j ON true;
END
$$;

-- Where a new window of a queue ends: after `rows` records, before a delivery that would pass `bytes`
-- (but never before the first), or after the last delivery looked at.
CREATE OR REPLACE FUNCTION formlane.window_end(
    lane uuid, of_queue smallint, head bigint, head_offset integer, rows bigint, bytes bigint, looked_at bigint,
    OUT to_seq bigint, OUT to_offset integer
) LANGUAGE sql STABLE
SET search_path = formlane, pg_temp
AS $$
    WITH queued AS (
        SELECT d.seq, d.records, CASE WHEN d.seq = head THEN d.records - head_offset ELSE d.records END AS n, d.bytes
        FROM deliveries d
        WHERE d.lane_id = lane AND d.queue = of_queue AND d.seq >= head
        ORDER BY d.seq LIMIT looked_at
    ), summed AS (
        SELECT q.seq, q.records, q.n, sum(q.n) OVER w AS total, sum(q.bytes) OVER w AS weight
        FROM queued q WINDOW w AS (ORDER BY q.seq)
    ), ends AS (
        SELECT s.seq, CASE WHEN s.weight > bytes AND s.seq > head THEN 0
                           ELSE s.records - (s.total - rows) END AS cut
        FROM summed s
        WHERE s.total >= rows OR (s.weight > bytes AND s.seq > head)
        ORDER BY s.seq LIMIT 1
    )
    SELECT CASE WHEN e.seq IS NULL THEN (SELECT max(s.seq) + 1 FROM summed s)
                WHEN e.cut = (SELECT s.records FROM summed s WHERE s.seq = e.seq) THEN e.seq + 1
                ELSE e.seq END,
           CASE WHEN e.seq IS NULL OR e.cut = (SELECT s.records FROM summed s WHERE s.seq = e.seq) THEN 0
                ELSE e.cut END::int
    FROM (SELECT 1) one LEFT JOIN ends e ON true
$$;

CREATE OR REPLACE FUNCTION formlane.take_held(lane uuid, for_window uuid, most integer, live_release integer)
RETURNS void
LANGUAGE plpgsql
SET search_path = formlane, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    bound integer;
BEGIN
    WITH heads AS (
        SELECT DISTINCT ON (coalesce(h.key, int8send(h.place))) h.place, h.release, h.retry_at
        FROM held h WHERE h.lane_id = lane
        ORDER BY coalesce(h.key, int8send(h.place)), h.place
    ), due AS (
        SELECT d.place, coalesce(d.release, live_release) AS release,
               first_value(coalesce(d.release, live_release)) OVER (ORDER BY d.place) AS first_release
        FROM heads d WHERE d.retry_at <= now()
    ), taken AS (
        UPDATE held h SET window_id = for_window, release = t.release
        FROM (SELECT d.place, d.release FROM due d
              WHERE d.release = d.first_release ORDER BY d.place LIMIT most) t
        WHERE h.lane_id = lane AND h.place = t.place
        RETURNING h.release
    )
    SELECT min(t.release) INTO bound FROM taken t;
    UPDATE lanes l SET window_release = bound WHERE l.id = lane AND bound IS NOT NULL;
END
$$;

-- The deliveries of leased windows with their blobs (origin: where the batch came from, also of a replay); the blob of a batch comes with its first row only.
CREATE OR REPLACE FUNCTION formlane.contents(lane_ids uuid[], tokens uuid[]) RETURNS TABLE (
    lane_id uuid, queue smallint, seq bigint, batch_id uuid, source_id uuid, origin_id uuid,
    accepted_at timestamptz, records integer, rows integer[], keys bytea, as_new boolean, blob bytea
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
    SELECT d.lane_id, d.queue, d.seq, d.batch_id, d.source_id, b.source_id, d.accepted_at, d.records, d.rows, d.keys,
           d.as_new, CASE WHEN d.first THEN b.blob END
    FROM (
        SELECT w.*, row_number() OVER (PARTITION BY w.batch_id) = 1 AS first
        FROM (
            SELECT d.*
            FROM unnest(lane_ids, tokens) AS t (lane_id, token)
            JOIN lanes l ON l.id = t.lane_id AND l.lease_token = t.token
            JOIN deliveries d ON d.lane_id = l.id AND d.queue = l.window_queue
             AND d.seq >= CASE l.window_queue WHEN 0 THEN l.live_head ELSE l.replay_head END
             AND (d.seq < l.window_to OR (d.seq = l.window_to AND l.window_to_offset > 0))
            WHERE l.window_queue < 2
            UNION ALL
            SELECT d.*
            FROM unnest(lane_ids, tokens) AS t (lane_id, token)
            JOIN lanes l ON l.id = t.lane_id AND l.lease_token = t.token AND l.window_queue = 2
            JOIN LATERAL (
                SELECT DISTINCT h.queue, h.seq FROM held h WHERE h.lane_id = l.id AND h.window_id = l.window_id
            ) h ON true
            JOIN deliveries d ON d.lane_id = l.id AND d.queue = h.queue AND d.seq = h.seq
        ) w
    ) d
    JOIN batches b ON b.tenant_id = d.tenant_id AND b.id = d.batch_id
    ORDER BY d.lane_id, d.queue, d.seq
$$;

-- Where the records of leased replays stopped before: the latest thing that kept each from being delivered.
CREATE OR REPLACE FUNCTION formlane.unfinished(lane_ids uuid[], tokens uuid[]) RETURNS TABLE (
    lane_id uuid, batch_id uuid, index integer, step smallint, detail bytea
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
    SELECT DISTINCT ON (d.lane_id, e.batch_id, e.index) d.lane_id, e.batch_id, e.index, e.step, e.detail
    FROM unnest(lane_ids, tokens) AS t (lane_id, token)
    JOIN lanes l ON l.id = t.lane_id AND l.lease_token = t.token AND l.window_queue = 1
    JOIN deliveries d ON d.lane_id = l.id AND d.queue = 1 AND NOT d.as_new
     AND d.seq >= l.replay_head AND d.seq <= l.window_to
    JOIN exceptions e ON e.tenant_id = d.tenant_id AND e.batch_id = d.batch_id AND e.flow_id = d.flow_id
     AND e.index = ANY (d.rows)
    ORDER BY d.lane_id, e.batch_id, e.index, e.settled_at DESC, e.step DESC
$$;

-- The held records of leased windows, oldest first.
CREATE OR REPLACE FUNCTION formlane.held_window(lane_ids uuid[], tokens uuid[]) RETURNS TABLE (
    lane_id uuid, place bigint, key bytea, queue smallint, seq bigint, "position" integer, step smallint,
    remote_ids bytea, attempt integer, held_since timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp SET plan_cache_mode = force_generic_plan
AS $$
    SELECT h.lane_id, h.place, h.key, h.queue, h.seq, h.position, h.step, h.remote_ids, h.attempt, h.held_since
    FROM unnest(lane_ids, tokens) AS t (lane_id, token)
    JOIN lanes l ON l.id = t.lane_id AND l.lease_token = t.token AND l.window_queue = 2
    JOIN held h ON h.lane_id = l.id AND h.window_id = l.window_id
    ORDER BY h.lane_id, h.place
$$;

ALTER FUNCTION formlane.lease OWNER TO formlane_lanes;
ALTER FUNCTION formlane.contents OWNER TO formlane_lanes;
ALTER FUNCTION formlane.unfinished OWNER TO formlane_lanes;
ALTER FUNCTION formlane.held_window OWNER TO formlane_lanes;
REVOKE ALL ON FUNCTION formlane.lease, formlane.contents, formlane.unfinished, formlane.held_window FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.lease, formlane.contents, formlane.unfinished, formlane.held_window
    TO formlane_service;
