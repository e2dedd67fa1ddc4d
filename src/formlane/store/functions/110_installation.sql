-- Questions about the installation as a whole.

-- Whether any tenant has a key: then a missing master key file is a loss, not a first start.
CREATE OR REPLACE FUNCTION formlane.has_tenant_keys() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = formlane, pg_temp
AS $$ SELECT EXISTS (SELECT FROM tenant_keys) $$;
ALTER FUNCTION formlane.has_tenant_keys OWNER TO formlane_lookup;
REVOKE ALL ON FUNCTION formlane.has_tenant_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION formlane.has_tenant_keys TO formlane_service;
