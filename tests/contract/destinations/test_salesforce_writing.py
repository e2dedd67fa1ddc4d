"""Operations, match keys and their policies, against the records that an org holds afterwards."""

from __future__ import annotations

from collections import UserList
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

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
)
from formlane.domain.types import Json
from tests.contract.destinations.salesforce_world import KeptJournal, SalesforceWorld, salesforce_world

INSERT, UPDATE, UPSERT, DELETE = Operation.INSERT, Operation.UPDATE, Operation.UPSERT, Operation.DELETE


def ids_of(outcomes: Any) -> list[str | None]:
    assert all(isinstance(one, Delivered) for one in outcomes), outcomes
    return [one.remote_id for one in outcomes]


def column(world: SalesforceWorld, name: str, kind: str = "Contact") -> list[object]:
    return [row.get(name) for row in world.rows(kind)]


async def seeded(
    world: SalesforceWorld, *records: Mapping[str, Json], kind: str = "Contact"
) -> list[str | None]:
    return ids_of(await world.outcomes(records, object=kind))


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


async def test_updates_by_id() -> None:
    async with salesforce_world() as world:
        first, second = await seeded(world, {"LastName": "A"}, {"LastName": "B"})
        records: list[dict[str, Json]] = [
            {"Id": first, "FirstName": "X"},
            {"Id": str(second)[:15], "FirstName": "Y"},
            {"Id": "003000000000000AAA", "FirstName": "Z"},
            {"Id": "nonsense", "FirstName": "Z"},
        ]
        outcomes = await world.outcomes(records, operation=UPDATE, match_key=("Id",))
        assert [type(one) for one in outcomes] == [Delivered, Delivered, Rejected, Rejected]
        assert column(world, "FirstName") == ["X", "Y"]
        assert isinstance(outcomes[3], Rejected)
        assert outcomes[3].reason is Reason.INVALID_VALUE
        outcomes = await world.outcomes(
            records[:3], operation=UPDATE, match_key=("Id",), no_match=NoMatch.SKIP
        )
        assert [type(one) for one in outcomes[:2]] == [Delivered, Delivered]
        assert isinstance(outcomes[2], Skipped)
        [kept] = await world.outcomes(records[2:3], operation=UPSERT, match_key=("Id",))
        assert isinstance(kept, Rejected)
        assert kept.reason is Reason.NOT_FOUND, "a record id cannot be chosen"


@pytest.mark.parametrize(
    ("policy", "kind"),
    [(NoMatch.REJECT, Rejected), (NoMatch.SKIP, Skipped), (NoMatch.INSERT, Delivered)],
)
async def test_no_match(policy: NoMatch, kind: type[Outcome]) -> None:
    async with salesforce_world() as world:
        await seeded(world, {"LastName": "A", "Email": "a@x.org"})
        records: list[dict[str, Json]] = [
            {"LastName": "B", "Email": "A@X.org"},
            {"LastName": "C", "Email": "c@x.org"},
        ]
        found, missed = await world.outcomes(records, operation=UPDATE, match_key=("Email",), no_match=policy)
        assert isinstance(found, Delivered)
        assert isinstance(missed, kind)
        assert column(world, "LastName") == (["B", "C"] if policy is NoMatch.INSERT else ["B"])
        assert column(world, "Email")[0] == "a@x.org", "what it was found by is not written again"


@pytest.mark.parametrize(
    ("policy", "changed"),
    [
        (SeveralMatches.REJECT, []),
        (SeveralMatches.FIRST, [0]),
        (SeveralMatches.NEWEST, [2]),
        (SeveralMatches.ALL, [0, 1, 2]),
    ],
)
@pytest.mark.parametrize("operation", [UPDATE, UPSERT])
async def test_several_matches(operation: Operation, policy: SeveralMatches, changed: list[int]) -> None:
    async with salesforce_world() as world:
        for name in "ABC":
            await seeded(world, {"LastName": name, "Legacy_Ext__c": "same"})
            world.simulator.clock.shift(60)
        [outcome] = await world.outcomes(
            [{"FirstName": "new", "Legacy_Ext__c": "same"}],
            operation=operation,
            match_key=("Legacy_Ext__c",),
            several_matches=policy,
        )
        if changed:
            assert isinstance(outcome, Delivered)
            assert outcome.remote_id == world.rows()[changed[0]]["Id"]
        else:
            assert isinstance(outcome, Rejected)
            assert outcome.reason is Reason.SEVERAL_MATCHES
        assert [at for at, name in enumerate(column(world, "FirstName")) if name == "new"] == changed


async def test_all_matches_fail_if_one_of_them_does() -> None:
    async with salesforce_world() as world:
        await seeded(world, *({"LastName": name, "Email": "a@x.org"} for name in "ABC"))
        [outcome] = await world.outcomes(
            [{"NPI__c": "must be unique", "Email": "a@x.org"}],
            operation=UPDATE,
            match_key=("Email",),
            several_matches=SeveralMatches.ALL,
        )
        assert isinstance(outcome, Rejected)
        assert outcome.reason is Reason.DUPLICATE
        assert column(world, "NPI__c") == ["must be unique", None, None]


async def test_a_match_key_of_two_fields() -> None:
    async with salesforce_world() as world:
        await seeded(
            world,
            {"LastName": "A", "FirstName": "Ann", "Email": "x@x.org"},
            {"LastName": "A", "FirstName": "Bob", "Email": "x@x.org"},
        )
        records: list[dict[str, Json]] = [
            {"FirstName": "Bob", "Email": "x@x.org", "Title": "second"},
            {"FirstName": "Cid", "Email": "x@x.org", "Title": "none"},
        ]
        outcomes = await world.outcomes(records, operation=UPDATE, match_key=("FirstName", "Email"))
        assert [type(one) for one in outcomes] == [Delivered, Rejected]
        assert column(world, "Title") == [None, "second"]


async def test_two_records_for_one_object_are_written_in_order() -> None:
    async with salesforce_world() as world:
        await seeded(world, {"LastName": "A", "Email": "a@x.org"})
        records: list[dict[str, Json]] = [
            {"LastName": "B", "Email": "a@x.org"},
            {"LastName": "C", "Email": "A@X.ORG"},
        ]
        ids_of(await world.outcomes(records, operation=UPDATE, match_key=("Email",)))
        assert column(world, "LastName") == ["C"]


async def test_two_records_for_one_new_object_make_one() -> None:
    async with salesforce_world() as world:
        records: list[dict[str, Json]] = [
            {"LastName": "B", "Email": "a@x.org"},
            {"LastName": "C", "Email": "A@X.ORG"},
        ]
        first, second = await world.outcomes(records, operation=UPSERT, match_key=("Email",))
        assert isinstance(first, Delivered)
        assert isinstance(second, Deferred)
        assert second.scope is Scope.RECORD
        ids_of(await world.outcomes(records[1:], operation=UPSERT, match_key=("Email",)))
        assert column(world, "LastName") == ["C"]


async def test_an_update_may_insert_by_a_unique_external_id() -> None:
    async with salesforce_world() as world:
        records: list[dict[str, Json]] = [{"LastName": "A", "Ext__c": "a"}]
        for _ in range(2):
            ids_of(
                await world.outcomes(
                    records, operation=UPDATE, match_key=("Ext__c",), no_match=NoMatch.INSERT
                )
            )
        assert len(world.rows()) == 1
        outcomes = await world.outcomes(
            [{"LastName": "B", "Ext__c": "a"}, {"LastName": "C", "Ext__c": "c"}],
            operation=UPDATE,
            match_key=("Ext__c",),
        )
        assert [type(one) for one in outcomes] == [Delivered, Rejected]
        assert column(world, "LastName") == ["B"]


async def test_deleting_has_to_be_allowed() -> None:
    async with salesforce_world() as world:
        [identity] = await seeded(world, {"LastName": "A"})
        [outcome] = await world.outcomes([{"Id": identity}], operation=DELETE, match_key=("Id",))
        assert isinstance(outcome, Blocked)
        assert outcome.reason is Reason.CONFIGURATION
        assert len(world.rows()) == 1


async def test_deleting_again_is_harmless() -> None:
    async with salesforce_world(allow_delete=True) as world:
        first, _, third = await seeded(
            world, {"LastName": "A"}, {"LastName": "B"}, {"LastName": "C", "Email": "c@x.org"}
        )
        for _ in range(2):
            assert ids_of(await world.outcomes([{"Id": first}], operation=DELETE, match_key=("Id",))) == [
                first
            ]
        records: list[dict[str, Json]] = [{"Email": "c@x.org"}, {"Email": "nobody@x.org"}]
        gone, none = await world.outcomes(records, operation=DELETE, match_key=("Email",))
        assert gone == Delivered(remote_id=third)
        assert isinstance(none, Rejected)
        assert column(world, "LastName") == ["B"]


async def test_match_keys_that_salesforce_cannot_search() -> None:
    async with salesforce_world() as world:
        [outcome] = await world.outcomes(
            [{"LastName": "A", "Description": "x"}], operation=UPDATE, match_key=("Description",)
        )
        assert isinstance(outcome, Blocked)
        assert outcome.reason is Reason.CONFIGURATION
        [outcome] = await world.outcomes(
            [{"LastName": "A", "Gone__c": "x"}], operation=UPDATE, match_key=("Gone__c",)
        )
        assert isinstance(outcome, Blocked)
        assert outcome.reason is Reason.DRIFT


async def test_long_lists_of_keys_are_asked_for_in_pieces() -> None:
    async with salesforce_world() as world:
        emails = [f"{at:03}{'x' * 60}@example.org" for at in range(200)]
        await seeded(world, *({"LastName": "A", "Email": email} for email in emails))
        records: list[dict[str, Json]] = [{"LastName": "B", "Email": email} for email in emails]
        ids_of(await world.outcomes(records, operation=UPDATE, match_key=("Email",)))
        assert set(column(world, "LastName")) == {"B"}


async def test_numbers_find_records_too() -> None:
    async with salesforce_world() as world:
        await seeded(world, {"LastName": "A", "Score__c": 12.5}, {"LastName": "B", "Score__c": 3})
        records: list[dict[str, Json]] = [
            {"Title": "x", "Score__c": "12.50"},
            {"Title": "y", "Score__c": 3},
            {"Title": "z", "Score__c": "many"},
        ]
        outcomes = await world.outcomes(records, operation=UPDATE, match_key=("Score__c",))
        assert [type(one) for one in outcomes] == [Delivered, Delivered, Rejected]
        assert column(world, "Title") == ["x", "y"]


async def test_keys_that_are_all_empty_are_not_asked_for() -> None:
    async with salesforce_world() as world:
        await world.connector.fields("Contact")
        world.arm("server_unavailable", path="*/query*", times=None)
        outcomes = await world.outcomes(
            [{"LastName": "A", "Email": ""}], operation=UPDATE, match_key=("Email",)
        )
        assert [type(one) for one in outcomes] == [Rejected]


async def test_an_object_without_a_date_of_creation() -> None:
    async with salesforce_world() as world:
        described = {
            "name": "Contact",
            "fields": [
                {"name": name, "type": kind, "filterable": True, "createable": True, "updateable": True}
                for name, kind in (("Id", "id"), ("LastName", "string"), ("Email", "email"))
            ],
        }
        body = msgspec.json.encode(described).decode()
        world.break_answers("status", status=200, path="*/describe", body=body)
        await seeded(world, {"LastName": "A", "Email": "a@x.org"})
        nobody = '{"done":true,"records":[{"Id":"003ak0000000009AAA","Email":null}]}'
        world.break_answers("status", status=200, path="*/query*", body=nobody)
        records: list[dict[str, Json]] = [{"LastName": "B", "Email": "a@x.org"}]
        [missed] = await world.outcomes(records, operation=UPDATE, match_key=("Email",))
        assert isinstance(missed, Rejected)
        [found] = await world.outcomes(records, operation=UPDATE, match_key=("Email",))
        assert isinstance(found, Delivered)


async def test_read_only_mappings_are_written_like_any_other() -> None:
    async with salesforce_world() as world:
        record = MappingProxyType({"LastName": "A", "Interests__c": ("Sales",)})
        await seeded(world, record)
        assert column(world, "Interests__c") == ["Sales"]
        spoilt = MappingProxyType({"LastName": MappingProxyType({"a": UserList("b")})})
        [outcome] = await world.outcomes([spoilt])
        assert isinstance(outcome, Rejected)
        [outcome] = await world.outcomes([{"LastName": object()}])  # type: ignore[dict-item] # no JSON at all
        assert isinstance(outcome, Rejected)
        assert outcome.reason is Reason.NOT_ENCODABLE


async def test_more_matches_than_a_page_holds() -> None:
    async with salesforce_world() as world:
        for _ in range(11):
            await seeded(world, *({"LastName": "A", "Email": "a@x.org"} for _ in range(200)))
        [outcome] = await world.outcomes(
            [{"LastName": "B", "Email": "a@x.org"}],
            operation=UPDATE,
            match_key=("Email",),
            several_matches=SeveralMatches.ALL,
        )
        assert isinstance(outcome, Delivered)
        assert column(world, "LastName") == ["B"] * 2200


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
