"""Records that are looked up first: match keys, policies, deletion, journal fields."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from formlane.destinations.lookups import Lookup
from formlane.domain.flows import NoMatch, Operation, SeveralMatches
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Reason,
    Rejected,
    Scope,
    Skipped,
    Uncertain,
)
from formlane_sandbox.faults import Kind
from tests.contract.destinations.servicenow_world import (
    ITEMS,
    World,
    by_key,
    incident,
    kinds,
    put,
    servicenow_world,
)

UPDATE, UPSERT, DELETE = Operation.UPDATE, Operation.UPSERT, Operation.DELETE


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with servicenow_world(allow_delete=True) as world:
        yield world


async def test_upsert_ends_with_one_object_per_key_and_the_last_values(world: World) -> None:
    for turn in range(3):
        outcomes = await world.outcomes(
            [incident(f"k{n}", description=f"{turn}") for n in range(turn, 20)], operation=UPSERT
        )
        assert kinds(outcomes) == ["Delivered"] * (20 - turn)

    assert len(world.rows()) == 20
    assert by_key(world, "description") == {f"k{n}": str(min(n, 2)) for n in range(20)}


async def test_the_whole_batch_may_be_lost_and_made_again(world: World) -> None:
    call = world.call([incident(f"k{n}") for n in range(4)], operation=UPSERT)
    await world.send(world.call([incident("k0")], operation=UPSERT))
    world.misbehave(Kind.RESET, commit=True)
    lost = await world.send(call)
    again = await world.send(call)

    assert kinds(lost.outcomes) == ["Uncertain"] * 4
    assert kinds(again.outcomes) == ["Delivered"] * 4
    assert len(world.rows()) == 4


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [(NoMatch.REJECT, Rejected), (NoMatch.SKIP, Skipped), (NoMatch.INSERT, Delivered)],
)
async def test_update_when_nothing_matches(world: World, policy: NoMatch, wanted: type[Outcome]) -> None:
    put(world, "there")
    outcomes = await world.outcomes(
        [incident("there", urgency="1"), incident("not", urgency="1")], operation=UPDATE, no_match=policy
    )

    assert kinds(outcomes) == ["Delivered", wanted.__name__]
    assert len(world.rows()) == (2 if policy is NoMatch.INSERT else 1)
    assert by_key(world, "urgency")["there"] == "1"


@pytest.mark.parametrize("operation", [UPDATE, UPSERT, DELETE])
@pytest.mark.parametrize("policy", list(SeveralMatches), ids=str)
async def test_when_several_match(world: World, operation: Operation, policy: SeveralMatches) -> None:
    old = put(world, "twice", urgency="3", sys_created_on="2024-01-01 00:00:00")
    new = put(world, "twice", urgency="3", sys_created_on="2026-01-01 00:00:00")
    outcomes = await world.outcomes(
        [incident("twice", urgency="1")], operation=operation, several_matches=policy
    )
    left = {row["sys_id"]: row.get("urgency") for row in world.rows()}
    touched = {one for one in (old, new) if left.get(one) in (None, "1")}

    wanted = {
        SeveralMatches.REJECT: set(),
        SeveralMatches.FIRST: {old},
        SeveralMatches.NEWEST: {new},
        SeveralMatches.ALL: {old, new},
    }
    assert touched == wanted[policy]
    assert kinds(outcomes) == ["Rejected" if policy is SeveralMatches.REJECT else "Delivered"]


async def test_all_has_an_end(world: World) -> None:
    for _ in range(11):
        put(world, "many")
    [outcome] = await world.outcomes([incident("many")], operation=UPDATE, several_matches=SeveralMatches.ALL)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.SEVERAL_MATCHES
    assert "more than 10" in outcome.message


async def test_of_several_the_first_trouble_counts(world: World) -> None:
    for _ in range(3):
        put(world, "many")
    world.arm("business_rule", method="PATCH", skip=1)
    [outcome] = await world.outcomes([incident("many")], operation=UPDATE, several_matches=SeveralMatches.ALL)
    assert isinstance(outcome, Rejected)


async def test_one_crowded_key_does_not_hide_the_others(world: World) -> None:
    for _ in range(1000):
        put(world, "crowd", sys_created_on="2020-01-01 00:00:00")
    put(world, "alone", sys_created_on="2026-01-01 00:00:00")
    outcomes = await world.outcomes([incident("crowd"), incident("alone", urgency="1")], operation=UPSERT)

    assert kinds(outcomes) == ["Rejected", "Delivered"]
    assert len(world.rows()) == 1001


async def test_composite_keys_and_keys_with_commas(world: World) -> None:
    put(world, "a,b", short_description="one")
    put(world, "a,b", short_description="two")
    put(world, "plain")
    both = await world.outcomes(
        [
            {"correlation_id": "a,b", "short_description": "two", "urgency": "1"},
            {"correlation_id": "a,b", "short_description": "three", "urgency": "1"},
        ],
        operation=UPSERT,
        match_key=("correlation_id", "short_description"),
    )
    one = await world.outcomes(
        [{"correlation_id": "plain"}, {"correlation_id": "c,d"}], operation=UPDATE, no_match=NoMatch.SKIP
    )

    assert kinds(both) == ["Delivered"] * 2
    assert len(world.rows()) == 4
    assert kinds(one) == ["Delivered", "Skipped"]


async def test_long_lists_of_keys(world: World) -> None:
    world.connect(batch_size=50)
    keys = [f"{n:03}-" + "é&=+#%" * 10 for n in range(50)]
    for key in keys[:25]:
        put(world, key)
    outcomes = await world.outcomes([incident(key, urgency="1") for key in keys], operation=UPSERT)

    assert kinds(outcomes) == ["Delivered"] * 50
    assert sorted(by_key(world, "urgency")) == sorted(keys)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", Reason.MISSING_REQUIRED),
        (None, Reason.MISSING_REQUIRED),
        ("a^ORsys_idISNOTEMPTY", Reason.INVALID_VALUE),
        ("JavaScript:gs.nowDateTime()", Reason.INVALID_VALUE),
    ],
    ids=["empty", "null", "caret", "script"],
)
async def test_keys_that_cannot_be_asked_for(world: World, key: str | None, reason: Reason) -> None:
    put(world, "other")
    outcomes = await world.outcomes(
        [{"correlation_id": key, "urgency": "1"}, incident("other", urgency="2")], operation=UPSERT
    )

    assert isinstance(outcomes[0], Rejected)
    assert (outcomes[0].reason, outcomes[0].fields) == (reason, ("correlation_id",))
    assert isinstance(outcomes[1], Delivered)
    assert by_key(world, "urgency") == {"other": "2"}


async def test_by_sys_id(world: World) -> None:
    sys_id = put(world, "x")
    [done] = await world.outcomes(
        [{"sys_id": sys_id, "urgency": "1"}], operation=UPDATE, match_key=("sys_id",)
    )

    assert done == Delivered(remote_id=sys_id)
    assert by_key(world, "urgency") == {"x": "1"}


async def test_a_record_that_goes_away_meanwhile_is_looked_up_again(world: World) -> None:
    put(world, "a")
    put(world, "b")
    world.misbehave(
        Kind.STATUS,
        path=f"{ITEMS}",
        method="PATCH",
        status=404,
        body='{"error":{"message":"No Record found","detail":"Record doesn\'t exist"},"status":"failure"}',
        headers={"content-type": "application/json"},
    )
    world.connect(batch_api=False)
    [outcome] = await world.outcomes([incident("a")], operation=UPDATE)

    assert isinstance(outcome, Deferred)
    assert (outcome.scope, outcome.reason) == (Scope.RECORD, Reason.NOT_FOUND)


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("update_acl", Blocked),
        ("business_rule", Rejected),
        ("server_error", Deferred),
        ("cancelled", Deferred),
        ("empty", Deferred),
        ("gateway_timeout", Uncertain),
    ],
)
async def test_one_change_of_three_has_trouble(world: World, fault: str, wanted: type[Outcome]) -> None:
    for key in "abc":
        put(world, key)
    world.arm(fault, method="PATCH", skip=1)
    outcomes = await world.outcomes([incident(key) for key in "abc"], operation=UPSERT)

    assert kinds(outcomes) == ["Delivered", wanted.__name__, "Delivered"]


async def test_a_create_in_doubt_is_looked_up_by_its_match_key(world: World) -> None:
    world.arm("server_error", method="POST", commit=True)
    [outcome] = await world.outcomes([incident("new")], operation=UPSERT)

    assert isinstance(outcome, Delivered)
    assert len(world.rows()) == 1


@pytest.mark.parametrize(
    ("fault", "wanted", "reason"),
    [
        ("rate_limit", Deferred, Reason.RATE_LIMITED),
        ("cancelled", Deferred, Reason.UNAVAILABLE),
        ("list_cancelled", Deferred, Reason.UNAVAILABLE),
        ("hibernating", Deferred, Reason.UNAVAILABLE),
        ("empty", Deferred, Reason.UNAVAILABLE),
        ("gateway_timeout", Deferred, Reason.UNAVAILABLE),
        ("unauthenticated", Blocked, Reason.CREDENTIALS),
        ("api_acl", Blocked, Reason.PERMISSION),
        ("insert_failed", Blocked, Reason.CONFIGURATION),
    ],
)
async def test_when_nothing_can_be_looked_up(
    world: World, fault: str, wanted: type[Outcome], reason: Reason
) -> None:
    put(world, "a")
    await world.outcomes([incident("a")], operation=UPSERT)
    world.arm(fault, method="GET", path="/api/now/table/incident")
    [outcome] = await world.outcomes([incident("a")], operation=UPSERT)

    assert type(outcome) is wanted
    assert getattr(outcome, "reason", None) is reason
    assert getattr(outcome, "scope", None) is not Scope.RECORD


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.TIMEOUT], ids=str)
async def test_a_lost_look_is_no_lost_write(kind: Kind) -> None:
    async with servicenow_world(time_scale=0.01) as world:
        await world.outcomes([incident("a")], operation=UPSERT)
        world.misbehave(kind, method="GET", path="/api/now/table/incident", seconds=1)
        [outcome] = await world.outcomes([incident("a")], operation=UPSERT)

    assert isinstance(outcome, Deferred)
    assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.NETWORK)


async def test_the_instance_ignores_conditions_it_does_not_know(world: World) -> None:
    put(world, "a")
    call = world.call([{"u_typo": "a"}], operation=UPSERT, match_key=("u_typo",))
    world.configure(acls={"sys_dictionary": {"read": False}, "sys_db_object": {"read": False}})
    world.arm("api_acl", path="/api/now/ui/meta/incident", times=None)
    [outcome] = (await world.send(call)).outcomes

    assert isinstance(outcome, Blocked)
    assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.DRIFT)
    assert "u_typo" in outcome.message
    assert len(world.rows()) == 1


async def test_when_one_of_several_queries_is_not_run(world: World) -> None:
    put(world, "a")
    world.arm("unserviced", method="GET", skip=1)
    outcomes = await world.outcomes(
        [incident("a"), incident("b")],
        operation=UPDATE,
        match_key=("correlation_id", "short_description"),
    )

    assert kinds(outcomes) == ["Deferred"] * 2


async def test_look_up(world: World) -> None:
    first, second = put(world, "a"), put(world, "a")
    put(world, "b")
    answer = await world.connector.look_up(
        Lookup(object="incident", field="correlation_id", values=["a", "none", "^", ""])
    )
    nothing = await world.connector.look_up(Lookup(object="incident", field="correlation_id", values=[]))
    world.arm("api_acl", method="GET")
    denied = await world.connector.look_up(Lookup(object="incident", field="correlation_id", values=["a"]))

    assert {key: sorted(ids) for key, ids in answer.found.items()} == {"a": sorted([first, second])}
    assert answer.trouble is None
    assert nothing.found == {}
    assert isinstance(denied.trouble, Blocked)
    assert denied.trouble.reason is Reason.PERMISSION
