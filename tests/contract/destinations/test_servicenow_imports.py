"""Import sets: a staging row per record, and what its transform map made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Outcome, Reason, Rejected, Scope, Uncertain
from formlane.domain.types import Json
from formlane_sandbox.faults import Kind
from tests.contract.destinations.servicenow_world import World, servicenow_world

STAGING = "u_imp_form_submission"
MAP = {
    "name": "Form submission",
    "staging": STAGING,
    "target": "incident",
    "fields": {"u_external_id": "correlation_id", "u_short_description": "short_description"},
    "coalesce": ["correlation_id"],
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with servicenow_world() as world:
        yield world


def row(key: str, text: str = "x") -> dict[str, Json]:
    return {"u_external_id": key, "u_short_description": text}


async def imported(world: World, rows: Sequence[dict[str, Json]], **given: object) -> Sequence[Outcome]:
    step = {"table": STAGING, "options": {"import_set": True}, "match_key": ("u_external_id",)}
    return await world.outcomes(rows, **{"operation": Operation.UPSERT, **step, **given})


async def test_the_map_inserts_updates_and_ignores(world: World) -> None:
    first = await imported(world, [row("a"), row("b")])
    again = await imported(world, [row("a"), row("b", "y"), row("c")])

    assert all(isinstance(one, Delivered) and one.remote_id for one in [*first, *again])
    assert first == again[:2]
    assert sorted(world.values("short_description")) == ["x", "x", "y"]


async def test_a_lost_batch_is_sent_again(world: World) -> None:
    await imported(world, [row("warm")])
    world.misbehave(Kind.RESET, commit=True)
    lost = await imported(world, [row("a"), row("b")])
    again = await imported(world, [row("a"), row("b")])

    assert all(isinstance(one, Uncertain) for one in lost)
    assert all(isinstance(one, Delivered) for one in again)
    assert sorted(world.values("correlation_id")) == ["a", "b", "warm"]


@pytest.mark.parametrize(
    ("change", "wanted", "reason"),
    [
        ({"error_when": "u_external_id=a"}, Rejected, Reason.NOT_FOUND),
        ({"error_when": "u_external_id=a", "error_message": "Odd"}, Rejected, Reason.REFUSED),
        ({"error_when": "u_external_id=a", "error_message": "Invalid table"}, Blocked, Reason.OBJECT_GONE),
        ({"skip_when": "u_external_id=a"}, Rejected, Reason.REFUSED),
    ],
    ids=["no target", "error", "invalid table", "skipped"],
)
async def test_what_the_map_says_decides(
    world: World, change: dict[str, str], wanted: type[Outcome], reason: Reason
) -> None:
    world.configure(transform_maps=[{**MAP, **change}])
    outcomes = await imported(world, [row("a"), row("b")])

    assert type(outcomes[0]) is wanted
    assert getattr(outcomes[0], "reason", None) is reason
    assert isinstance(outcomes[1], Delivered)
    assert world.values("correlation_id") == ["b"]


async def test_without_a_map_the_flow_is_blocked(world: World) -> None:
    world.configure(transform_maps=[])
    [outcome] = await imported(world, [row("a")])

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.CONFIGURATION)


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("import_error", Rejected),
        ("cancelled", Deferred),
        ("empty", Deferred),
        ("gateway_timeout", Uncertain),
        ("rate_limit", Deferred),
    ],
)
async def test_trouble_of_one_row(world: World, fault: str, wanted: type[Outcome]) -> None:
    world.arm(fault, path=f"/api/now/import/{STAGING}")
    outcomes = await imported(world, [row("a"), row("b")])

    assert [type(one) for one in outcomes] == [wanted, Delivered]


async def test_values_that_cannot_be_written(world: World) -> None:
    outcomes = await imported(world, [row("a", "\ud800"), row("b")])
    assert [type(one) for one in outcomes] == [Rejected, Delivered]


async def test_only_upsert(world: World) -> None:
    [outcome] = await imported(world, [row("a")], operation=Operation.INSERT)

    assert isinstance(outcome, Blocked)
    assert "upsert" in outcome.message
    assert world.rows() == []
