"""Operations, match keys and their policies, against the records that an org holds afterwards."""

from __future__ import annotations

from collections import UserList
from types import MappingProxyType

import pytest

from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Reason,
    Rejected,
    Scope,
)
from formlane.domain.types import Json
from tests.contract.destinations.salesforce_world import column, ids_of, salesforce_world, seeded
from tests.contract.destinations.stand_ins import KeptJournal

INSERT, UPDATE, UPSERT, DELETE = Operation.INSERT, Operation.UPDATE, Operation.UPSERT, Operation.DELETE


async def test_inserts_go_out_200_at_a_time_and_come_back_in_order() -> None:
    async with salesforce_world() as world:
        result = await world.send([{"LastName": f"N{at}"} for at in range(200)])
        assert ids_of(result.outcomes) == column(world, "Id")
        assert column(world, "LastName") == [f"N{at}" for at in range(200)]
        assert result.exchange.request.startswith("POST /services/data/v68.0/composite/sobjects (")
        assert result.exchange.status == 200


async def test_mixed_results_keep_their_places() -> None:
    async with salesforce_world() as world:
        outcomes = await world.outcomes(
            [
                {"LastName": "A"},
                {"FirstName": "no last name"},
                {"LastName": "C", "Email": "not an address"},
                {"LastName": "D" * 81},
                {"LastName": "E", "Jurisdiction__c": "Atlantis"},
                {"LastName": "F"},
            ]
        )
        assert [getattr(one, "reason", None) for one in outcomes] == [
            None,
            Reason.MISSING_REQUIRED,
            Reason.INVALID_VALUE,
            Reason.INVALID_VALUE,
            Reason.INVALID_VALUE,
            None,
        ]
        assert [getattr(one, "fields", ()) for one in outcomes[1:5]] == [
            ("LastName",),
            ("Email",),
            ("LastName",),
            ("Jurisdiction__c",),
        ]
        assert column(world, "LastName") == ["A", "F"]


async def test_all_failed_may_come_with_400() -> None:
    async with salesforce_world(org={"all_failed_status": 400}) as world:
        outcomes = await world.outcomes([{"FirstName": "A"}, {"FirstName": "B"}])
        assert [type(one) for one in outcomes] == [Rejected, Rejected]


async def test_values_of_every_type_arrive() -> None:
    async with salesforce_world() as world:
        await seeded(
            world,
            {
                "LastName": "Ø’\u2028🙂 \"';\\",
                "Birthdate": "1815-12-10",
                "Interests__c": ["Sales", "Service"],
                "DoNotCall": None,
                "HasOptedOutOfEmail": True,
                "Score__c": 12.5,
                "Visited_At__c": "2026-11-24T18:30:00.123456Z",
                "Description": "line\r\nline\ttab",
            },
        )
        [row] = world.rows()
        assert row["LastName"] == "Ø’\u2028🙂 \"';\\"
        assert (row["Birthdate"], row["Interests__c"], row["Score__c"]) == (
            "1815-12-10",
            "Sales;Service",
            12.5,
        )
        assert (row["DoNotCall"], row["HasOptedOutOfEmail"]) == (False, True)
        assert str(row["Visited_At__c"]).startswith("2026-11-24T18:30:00")
        assert row["Description"] == "line\r\nline\ttab"


async def test_what_json_cannot_hold_spoils_its_own_record_only() -> None:
    async with salesforce_world() as world:
        outcomes = await world.outcomes([{"LastName": "A"}, {"LastName": "\ud800"}, {"LastName": "C"}])
        assert [type(one) for one in outcomes] == [Delivered, Rejected, Delivered]
        assert isinstance(outcomes[1], Rejected)
        assert outcomes[1].reason is Reason.NOT_ENCODABLE
        assert column(world, "LastName") == ["A", "C"]
        [alone] = await world.outcomes([{"LastName": "\ud800"}])
        assert isinstance(alone, Rejected)
        world.arm("server_unavailable", path="*/composite/*")
        for one in await world.outcomes([{"LastName": "A"}, {"LastName": "\ud800"}]):
            assert isinstance(one, Deferred)


async def test_a_tracked_insert_is_found_and_cannot_be_there_twice() -> None:
    async with salesforce_world() as world:
        call = world.call([{"LastName": "A"}, {"LastName": "B", "Ext__c": "own"}], tracking_field="Ext__c")
        before = await world.connector.find(call)
        assert [type(one) for one in before.outcomes] == [Rejected, Rejected]
        assert [getattr(one, "reason", None) for one in before.outcomes] == [Reason.NOT_FOUND] * 2
        sent = ids_of((await world.connector.send(call, KeptJournal())).outcomes)
        assert column(world, "Ext__c") == ["fl" + "0" * 30, "own"], "the mapping's own key stays"
        assert ids_of((await world.connector.find(call)).outcomes) == sent
        assert ids_of((await world.connector.send(call, KeptJournal())).outcomes) == sent
        assert len(world.rows()) == 2


@pytest.mark.parametrize("name", ["NPI__c", "Legacy_Ext__c", "Email"], ids=["unique", "external", "plain"])
async def test_a_tracking_field_has_to_be_a_unique_external_id(name: str) -> None:
    async with salesforce_world() as world:
        [outcome] = await world.outcomes([{"LastName": "A"}], tracking_field=name)
        assert isinstance(outcome, Blocked)
        assert (outcome.scope, outcome.reason) == (Scope.FLOW_OBJECT, Reason.CONFIGURATION)


async def test_upserts_by_external_id() -> None:
    async with salesforce_world() as world:
        for turn in range(2):
            for start in range(0, 300, 150):
                records = [{"LastName": f"T{turn}", "Ext__c": f"k{at}"} for at in range(start, start + 150)]
                ids_of(await world.outcomes(records, operation=UPSERT, match_key=("Ext__c",)))
        assert len(world.rows()) == 300
        assert set(column(world, "LastName")) == {"T1"}


async def test_the_same_key_twice_in_a_call_ends_with_the_last_value() -> None:
    async with salesforce_world() as world:
        world.change("alter_field", name="Ext__c", case_sensitive=False)
        records = [{"LastName": name, "Ext__c": key} for name, key in (("A", "k"), ("B", "K"), ("C", "l"))]
        ids = ids_of(await world.outcomes(records, operation=UPSERT, match_key=("Ext__c",)))
        assert ids[0] == ids[1]
        assert column(world, "LastName") == ["B", "C"]


async def test_an_empty_key_is_rejected_alone() -> None:
    async with salesforce_world() as world:
        records: list[dict[str, Json]] = [{"LastName": "A", "Ext__c": ""}, {"LastName": "B", "Ext__c": "b"}]
        for operation, key in ((UPSERT, "Ext__c"), (UPSERT, "Email"), (UPDATE, "Id")):
            given: list[dict[str, Json]] = [{"LastName": "A", key: None}, {"LastName": "B", key: "b@x.org"}]
            first, _ = await world.outcomes(given, operation=operation, match_key=(key,))
            assert isinstance(first, Rejected)
            assert (first.reason, first.fields) == (Reason.MISSING_REQUIRED, (key,))
        outcomes = await world.outcomes(records, operation=UPSERT, match_key=("Ext__c",))
        assert [type(one) for one in outcomes] == [Rejected, Delivered]


async def test_read_only_mappings_are_written_like_any_other() -> None:
    async with salesforce_world() as world:
        record = MappingProxyType({"LastName": "A", "Interests__c": ("Sales",)})
        await seeded(world, record, {"LastName": "B"})
        assert column(world, "Interests__c") == ["Sales", None]
        spoilt = MappingProxyType({"LastName": MappingProxyType({"a": UserList("b")})})
        [outcome] = await world.outcomes([spoilt])
        assert isinstance(outcome, Rejected)
        [outcome] = await world.outcomes([{"LastName": object()}])  # type: ignore[dict-item] # no JSON at all
        assert isinstance(outcome, Rejected)
        assert outcome.reason is Reason.NOT_ENCODABLE


async def test_duplicate_rules_are_obeyed_or_passed() -> None:
    rule = {"name": "Same_Email", "fields": ["Email"], "block": False}
    for setting, kind in (("obey", Rejected), ("pass_alerts", Delivered)):
        async with salesforce_world(duplicate_rules=setting) as world:
            await seeded(world, {"LastName": "A", "Email": "a@x.org"})
            world.change("duplicate_rule", rule=rule)
            [outcome] = await world.outcomes([{"LastName": "B", "Email": "a@x.org"}])
            assert isinstance(outcome, kind)
            if isinstance(outcome, Rejected):
                assert (outcome.reason, outcome.vendor_code) == (Reason.DUPLICATE, "DUPLICATES_DETECTED")
