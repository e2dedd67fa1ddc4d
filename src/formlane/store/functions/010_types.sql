-- Shapes of the arrays that the hot functions take. Recreated together with the functions.

DROP TYPE IF EXISTS
    formlane.new_batch, formlane.new_delivery, formlane.new_refusal, formlane.settlement,
    formlane.new_attempt, formlane.new_exception, formlane.new_held, formlane.held_try,
    formlane.ledger_entry, formlane.leased CASCADE;

-- accept(): ordinal counts the members of one flush from 0.
CREATE TYPE formlane.new_batch AS (
    ordinal integer, tenant_id uuid, id uuid, source_id uuid, revision integer, records integer,
    invalid integer, blob bytea, lookup bigint[], key bytea, body_hash bytea, answer bytea
);
CREATE TYPE formlane.new_delivery AS (
    ordinal integer, lane_id uuid, records integer, bytes integer, rows integer[], keys bytea
);
CREATE TYPE formlane.new_refusal AS (ordinal integer, index integer, reason text, detail bytea);

-- settle(): what one lane's lease achieved.
--   position     the new head of the window's queue; equal to the old one when nothing was settled
--   moved        records between old and new head
--   progress     a call was settled (its outcomes are known), so attempts and lapses count anew
--   finished     the window is done        given_back   the lease ends
--   quiet        an answer was lost: nothing is looked up or sent before it is over
--   retry        lane-scoped wait           used_attempt  the try counts for the retry policy
--   connection   'success', 'failure' (wait: connection_wait) or 'blocked' (until a person clears it)
--   narrowed     the window's new end, after lapses before anything was sent
--   cut          where the next call ends, when a refused one is split
--   results      what the records of the window achieved so far, sealed; empty: nothing; null: as before
--   flow_blocked the flow waits for a person (pause_reason, pause_message)
CREATE TYPE formlane.settlement AS (
    lane_id uuid, token uuid, position_seq bigint, position_offset integer, moved integer,
    progress boolean, finished boolean, given_back boolean, maybe_sent boolean, quiet interval,
    retry interval, used_attempt boolean, connection text, connection_wait interval,
    pause_reason text, pause_message text, unused integer, call_id uuid,
    narrowed_seq bigint, narrowed_offset integer, cut_seq bigint, cut_offset integer, flow_blocked boolean, results bytea
);
CREATE TYPE formlane.new_attempt AS (
    lane_id uuid, id uuid, call_id uuid, step smallint, queue smallint, from_seq bigint,
    from_offset integer, to_seq bigint, to_offset integer, release integer, number integer,
    started_at timestamptz, milliseconds integer, records integer, delivered integer, outcome text,
    reason text, message text, exchange bytea, results bytea
);
CREATE TYPE formlane.new_exception AS (
    lane_id uuid, batch_id uuid, index integer, source_id uuid, step smallint, status text, reason text,
    fingerprint bytea, release integer, detail bytea
);
CREATE TYPE formlane.new_held AS (
    lane_id uuid, key bytea, queue smallint, seq bigint, "position" integer, step smallint, release integer,
    remote_ids bytea, attempt integer, retry interval, reason text, message text
);
-- A held record that was tried: delivered or given up (gone), or to be tried again after retry.
CREATE TYPE formlane.held_try AS (
    lane_id uuid, place bigint, gone boolean, step smallint, remote_ids bytea, retry interval,
    used_attempt boolean, reason text, message text
);
CREATE TYPE formlane.ledger_entry AS (
    lane_id uuid, source_id uuid, minute timestamptz, delivered integer, skipped integer,
    rejected integer, parked integer, bucket smallint
);

-- lease(): a leased lane with its open window [head, to) and what is known of its last try.
CREATE TYPE formlane.leased AS (
    lane_id uuid, tenant_id uuid, flow_id uuid, connection_id uuid, token uuid, leased_at timestamptz,
    window_id uuid, queue smallint, release integer, head_seq bigint, head_offset integer, to_seq bigint,
    to_offset integer, cut_seq bigint, cut_offset integer, results bytea, maybe_sent boolean, lapses integer, sending_lapses integer,
    attempt integer, failing_since timestamptz, connection_failures integer,
    connection_failing_since timestamptz, calls integer, held integer, held_keys bytea[],
    journal_call uuid, journal_state bytea, journal_content bytea, journal_sequence bigint,
    journal_sealed_at timestamptz
);
