-- The few questions that come before a tenant is known, and the making of tenants. Each answers exactly
-- what its caller needs; there is no way from here to any other row.

CREATE OR REPLACE FUNCTION formlane.add_tenant(new_id uuid, new_name text)
RETURNS TABLE (id uuid, name text, created_at timestamptz)
LANGUAGE sql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
    INSERT INTO tenants AS t (id, name) VALUES (new_id, new_name) RETURNING t.id, t.name, t.created_at
$$;

CREATE OR REPLACE FUNCTION formlane.list_tenants()
RETURNS TABLE (id uuid, name text, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$ SELECT t.id, t.name, t.created_at FROM tenants t ORDER BY t.name $$;

CREATE OR REPLACE FUNCTION formlane.find_key(of_kid text) RETURNS TABLE (
    tenant_id uuid, id uuid, secret_hash bytea, scopes text[], expires_at timestamptz, revoked_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
    SELECT k.tenant_id, k.id, k.secret_hash, k.scopes, k.expires_at, k.revoked_at
    FROM api_keys k WHERE k.kid = of_kid
$$;

CREATE OR REPLACE FUNCTION formlane.touch_key(of_kid text) RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$
    UPDATE api_keys k SET last_used_at = now()
    WHERE k.kid = of_kid AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute')
$$;

CREATE OR REPLACE FUNCTION formlane.find_form(of_key text)
RETURNS TABLE (tenant_id uuid, id uuid, definition jsonb)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$ SELECT f.tenant_id, f.id, f.definition FROM forms f WHERE f.form_key = of_key $$;

ALTER FUNCTION formlane.add_tenant OWNER TO formlane_lookup;
ALTER FUNCTION formlane.list_tenants OWNER TO formlane_lookup;
ALTER FUNCTION formlane.find_key OWNER TO formlane_lookup;
ALTER FUNCTION formlane.touch_key OWNER TO formlane_lookup;
ALTER FUNCTION formlane.find_form OWNER TO formlane_lookup;
REVOKE ALL ON FUNCTION formlane.add_tenant, formlane.list_tenants, formlane.find_key, formlane.touch_key,
    formlane.find_form FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.add_tenant, formlane.list_tenants, formlane.find_key, formlane.touch_key,
    formlane.find_form TO formlane_service;
