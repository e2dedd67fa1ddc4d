-- The books: folding deltas into sums, and counting again from what is really there.

-- Folds up to `most` deltas; answers how many it folded.
CREATE OR REPLACE FUNCTION formlane.fold_ledger(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    folded integer;
BEGIN
    WITH taken AS (
        DELETE FROM ledger_deltas d
        WHERE d.id IN (SELECT x.id FROM ledger_deltas x ORDER BY x.id LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING d.*
    ), buckets AS (
        SELECT t.tenant_id, t.source_id, t.flow_id, t.minute, t.bucket, sum(t.delivered) AS n
        FROM taken t WHERE t.bucket IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ), sums AS (
        SELECT t.tenant_id, t.source_id, t.flow_id, t.minute, sum(t.accepted) AS accepted,
               sum(t.delivered) AS delivered, sum(t.skipped) AS skipped, sum(t.rejected) AS rejected,
               sum(t.parked) AS parked,
               ARRAY(SELECT coalesce(sum(b.n), 0)::bigint
                     FROM generate_series(0, 63) AS k LEFT JOIN buckets b
                       ON b.bucket = k AND b.tenant_id = t.tenant_id AND b.source_id = t.source_id
                      AND b.flow_id = t.flow_id AND b.minute = t.minute
                     GROUP BY k ORDER BY k) AS latency
        FROM taken t GROUP BY t.tenant_id, t.source_id, t.flow_id, t.minute
    ), written AS (
        INSERT INTO ledger AS g (tenant_id, source_id, flow_id, minute, accepted, delivered, skipped, rejected,
                                 parked, latency)
        SELECT s.tenant_id, s.source_id, s.flow_id, s.minute, s.accepted, s.delivered, s.skipped, s.rejected,
               s.parked, s.latency
        FROM sums s ORDER BY s.tenant_id, s.source_id, s.flow_id, s.minute
        ON CONFLICT (tenant_id, source_id, flow_id, minute) DO UPDATE
        SET accepted = g.accepted + excluded.accepted, delivered = g.delivered + excluded.delivered,
            skipped = g.skipped + excluded.skipped, rejected = g.rejected + excluded.rejected,
            parked = g.parked + excluded.parked,
            latency = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
                            FROM unnest(g.latency, excluded.latency) WITH ORDINALITY AS u (a, b, k) ORDER BY k)
    )
    SELECT count(*) INTO folded FROM taken;
    RETURN folded;
END
$$;

-- Counts a flow's records anew from deliveries, heads, held records and exceptions; knows no ledger.
CREATE OR REPLACE FUNCTION formlane.recount(tenant uuid, flow uuid) RETURNS TABLE (
    source_id uuid, minute timestamptz, accepted bigint, delivered bigint, skipped bigint, rejected bigint,
    parked bigint, in_flight bigint
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
    WITH counted AS (
        SELECT d.source_id, date_trunc('minute', d.accepted_at) AS minute, d.batch_id, d.records,
               CASE WHEN d.seq > p.head THEN d.records WHEN d.seq = p.head THEN d.records - p.head_offset ELSE 0 END
               + (SELECT count(*) FROM held h
                  WHERE h.lane_id = d.lane_id AND h.queue = d.queue AND h.seq = d.seq) AS waiting
        FROM deliveries d
        JOIN lanes l ON l.id = d.lane_id
        CROSS JOIN LATERAL (
            SELECT CASE d.queue WHEN 0 THEN l.live_head ELSE l.replay_head END AS head,
                   CASE d.queue WHEN 0 THEN l.live_offset ELSE l.replay_offset END AS head_offset
        ) p
        WHERE l.tenant_id = tenant AND l.flow_id = flow
    ), sums AS (
        SELECT c.source_id, c.minute, sum(c.records) AS accepted, sum(c.waiting) AS in_flight
        FROM counted c GROUP BY 1, 2
    ), exceptional AS (
        SELECT m.source_id, m.minute,
               count(*) FILTER (WHERE e.status = 'skipped') AS skipped,
               count(*) FILTER (WHERE e.status = 'rejected') AS rejected,
               count(*) FILTER (WHERE e.status = 'parked') AS parked
        FROM exceptions e
        JOIN (SELECT DISTINCT c.source_id, c.batch_id, c.minute FROM counted c) m
          ON m.source_id = e.source_id AND m.batch_id = e.batch_id
        WHERE e.tenant_id = tenant AND e.flow_id = flow
        GROUP BY 1, 2
    )
    SELECT s.source_id, s.minute, s.accepted::bigint,
           (s.accepted - s.in_flight - coalesce(x.skipped + x.rejected + x.parked, 0))::bigint,
           coalesce(x.skipped, 0), coalesce(x.rejected, 0), coalesce(x.parked, 0), s.in_flight::bigint
    FROM sums s LEFT JOIN exceptional x USING (source_id, minute)
$$;

-- Where the books of a flow differ from a recount, or its attempts from either; empty when they balance.
-- In a flow of several steps a record is delivered by an attempt for each, so there may be more of them.
CREATE OR REPLACE FUNCTION formlane.misbalances(tenant uuid, flow uuid) RETURNS TABLE (
    source_id uuid, minute timestamptz, what text, booked bigint, counted bigint
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
    WITH booked AS (
        SELECT b.source_id, b.minute, sum(b.accepted)::bigint AS accepted, sum(b.delivered)::bigint AS delivered,
               sum(b.skipped)::bigint AS skipped, sum(b.rejected)::bigint AS rejected, sum(b.parked)::bigint AS parked
        FROM (
            SELECT g.source_id, g.minute, g.accepted, g.delivered, g.skipped, g.rejected, g.parked
            FROM ledger g WHERE g.tenant_id = tenant AND g.flow_id = flow
            UNION ALL
            SELECT d.source_id, d.minute, d.accepted, d.delivered, d.skipped, d.rejected, d.parked
            FROM ledger_deltas d WHERE d.tenant_id = tenant AND d.flow_id = flow
        ) b GROUP BY 1, 2
    ), recounted AS (
        SELECT * FROM formlane.recount(tenant, flow)
    )
    SELECT coalesce(b.source_id, r.source_id), coalesce(b.minute, r.minute), v.what, v.booked, v.counted
    FROM booked b FULL JOIN recounted r ON r.source_id = b.source_id AND r.minute = b.minute
    CROSS JOIN LATERAL (VALUES
        ('accepted', coalesce(b.accepted, 0), coalesce(r.accepted, 0)),
        ('delivered', coalesce(b.delivered, 0), coalesce(r.delivered, 0)),
        ('skipped', coalesce(b.skipped, 0), coalesce(r.skipped, 0)),
        ('rejected', coalesce(b.rejected, 0), coalesce(r.rejected, 0)),
        ('parked', coalesce(b.parked, 0), coalesce(r.parked, 0))
    ) AS v (what, booked, counted)
    WHERE v.booked <> v.counted
    UNION ALL
    SELECT NULL, NULL, 'attempts', s.booked, s.tried
    FROM (
        SELECT (SELECT coalesce(sum(b.delivered), 0) FROM booked b)::bigint AS booked,
               (SELECT coalesce(sum(a.delivered), 0) FROM attempts a
                WHERE a.tenant_id = tenant AND a.flow_id = flow)::bigint AS tried,
               EXISTS (SELECT FROM attempts a
                       WHERE a.tenant_id = tenant AND a.flow_id = flow AND a.step > 0) AS has_steps
    ) s
    WHERE s.booked > s.tried OR (s.booked < s.tried AND NOT s.has_steps)
$$;

ALTER FUNCTION formlane.fold_ledger OWNER TO formlane_duties;
ALTER FUNCTION formlane.recount OWNER TO formlane_duties;
ALTER FUNCTION formlane.misbalances OWNER TO formlane_duties;
REVOKE ALL ON FUNCTION formlane.fold_ledger, formlane.recount, formlane.misbalances FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.fold_ledger, formlane.recount, formlane.misbalances TO formlane_service;
