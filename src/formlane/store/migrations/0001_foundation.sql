-- Roles, schema and the two helpers that every table below uses.
--
-- formlane_owner   owns schema and tables; used by migrations only
-- formlane_app     everything that runs in one tenant's context; row-level security applies
-- formlane_intake  owns accept(): sees all tenants, may add batches and deliveries
-- formlane_lanes   owns lease(), renew(), settle() and their kin: the delivery hot path
-- formlane_lookup  owns the look-ups that happen before a tenant is known (keys)
-- formlane_duties  owns the scheduler's duties over all tenants (folding, recounting, resuming)
-- formlane_service the login of the processes: may become formlane_app and call the functions

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'formlane_owner', 'formlane_app', 'formlane_intake', 'formlane_lanes',
        'formlane_lookup', 'formlane_duties', 'formlane_service'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', name);
        END IF;
    END LOOP;
    EXECUTE format('GRANT formlane_owner, formlane_intake, formlane_lanes, formlane_lookup, formlane_duties TO %I',
                   current_user);
END
$$;
GRANT formlane_app TO formlane_service;

CREATE SCHEMA IF NOT EXISTS formlane;
ALTER SCHEMA formlane OWNER TO formlane_owner;
GRANT USAGE ON SCHEMA formlane TO
    formlane_app, formlane_intake, formlane_lanes, formlane_lookup, formlane_duties, formlane_service;
GRANT CREATE ON SCHEMA formlane TO formlane_intake, formlane_lanes, formlane_lookup, formlane_duties;

SET LOCAL ROLE formlane_owner;

-- The tenant of this transaction; null when none was set, which matches no row.
CREATE FUNCTION formlane.current_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('app.tenant', true), '')::uuid $$;

-- Forces row-level security on a table and lets formlane_app see its own tenant's rows in it.
-- Each further role named gets a policy of its own; what it may do is granted beside it.
CREATE PROCEDURE formlane.protect(target regclass, tenant_column text, VARIADIC roles text[] DEFAULT '{}')
LANGUAGE plpgsql
AS $$
DECLARE
    role text;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
        'CREATE POLICY tenant ON %s FOR ALL TO formlane_app '
        'USING (%I = (SELECT formlane.current_tenant())) '
        'WITH CHECK (%I = (SELECT formlane.current_tenant()))', target, tenant_column, tenant_column);
    FOREACH role IN ARRAY roles LOOP
        EXECUTE format('CREATE POLICY %I ON %s FOR ALL TO %I USING (true) WITH CHECK (true)', role, target, role);
    END LOOP;
END
$$;
