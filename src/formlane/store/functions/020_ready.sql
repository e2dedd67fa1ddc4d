-- When a lane may be leased next: the one place that decides it, for every writer of lanes.
--
-- leased:     not before the lease has lapsed and its quiet time is over
-- otherwise:  when there is work, but not before any of the waits is over
-- The result is never before now(), except that a lane which is ready already keeps its place.

CREATE OR REPLACE FUNCTION formlane.lane_work(l formlane.lanes) RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = formlane, pg_temp
AS $$
    SELECT CASE
        WHEN l.window_id IS NOT NULL THEN '-infinity'::timestamptz
        ELSE least(
            CASE WHEN l.held < 1000 AND l.live_head < l.live_tail THEN
                CASE WHEN l.window_length IS NULL OR l.live_rows >= l.window_rows OR l.live_bytes >= l.window_bytes
                     THEN '-infinity' ELSE l.window_close END
            END,
            CASE WHEN l.held < 1000 AND l.replay_head < l.replay_tail THEN '-infinity'::timestamptz END,
            CASE WHEN l.held > 0 THEN l.next_held END)
    END
$$;

CREATE OR REPLACE FUNCTION formlane.set_ready() RETURNS trigger
LANGUAGE plpgsql
SET search_path = formlane, pg_temp
AS $$
DECLARE
    work timestamptz;
BEGIN
    IF NEW.lease_token IS NOT NULL THEN
        NEW.ready_at := greatest(NEW.lease_until + NEW.quiet, NEW.paused_until, NEW.wait_until);
        RETURN NEW;
    END IF;
    IF NEW.window_id IS NOT NULL THEN
        work := '-infinity';
    ELSIF NEW.held = 0 AND NEW.live_head = NEW.live_tail AND NEW.replay_head = NEW.replay_tail THEN
        NEW.ready_at := NULL;
        RETURN NEW;
    ELSE
        work := formlane.lane_work(NEW);
    END IF;
    work := greatest(work, NEW.paused_until, NEW.quiet_until, NEW.retry_at, NEW.wait_until, now());
    IF TG_OP = 'UPDATE' AND OLD.lease_token IS NULL AND OLD.ready_at <= now() AND work <= now() THEN
        NEW.ready_at := OLD.ready_at;
    ELSE
        NEW.ready_at := work;
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER set_ready BEFORE INSERT OR UPDATE ON formlane.lanes
    FOR EACH ROW EXECUTE FUNCTION formlane.set_ready();
