-- What the use cases keep besides the delivery path.

SET LOCAL ROLE formlane_owner;

-- What a page may show of a secret: the last characters of a long one.
ALTER TABLE formlane.secrets ADD COLUMN hint text NOT NULL DEFAULT '';

ALTER TABLE formlane.replays ADD COLUMN cancelled_at timestamptz;

-- bindings: {"<form id>": {"name": text, "fields": {"<field>": "<type>"}, "inputs": {"<input>": "<field>"}}}
-- with the forms as they were at the release, also those detached since.
COMMENT ON COLUMN formlane.releases.bindings IS 'forms as this release reads them, frozen';

CREATE INDEX attempts_by_flow ON formlane.attempts (tenant_id, flow_id, id DESC);

-- Keys are looked up by hash and name part, the operator lists tenants.
GRANT SELECT, DELETE ON formlane.deliveries TO formlane_duties;
GRANT INSERT ON formlane.ledger_deltas TO formlane_duties;
