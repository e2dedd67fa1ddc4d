-- What must hold of lanes, queues, windows, held records and connections, whatever happened.
-- One row of text per violation. Says anew, from the columns, what the functions have to keep.

WITH queues AS (
    SELECT l.id, q.queue, q.head, q.head_offset, q.tail
    FROM formlane.lanes l, LATERAL (VALUES
        (0::smallint, l.live_head, l.live_offset, l.live_tail),
        (1::smallint, l.replay_head, l.replay_offset, l.replay_tail)) AS q (queue, head, head_offset, tail)
), filled AS (
    SELECT q.*, (SELECT count(*) FROM formlane.deliveries d WHERE d.lane_id = q.id AND d.queue = q.queue) AS n,
           (SELECT coalesce(max(d.seq), 0) FROM formlane.deliveries d
            WHERE d.lane_id = q.id AND d.queue = q.queue) AS last,
           (SELECT d.records FROM formlane.deliveries d
            WHERE d.lane_id = q.id AND d.queue = q.queue AND d.seq = q.head) AS at_head,
           (SELECT coalesce(sum(d.records), 0) FROM formlane.deliveries d
            WHERE d.lane_id = q.id AND d.queue = q.queue AND d.seq >= q.head) - q.head_offset AS waiting
    FROM queues q
), works AS (
    SELECT l.*,
           CASE WHEN l.window_id IS NOT NULL THEN '-infinity'::timestamptz
                ELSE least(
                    CASE WHEN l.held >= 1000 OR l.live_head = l.live_tail THEN NULL
                         WHEN l.window_length IS NULL OR l.live_rows >= l.window_rows
                              OR l.live_bytes >= l.window_bytes THEN '-infinity'::timestamptz
                         ELSE l.window_close END,
                    CASE WHEN l.held < 1000 AND l.replay_head < l.replay_tail THEN '-infinity'::timestamptz END,
                    CASE WHEN l.held > 0 THEN l.next_held END) END AS work,
           greatest(l.paused_until, l.quiet_until, l.retry_at, l.wait_until) AS waits
    FROM formlane.lanes l
), oldest_held AS (
    SELECT DISTINCT ON (h.lane_id, coalesce(h.key, int8send(h.place))) h.lane_id, h.retry_at
    FROM formlane.held h ORDER BY h.lane_id, coalesce(h.key, int8send(h.place)), h.place
), held_counts AS (
    SELECT l.id, l.held, l.next_held, (SELECT count(*) FROM formlane.held h WHERE h.lane_id = l.id) AS n,
           (SELECT min(o.retry_at) FROM oldest_held o WHERE o.lane_id = l.id) AS next
    FROM formlane.lanes l
), found (subject, violation) AS (
    SELECT f.id, format('queue %s holds %s deliveries up to %s, its tail is %s', f.queue, f.n, f.last, f.tail)
    FROM filled f WHERE f.n <> f.tail - 1 OR f.last <> f.tail - 1
    UNION ALL
    SELECT f.id, format('queue %s has its head at (%s, %s), its tail at %s', f.queue, f.head, f.head_offset, f.tail)
    FROM filled f
    WHERE f.head > f.tail OR f.head_offset < 0 OR f.head_offset >= coalesce(f.at_head, 1)
    UNION ALL
    SELECT l.id, format('live_rows is %s, but %s records wait', l.live_rows, f.waiting)
    FROM formlane.lanes l JOIN filled f ON f.id = l.id AND f.queue = 0 WHERE l.live_rows <> f.waiting
    UNION ALL
    SELECT l.id, format('the window of queue %s ends at (%s, %s), outside (%s, %s) to %s', f.queue, l.window_to,
                        l.window_to_offset, f.head, f.head_offset, f.tail)
    FROM formlane.lanes l JOIN filled f ON f.id = l.id AND f.queue = l.window_queue
    WHERE l.window_id IS NOT NULL
      AND ((l.window_to, l.window_to_offset) < (f.head, f.head_offset)
           OR (l.window_to, l.window_to_offset) > (f.tail, 0))
    UNION ALL
    SELECT l.id, 'has half a lease, or a lease without a window'
    FROM formlane.lanes l
    WHERE num_nulls(l.lease_token, l.lease_until, l.leased_by) NOT IN (0, 3)
       OR (l.lease_token IS NOT NULL AND l.window_id IS NULL)
    UNION ALL
    SELECT c.id, format('counts %s held records, next at %s; there are %s, next at %s', c.held, c.next_held, c.n, c.next)
    FROM held_counts c WHERE c.held <> c.n OR c.next_held IS DISTINCT FROM c.next
    UNION ALL
    SELECT h.lane_id, format('held record %s belongs to a window that is not open', h.place)
    FROM formlane.held h JOIN formlane.lanes l ON l.id = h.lane_id
    WHERE h.window_id IS NOT NULL AND h.window_id IS DISTINCT FROM l.window_id
    UNION ALL
    SELECT l.id, format('leased until %s, but ready at %s', l.lease_until, l.ready_at)
    FROM formlane.lanes l
    WHERE l.lease_token IS NOT NULL
      AND l.ready_at IS DISTINCT FROM greatest(l.lease_until + l.quiet, l.paused_until, l.wait_until)
    UNION ALL
    SELECT w.id, format('has nothing to do, but is ready at %s', w.ready_at)
    FROM works w WHERE w.lease_token IS NULL AND w.work IS NULL AND w.ready_at IS NOT NULL
    UNION ALL
    SELECT w.id, format('has work from %s and waits until %s, but is ready at %s', w.work, w.waits, w.ready_at)
    FROM works w
    WHERE w.lease_token IS NULL AND w.work IS NOT NULL
      AND CASE WHEN greatest(w.work, w.waits) > clock_timestamp()
               THEN w.ready_at IS DISTINCT FROM greatest(w.work, w.waits)
               ELSE w.ready_at IS NULL OR w.ready_at > clock_timestamp() END
    UNION ALL
    SELECT l.id, format('is paused until %s, but a reason says %s', l.paused_until, p.until)
    FROM formlane.lanes l
    JOIN formlane.pauses p
      ON (p.scope = 'lane' AND p.scope_id = l.id) OR (p.scope = 'flow' AND p.scope_id = l.flow_id AND p.reason = 'user')
    WHERE l.paused_until < p.until
    UNION ALL
    SELECT c.connection_id, format('is paused until %s, but its reasons say %s', c.paused_until, p.until)
    FROM formlane.connection_state c
    JOIN LATERAL (SELECT coalesce(max(p.until), '-infinity') AS until FROM formlane.pauses p
                  WHERE p.scope = 'connection' AND p.scope_id = c.connection_id) p ON true
    WHERE c.paused_until < p.until
    UNION ALL
    SELECT f.id, format('%s: the books of source %s say %s, a recount %s', m.what, m.source_id, m.booked, m.counted)
    FROM (VALUES ('00000000-0000-0000-0000-000000000004'::uuid),
                 ('00000000-0000-0000-0000-000000000005')) AS f (id)
    CROSS JOIN LATERAL (
        SELECT b.source_id, b.what, sum(b.booked) AS booked, sum(b.counted) AS counted
        FROM formlane.misbalances('00000000-0000-0000-0000-000000000001', f.id) b
        GROUP BY b.source_id, b.what HAVING sum(b.booked) <> sum(b.counted)) m
)
SELECT f.subject, f.violation FROM found f ORDER BY f.subject, f.violation
