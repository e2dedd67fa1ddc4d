"""An object that changes under a flow."""

from __future__ import annotations

import datetime as dt

import pytest

from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    Blocked,
    Delivered,
    Reason,
    Rejected,
    Scope,
)
from tests.contract.destinations.salesforce_world import (
    WRITES,
    people,
    salesforce_world,
    told,
    warm,
)

INSERT, UPDATE, UPSERT = Operation.INSERT, Operation.UPDATE, Operation.UPSERT


@pytest.mark.parametrize("spoils", ["request", "record"])
async def test_a_field_that_is_gone_is_drift(spoils: str) -> None:
    async with salesforce_world(org={"unknown_column_spoils": spoils}) as world:
        await warm(world)
        world.change("drop_field", name="Title")
        result = await world.send(people(2, Title="x"), operation=UPSERT, match_key=("Ext__c",))
        assert not result.bisect
        for outcome in result.outcomes:
            assert isinstance(outcome, Blocked)
            assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.DRIFT)
            assert "Title" in outcome.message


async def test_what_the_user_may_no_longer_see_is_drift_though_the_object_is_as_it_was() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.clock.ahead += dt.timedelta(minutes=2)
        world.change("drop_field", name="Title")
        world.break_answers("status", status=304, path="*/describe", times=None)
        result = await world.send(people(2, Title="x"), operation=UPSERT, match_key=("Ext__c",))
        assert all(isinstance(one, Rejected) for one in result.outcomes), "304 to a question without a date"
        world.simulator.faults.clear()
        outcome = await told(world, 1)
        assert isinstance(outcome, Delivered)
        world.clock.ahead += dt.timedelta(minutes=2)
        [outcome] = await world.outcomes(people(1, Title="x"), operation=UPSERT, match_key=("Ext__c",))
        assert isinstance(outcome, Blocked)
        assert outcome.reason is Reason.DRIFT


async def test_a_key_field_that_is_gone_is_drift() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.change("drop_field", name="Ext__c")
        outcome = await told(world)
        assert isinstance(outcome, Blocked)
        assert outcome.reason is Reason.DRIFT
        call = world.call([{"LastName": "A"}], tracking_field="Ext__c")
        [lost] = (await world.connector.find(call)).outcomes
        assert isinstance(lost, Blocked)


async def test_a_field_that_became_read_only_is_drift() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.change("alter_field", name="Title", createable=False, updateable=False)
        for operation, key in ((UPSERT, ("Ext__c",)), (INSERT, ())):
            result = await world.send(people(2, Title="x"), operation=operation, match_key=key)
            assert all(isinstance(one, Blocked) for one in result.outcomes)
        world.change("alter_field", name="Title", createable=True, updateable=False)
        await world.outcomes(people(1))
        result = await world.send([{"Ext__c": "k0", "Title": "x"}], operation=UPDATE, match_key=("Ext__c",))
        assert isinstance(result.outcomes[0], Blocked)


async def test_an_object_that_is_gone_blocks_its_flows() -> None:
    async with salesforce_world() as world:
        await world.connector.fields("Submission__c")
        world.change("drop_object", "Submission__c")
        for _ in range(2):
            result = await world.send([{"Name": "a"}, {"Name": "b"}], object="Submission__c")
            for outcome in result.outcomes:
                assert isinstance(outcome, Blocked)
                assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.OBJECT_GONE)


async def test_a_value_that_only_looks_like_drift_rejects_its_record() -> None:
    async with salesforce_world() as world:
        await warm(world)
        for name in ("INVALID_FIELD", "NOT_FOUND"):
            world.arm("request_error", path=WRITES, detail={"status": 400, "code": name, "message": "no"})
            result = await world.send(people(2), operation=UPSERT, match_key=("Ext__c",))
            assert result.bisect, "the object has not changed"
            assert all(isinstance(one, Rejected) for one in result.outcomes)


async def test_without_a_description_drift_is_not_claimed() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.arm(
            "request_error", path=WRITES, detail={"status": 400, "code": "INVALID_FIELD", "message": "no"}
        )
        world.arm("server_unavailable", path="*/describe")
        assert isinstance(await told(world), Rejected)


async def test_a_picklist_value_that_was_deactivated_rejects_its_record() -> None:
    async with salesforce_world() as world:
        await warm(world)
        world.change("deactivate_value", name="Jurisdiction__c", value="Oregon")
        outcomes = await world.outcomes(people(1, Jurisdiction__c="Oregon") + people(1))
        assert [type(one) for one in outcomes] == [Rejected, Delivered]
        fields = {one.name: one for one in await world.connector.fields("Contact")}
        assert fields["Jurisdiction__c"].choices == ("Washington", "California")
