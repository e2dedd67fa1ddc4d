"""Puts the breakpoints into a test database's copy of the SQL functions."""

from __future__ import annotations

from collections.abc import Mapping

from formlane.store.connect import Connection
from tests.interleave.statements import find_statements, instrument

FUNCTIONS = (
    "accept",
    "lease",
    "take_held",
    "renew",
    "settle",
    "settle_connections",
    "journal_save",
    "journal_seal",
    "mark_sending",
    "draw",
    "enqueue_replay",
    "fold_ledger",
)
"""The PL/pgSQL functions that get breakpoints; functions of one SQL statement have one before their call."""

_BREAKPOINT = """
CREATE OR REPLACE FUNCTION formlane.breakpoint(place integer) RETURNS boolean LANGUAGE plpgsql AS $$
-- Counts the breakpoints that this session passes; at those it was told to stop at, says so and waits
-- for the gate, an advisory lock that the test holds.
DECLARE
    session integer := nullif(current_setting('interleave.session', true), '')::integer;
    passed integer;
BEGIN
    IF session IS NULL THEN
        RETURN false;
    END IF;
    passed := current_setting('interleave.passed')::integer + 1;
    PERFORM set_config('interleave.passed', passed::text, false);
    IF passed = ANY (string_to_array(current_setting('interleave.stops'), ',')::integer[]) THEN
        RAISE NOTICE 'stopped % %', passed, place;
        PERFORM pg_advisory_xact_lock(session, passed);
    END IF;
    RETURN false;
END
$$
"""

# What services do in a few statements of one transaction, as functions, so that it has breakpoints too.
# Pausing and resuming lock the lanes first, in id order: a reason that is written meanwhile is then seen.
_SERVICES = """
CREATE OR REPLACE FUNCTION formlane.pause_flow(of_tenant uuid, flow uuid, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM FROM formlane.lanes l WHERE l.flow_id = flow ORDER BY l.id FOR NO KEY UPDATE;
    INSERT INTO formlane.pauses (tenant_id, scope, scope_id, reason, until)
    VALUES (of_tenant, 'flow', flow, why, 'infinity') ON CONFLICT DO NOTHING;
    UPDATE formlane.lanes l SET paused_until = 'infinity' WHERE l.flow_id = flow;
END
$$;
CREATE OR REPLACE FUNCTION formlane.resume_flow(of_tenant uuid, flow uuid, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM FROM formlane.lanes l WHERE l.flow_id = flow ORDER BY l.id FOR NO KEY UPDATE;
    DELETE FROM formlane.pauses p WHERE p.tenant_id = of_tenant AND p.scope_id = flow AND p.reason = why;
    UPDATE formlane.lanes l SET paused_until = coalesce(
        (SELECT max(p.until) FROM formlane.pauses p WHERE p.tenant_id = of_tenant AND p.scope_id = flow),
        '-infinity') WHERE l.flow_id = flow;
END
$$;
CREATE OR REPLACE FUNCTION formlane.pause_connection(of_tenant uuid, connection uuid, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM FROM formlane.connection_state c WHERE c.connection_id = connection FOR NO KEY UPDATE;
    INSERT INTO formlane.pauses (tenant_id, scope, scope_id, reason, until)
    VALUES (of_tenant, 'connection', connection, why, 'infinity') ON CONFLICT DO NOTHING;
    UPDATE formlane.connection_state c SET paused_until = 'infinity' WHERE c.connection_id = connection;
END
$$;
"""
SERVICES = ("pause_flow", "resume_flow", "pause_connection")


async def add_services(admin: Connection) -> None:
    """Adds what stands for the services; `SERVICES` names it."""
    await admin.execute(_SERVICES)


async def install(admin: Connection) -> Mapping[int, str]:
    """Replaces the functions by copies with breakpoints; where each breakpoint is, for people to read."""
    await admin.execute(_BREAKPOINT)
    await add_services(admin)
    places: dict[int, str] = {}
    for name in (*FUNCTIONS, *SERVICES):
        found = await admin.fetchrow(
            "SELECT pg_get_functiondef(p.oid) AS definition, p.prosrc AS body FROM pg_proc p"
            " WHERE p.pronamespace = 'formlane'::regnamespace AND p.proname = $1",
            name,
        )
        if found is None:
            raise LookupError(f"formlane.{name} is gone: what should be interleaved instead?")
        statements = find_statements(found["body"])
        numbers = range(len(places), len(places) + len(statements))
        places |= {
            number: f"{name}:{statement.line} {statement.text}"
            for number, statement in zip(numbers, statements, strict=True)
        }
        await admin.execute(found["definition"].replace(found["body"], instrument(found["body"], numbers)))
    return places
