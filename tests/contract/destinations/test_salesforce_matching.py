"""Which records a call changes or deletes: match keys and their policies."""

from __future__ import annotations

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
from tests.contract.destinations.salesforce_world import (
    column,
    ids_of,
    salesforce_world,
    seeded,
)

INSERT, UPDATE, UPSERT, DELETE = Operation.INSERT, Operation.UPDATE, Operation.UPSERT, Operation.DELETE


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
