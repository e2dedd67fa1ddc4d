"""Signing in, describing, and the limits of an org."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from formlane.destinations.lookups import Lookup
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Reason, Scope
from formlane.domain.types import FieldType
from formlane.errors import InvalidInput
from tests.contract.destinations.salesforce_world import salesforce_world

ADA = {"LastName": "Lovelace"}


@pytest.mark.parametrize("auth", ["jwt", "client_credentials", "consent"])
async def test_each_way_of_signing_in_passes_every_step(auth: str) -> None:
    async with salesforce_world(auth=auth) as world:
        report = await world.connector.check()
        assert [(step.name, step.passed) for step in report.steps] == [
            ("sign in", True),
            ("API version", True),
            ("daily requests", True),
            ("objects", True),
        ]
        assert world.rows() == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("not_approved", Reason.CREDENTIALS),
        ("authentication_failure", Reason.CREDENTIALS),
        ("not_admin_approved", Reason.PERMISSION),
        ("no_run_as_user", Reason.CREDENTIALS),
        ("inactive_user", Reason.CREDENTIALS),
    ],
)
async def test_a_refused_sign_in_blocks_the_connection(fault: str, reason: Reason) -> None:
    async with salesforce_world() as world:
        world.arm(fault, times=None)
        report = await world.connector.check()
        assert [(step.name, step.passed) for step in report.steps] == [("sign in", False)]
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Blocked)
        assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, reason)
        assert world.rows() == []


@pytest.mark.parametrize("fault", ["refresh_race", "login_rate", "token_server_error"])
async def test_a_token_that_comes_later_defers(fault: str) -> None:
    async with salesforce_world(auth="consent") as world:
        world.arm(fault)
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Deferred)
        assert outcome.scope is Scope.CONNECTION
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Delivered)


async def test_check_stops_where_something_fails() -> None:
    async with salesforce_world(api_version="199.0") as world:
        report = await world.connector.check()
        assert not report.passed
        assert report.steps[-1].name == "API version"
        assert "newest is 68.0" in report.steps[-1].message
    async with salesforce_world() as world:
        world.break_answers("status", status=200, path="/services/data/*", body="<html>")
        assert "like Salesforce" in (await world.connector.check()).steps[-1].message
        world.break_answers("status", status=503, path="/services/data/*")
        assert (await world.connector.check()).steps[-1].name == "API version"
        world.break_answers("status", status=200, path="*/limits", body="{}")
        assert "not told" in (await world.connector.check()).steps[2].message
        world.break_answers("status", status=200, path="*/limits", body="[")
        assert "not told" in (await world.connector.check()).steps[2].message
        world.arm("api_disabled_for_org", path="*/limits")
        step = (await world.connector.check()).steps[-1]
        assert (step.name, step.passed) == ("daily requests", False)
        assert "Salesforce says" in step.message
        world.arm("server_unavailable", path="*/sobjects")
        assert (await world.connector.check()).steps[-1].name == "objects"
    async with salesforce_world() as world:
        world.break_answers("status", status=200, path="*/sobjects", body='{"sobjects":[]}')
        step = (await world.connector.check()).steps[-1]
        assert (step.name, step.passed) == ("objects", False)


async def test_objects_and_what_can_be_done_with_them() -> None:
    async with salesforce_world(allow_delete=True) as world:
        objects = {one.name: one for one in await world.connector.objects()}
        assert {"Account", "Contact", "Lead", "Case", "Opportunity", "Submission__c"} == set(objects)
        every = (Operation.INSERT, Operation.UPDATE, Operation.UPSERT, Operation.DELETE)
        assert objects["Contact"].operations == every
        again = await world.connector.objects()
        assert [one.name for one in again] == list(objects)
    async with salesforce_world() as world:
        offered = await world.connector.objects()
        assert all(Operation.DELETE not in one.operations for one in offered)


async def test_only_what_can_be_written_is_offered() -> None:
    async with salesforce_world() as world:
        objects = [
            {"name": "A", "createable": True},
            {"name": "B", "createable": False},
            {"name": "C", "createable": True, "customSetting": True},
            {"name": "D", "createable": True, "deprecatedAndHidden": True},
        ]
        body = msgspec.json.encode({"sobjects": objects}).decode()
        world.break_answers("status", status=200, path="*/sobjects", body=body)
        [only] = await world.connector.objects()
        assert (only.name, only.label, only.operations) == ("A", "A", (Operation.INSERT,))


async def test_fields_in_canonical_types() -> None:
    async with salesforce_world() as world:
        fields = {one.name: one for one in await world.connector.fields("Contact")}
        last, key, interests = fields["LastName"], fields["Ext__c"], fields["Interests__c"]
        assert (last.type, last.required, last.max_length) == (FieldType.STRING, True, 80)
        assert (key.unique, key.matches, key.tracks) == (True, True, True)
        assert (interests.type, interests.choices) == (
            FieldType.MULTI_ENUM,
            ("Sales", "Service", "Marketing"),
        )
        assert (fields["Score__c"].digits, fields["Score__c"].decimals) == (5, 2)
        assert fields["AccountId"].reference_to == "Account"
        assert fields["Jurisdiction__c"].open_choices is False
        assert "MailingAddress" not in fields
        assert "Name" not in fields
        assert (fields["Id"].matches, fields["Id"].createable) == (True, False)


async def test_a_description_is_loaded_again_only_if_it_has_changed() -> None:
    async with salesforce_world() as world:
        before = await world.connector.fields("Contact")
        again = await world.connector.fields("Contact")
        assert again is before, "not modified"
        world.change("drop_field", name="Title")
        changed = await world.connector.fields("Contact")
        assert {one.name for one in before} - {one.name for one in changed} == {"Title"}


async def test_what_cannot_be_described_is_told_in_plain_words() -> None:
    async with salesforce_world() as world:
        with pytest.raises(InvalidInput, match="does not offer Nothing__c"):
            await world.connector.fields("Nothing__c")
        world.arm("server_unavailable", times=None)
        with pytest.raises(InvalidInput, match="cannot be described"):
            await world.connector.fields("Contact")
        with pytest.raises(InvalidInput, match="cannot be listed"):
            await world.connector.objects()
        world.simulator.faults.clear()
        world.break_answers("status", status=200, path="*/describe", body="{")
        with pytest.raises(InvalidInput, match="incomplete or malformed"):
            await world.connector.fields("Contact")


async def test_an_expired_session_is_renewed_within_the_call() -> None:
    async with salesforce_world() as world:
        await world.outcomes([ADA])
        world.simulator.expire_sessions()
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Delivered)
        assert len(world.rows()) == 2


async def test_a_session_that_is_refused_twice_is_a_matter_of_credentials() -> None:
    async with salesforce_world() as world:
        world.arm("session_not_for_rest", times=None)
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Blocked)
        assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.CREDENTIALS)


async def test_revoked_access_blocks() -> None:
    async with salesforce_world(auth="consent") as world:
        await world.outcomes([ADA])
        world.simulator.revoke_all()
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Blocked)
        assert outcome.reason is Reason.CREDENTIALS


async def test_the_api_is_called_where_the_token_says() -> None:
    async with salesforce_world() as world:
        await world.outcomes([ADA])
        world.simulator.move_instance()
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Delivered)


@pytest.mark.parametrize("host", ["http://192.0.2.1", "https://127.0.0.2", "https://[::1", "ftp://x.org"])
async def test_a_host_that_may_not_be_called_is_not_called(host: str) -> None:
    async with salesforce_world() as world:
        body = f'{{"access_token":"t","instance_url":"{host}","token_type":"Bearer"}}'
        world.break_answers("status", status=200, path="*/token", body=body, times=None)
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Blocked)
        assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.ADDRESS_NOT_ALLOWED)
        assert not (await world.connector.check()).passed


async def test_the_set_share_of_the_day_is_not_exceeded() -> None:
    async with salesforce_world(org={"daily_requests": 10}, quota_percent=50) as world:
        for _ in range(4):
            [outcome] = await world.outcomes([ADA])
        written = len(world.rows())
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Deferred)
        assert (outcome.scope, outcome.reason) == (Scope.CONNECTION, Reason.QUOTA_EXHAUSTED)
        assert outcome.retry_after is not None
        assert outcome.retry_after > dt.timedelta(minutes=14)
        assert len(world.rows()) == written
        world.clock.ahead += dt.timedelta(minutes=15)
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Deferred), "still used up"
        world.simulator.configure(msgspec.json.encode({"daily_requests": 1000}))
        world.clock.ahead += dt.timedelta(minutes=15)
        [outcome] = await world.outcomes([ADA])
        assert isinstance(outcome, Delivered)


async def test_ids_are_looked_up_by_a_field() -> None:
    async with salesforce_world() as world:
        await world.outcomes(
            [{"Name": name, "Website": f"https://{name}.org"} for name in "ab"], object="Account"
        )
        await world.outcomes([{"Name": "A"}], object="Account")
        answer = await world.connector.look_up(
            Lookup(object="Account", field="Name", values=["a", "B", "c'\\\n", ""])
        )
        ids = [str(row["Id"]) for row in world.rows("Account") if row["Name"] in {"a", "A"}]
        assert answer.trouble is None
        assert list(answer.found) == ["a", "B"]
        assert list(answer.found["a"]) == ids
        assert len(answer.found["B"]) == 1


async def test_a_lookup_that_is_refused_finds_nothing_and_says_so() -> None:
    async with salesforce_world() as world:
        connector = world.connector

        async def reason(name: str, field: str) -> Reason:
            answer = await connector.look_up(Lookup(object=name, field=field, values=["a"]))
            assert answer.found == {}
            assert answer.trouble is not None
            return answer.trouble.reason

        assert await reason("Nothing__c", "Name") is Reason.OBJECT_GONE
        assert await reason("Account", "Nothing__c") is Reason.DRIFT
        assert await reason("Contact", "Description") is Reason.DRIFT
        world.arm("query_timeout")
        assert await reason("Account", "Name") is Reason.UNAVAILABLE
        world.arm("request_error", detail={"status": 400, "code": "MALFORMED_QUERY", "message": "no"})
        assert await reason("Account", "Name") is Reason.CONFIGURATION
        world.break_answers("status", status=200, path="*/query*", body="{")
        assert await reason("Account", "Name") is Reason.UNAVAILABLE
        world.change("drop_object", "Account")
        world.clock.ahead += dt.timedelta(hours=1)
        assert await reason("Account", "Name") is Reason.OBJECT_GONE
