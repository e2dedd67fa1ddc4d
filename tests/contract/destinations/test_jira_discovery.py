"""What a site offers, who we are there, and lookups."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from formlane.destinations.base import FieldInfo
from formlane.destinations.lookups import Lookup
from formlane.destinations.tokens import Obtain, Token
from formlane.domain.flows import Operation
from formlane.domain.outcomes import Blocked, Deferred, Delivered, Reason, Uncertain
from formlane.domain.types import FieldType, Json
from formlane.errors import InvalidInput
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.drift import AddProject, SetProject
from formlane_sandbox.jira.settings import CLOUD_ID, EMAIL, SCOPED_TOKEN, Limits
from tests.contract.destinations.jira_world import OAUTH, OAUTH_SECRETS, TASK, JiraWorld, jira_world
from tests.contract.destinations.test_jira_writing import ids, insert, task

BOTH = pytest.mark.parametrize("data_center", [False, True], ids=["cloud", "data center"])


class InDoubt:
    """A keeper whose requests get lost."""

    async def get(self, obtain: Obtain, *, refused: Token | None = None) -> Uncertain:
        return Uncertain(reason=Reason.ANSWER_LOST, message="lost")


async def described(world: JiraWorld, name: str = TASK) -> Mapping[str, FieldInfo]:
    return {field.name: field for field in await world.connector.fields(name)}


@BOTH
async def test_objects_are_the_issue_types_of_projects(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        objects = {one.name: one for one in await world.connector.objects()}

    assert objects[TASK].label == "Help desk (HELP): Task"
    assert objects[TASK].operations == (Operation.INSERT, Operation.UPDATE, Operation.UPSERT)
    assert objects["WEB/10003"].label == "Web site requests (WEB): Sub-task"
    assert (objects["user"].operations, len(objects)) == ((), 11)


async def test_projects_come_in_pages_and_without_the_right_to_create_not_at_all() -> None:
    async with jira_world(limits=Limits(burst=None)) as world:
        for number in range(120):
            world.simulator.alter(AddProject(key=f"P{number}", name=f"Project {number}"))
        world.simulator.alter(SetProject(project="P7", creatable=False))
        projects = {one.name.partition("/")[0] for one in await world.connector.objects()}

    assert len(projects) == 122
    assert {"P0", "P119", "HELP", "user"} <= projects
    assert "P7" not in projects


@BOTH
async def test_fields_say_what_they_take(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        fields, request = await described(world), await described(world, "HELP/10004")

    summary, labels, amount = fields["summary"], fields["labels"], fields["customfield_10206"]
    assert (summary.required, summary.max_length, summary.type) == (True, 255, FieldType.STRING)
    assert (labels.tracks, labels.matches, labels.open_choices) == (True, True, True)
    assert (amount.type, amount.digits, amount.matches) == (FieldType.DECIMAL, 15, True)
    assert (fields["description"].type, fields["description"].max_length) == (FieldType.TEXT, 32_767)
    assert fields["priority"].choices == ("Highest", "High", "Medium", "Low", "Lowest")
    assert fields["customfield_10202"].choices[:2] == ("Europe", "Europe -> Berlin")
    assert fields["assignee"].reference_to == "user"
    assert not fields["reporter"].required
    assert (fields["key"].matches, fields["key"].createable, fields["key"].updateable) == (True, False, False)
    assert not {"project", "issuetype", "status", "attachment", "customfield_10217"} & set(fields)
    assert (fields["customfield_10200"].required, request["customfield_10200"].required) == (False, True)


async def test_users_have_one_field() -> None:
    async with jira_world() as world:
        (field,) = await world.connector.fields("user")

    assert (field.name, field.matches, field.createable) == ("email", True, False)


async def test_what_cannot_be_listed_is_said_in_words() -> None:
    async with jira_world() as world:
        with pytest.raises(InvalidInput, match="fields of NONE/1 cannot be listed: HTTP 404"):
            await world.connector.fields("NONE/1")
        for name in ("EX", "../1", "EX/1?x", "EX/1/2"):
            with pytest.raises(InvalidInput, match="Jira knows no such project"):
                await world.connector.fields(name)
        world.arm("revoked", times=None)
        with pytest.raises(InvalidInput, match="does not know the credentials"):
            await world.connector.objects()
        with pytest.raises(InvalidInput):
            await world.connector.fields(TASK)


@BOTH
async def test_a_broken_list_of_types(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        path = "*/issuetypes" if data_center else "*/project/search"
        for status, body in ((500, ""), (200, "<")):
            world.simulator.faults.arm(Fault(kind=Kind.STATUS, status=status, body=body, times=1, path=path))
            with pytest.raises(InvalidInput, match="cannot be listed"):
                await world.connector.objects()
        world.simulator.faults.arm(Fault(kind=Kind.STATUS, status=500, times=1, path="*/project*"))
        with pytest.raises(InvalidInput):
            await world.connector.objects()


async def test_a_project_without_create_screens_offers_nothing() -> None:
    async with jira_world(data_center=True) as world:
        world.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=403, body="{}", path="*/createmeta/WEB/issuetypes")
        )
        objects = [one.name for one in await world.connector.objects()]

    assert len(objects) == 6
    assert not [name for name in objects if name.startswith("WEB")]


async def test_an_unknown_project_may_be_answered_with_400() -> None:
    async with jira_world() as world:
        world.simulator.faults.arm(Fault(kind=Kind.STATUS, status=400, body="{}", path="*/createmeta/*"))
        (outcome,) = (await insert(world, task())).outcomes

    assert isinstance(outcome, Blocked)
    assert outcome.reason is Reason.OBJECT_GONE


async def test_lists_without_an_end_come_to_one() -> None:
    endless = {
        "*/project/search": '{"values":[{"id":"1","key":"A","name":"A","issueTypes":[]}],"isLast":false}',
        "*/createmeta/*": '{"total":1000000,"fields":[{"fieldId":"a","name":"A","schema":{}}]}',
    }
    async with jira_world() as world:
        for path, body in endless.items():
            world.simulator.faults.arm(Fault(kind=Kind.STATUS, status=200, body=body, path=path))
        assert [one.name for one in await world.connector.objects()] == ["user"]
        assert list(await described(world)) == ["a", "key"]


async def test_large_screens_come_in_pages() -> None:
    async with jira_world() as world:
        page = '{"startAt":0,"maxResults":1,"total":2,"fields":[{"fieldId":"%s","name":"N","schema":%s}]}'
        one = page % ("a", '{"type":"any","custom":"com.example:app"}')
        two = page % ("b", '{"type":"array","items":"string","system":"x"},"allowedValues":["a"]')
        for body in (one, two):
            world.simulator.faults.arm(
                Fault(kind=Kind.STATUS, status=200, body=body, times=1, path="*/createmeta/*")
            )
        fields = await described(world)

    assert list(fields) == ["a", "b", "key"]
    assert (fields["a"].type, fields["b"].type) == (FieldType.JSON, FieldType.MULTI_ENUM)


LOGINS: Mapping[str, tuple[bool, dict[str, Json], dict[str, str] | None]] = {
    "api token": (False, {}, None),
    "scoped token": (False, {"cloud_id": CLOUD_ID}, {"token": SCOPED_TOKEN}),
    "oauth": (False, dict(OAUTH), dict(OAUTH_SECRETS)),
    "personal token": (True, {}, None),
    "password": (True, {"auth": "password", "user": "mia"}, {"token": "mia-password"}),
}


@pytest.mark.parametrize("name", LOGINS)
async def test_every_way_in_passes_the_check(name: str) -> None:
    data_center, settings, secrets = LOGINS[name]
    async with jira_world(data_center=data_center, settings=settings, secrets=secrets) as world:
        report = await world.connector.check()
        result = await insert(world, task())
        count = len(world.issues())

    assert [(step.name, step.passed) for step in report.steps] == [
        ("credentials", True),
        ("site", True),
        ("projects", True),
    ]
    assert report.steps[0].message == "Jira knows us as Mia Krystof."
    assert (ids(result), count) == (["HELP-1"], 1)


async def test_below_a_context_path() -> None:
    async with jira_world(data_center=True, context="/jira") as world:
        report = await world.connector.check()

    assert report.passed


@pytest.mark.parametrize(
    ("secrets", "settings", "site", "message"),
    [
        ({"token": "wrong"}, {}, {}, "Jira does not know the credentials"),
        ({"token": SCOPED_TOKEN}, {}, {}, "Jira does not know the credentials"),
        (None, {}, {"captcha": True}, "Jira asks this user for a CAPTCHA"),
        (
            dict(OAUTH_SECRETS) | {"refresh_token": "old"},
            dict(OAUTH),
            {},
            "The destination gave no access token",
        ),
        ({"client_secret": "x"}, dict(OAUTH), {}, "Nobody has allowed the access yet"),
    ],
    ids=["wrong", "scoped on the site", "captcha", "revoked", "no consent"],
)
async def test_a_check_tells_what_is_wrong_with_the_credentials(
    secrets: dict[str, str] | None, settings: dict[str, Json], site: dict[str, bool], message: str
) -> None:
    async with jira_world(secrets=secrets, settings=settings, captcha="captcha" in site) as world:
        report = await world.connector.check()

    assert [step.passed for step in report.steps] == [False]
    assert message in report.steps[0].message


@pytest.mark.parametrize(
    ("path", "status", "body", "step", "message"),
    [
        ("*/myself", 404, "no", "credentials", "this is not the address of Jira"),
        ("*/myself", 200, '{"active":false}', "credentials", "This user is not active"),
        ("*/myself", 200, "<", "credentials", "Jira's answer cannot be read"),
        ("*/serverInfo", 418, "no", "site", "HTTP 418: this is not the address of Jira"),
        ("*/serverInfo", 200, '{"deploymentType":"Server"}', "site", "of the kind data_center"),
        ("*/project/search", 200, '{"values":[]}', "projects", "There is no project"),
        ("*/project/search", 503, "", "projects", "Jira is not available. It is tried again"),
    ],
    ids=["no Jira", "inactive", "unreadable", "odd", "deployment", "nothing", "down"],
)
async def test_a_check_ends_at_the_first_fault(
    path: str, status: int, body: str, step: str, message: str
) -> None:
    async with jira_world() as world:
        world.simulator.faults.arm(Fault(kind=Kind.STATUS, status=status, body=body, path=path))
        report = await world.connector.check()

    assert (report.steps[-1].name, report.passed) == (step, False)
    assert message in report.steps[-1].message


async def test_an_expired_token_is_renewed_within_the_call() -> None:
    async with jira_world(settings=OAUTH, secrets=OAUTH_SECRETS) as world:
        await insert(world, task())
        world.arm("token_expiry", path="*/issue/bulk")
        world.arm("token_expiry", path="*/search/jql")
        result = await insert(world, task())
        found = await world.connector.find(world.call([task()]))

        assert world.simulator.stats()["refreshes"] == 3
        assert len(world.issues()) == 2
    assert (ids(result), ids(found)) == (["HELP-2"], ["HELP-1"])


async def test_a_revoked_account_blocks_the_connection() -> None:
    async with jira_world(settings=OAUTH, secrets=OAUTH_SECRETS) as world:
        await insert(world, task())
        world.arm("revoked", path="*/issue/bulk", times=None)
        (refused,) = (await insert(world, task())).outcomes
        world.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=403, body='{"error":"invalid_grant"}', path="/oauth/token")
        )
        (gone,) = (await insert(world, task())).outcomes

    for outcome in (refused, gone):
        assert isinstance(outcome, Blocked)
        assert outcome.reason is Reason.CREDENTIALS


async def test_a_lacking_scope_is_no_reason_to_renew() -> None:
    async with jira_world(settings=OAUTH, secrets=OAUTH_SECRETS) as world:
        await insert(world, task())
        world.arm("scope", path="*/issue/bulk")
        (outcome,) = (await insert(world, task())).outcomes

        assert world.simulator.stats()["refreshes"] == 1
    assert isinstance(outcome, Blocked)
    assert (outcome.reason, outcome.vendor_code) == (Reason.PERMISSION, "401 scope")


RESOURCES: Mapping[str, tuple[int, str, type[object], Reason]] = {
    "other sites": (200, '[{"id":"1","url":"https://other.example"}]', Blocked, Reason.PERMISSION),
    "odd id": (200, '[{"id":"../x","url":"{site}"}]', Blocked, Reason.PERMISSION),
    "down": (502, "<html>", Deferred, Reason.UNAVAILABLE),
}


@pytest.mark.parametrize("name", RESOURCES)
async def test_the_sites_of_a_token(name: str) -> None:
    status, body, kind, reason = RESOURCES[name]
    async with jira_world(settings=OAUTH, secrets=OAUTH_SECRETS) as world:
        world.simulator.faults.arm(
            Fault(
                kind=Kind.STATUS,
                status=status,
                body=body.replace("{site}", world.simulator.url),
                times=1,
                path="*/accessible-resources",
            )
        )
        (outcome,) = (await insert(world, task())).outcomes
        after = await insert(world, task())

    assert isinstance(outcome, kind)
    assert getattr(outcome, "reason", None) is reason
    assert ids(after) == ["HELP-1"]


@pytest.mark.parametrize("times", [1, 2], ids=["once", "always"])
async def test_a_token_that_is_refused_for_sites_is_renewed_once(times: int) -> None:
    async with jira_world(settings=OAUTH, secrets=OAUTH_SECRETS) as world:
        world.simulator.faults.arm(
            Fault(kind=Kind.STATUS, status=401, times=times, path="*/accessible-resources")
        )
        (outcome,) = (await insert(world, task())).outcomes

    assert isinstance(outcome, Delivered if times == 1 else Blocked)


async def test_a_token_request_in_doubt_has_written_nothing() -> None:
    async with jira_world(settings=OAUTH, secrets=OAUTH_SECRETS, tokens_kept=InDoubt()) as world:
        (outcome,) = (await insert(world, task())).outcomes

    assert isinstance(outcome, Deferred)
    assert outcome.reason is Reason.NETWORK


async def test_the_question_for_sites_may_get_lost() -> None:
    async with jira_world(settings=OAUTH, secrets=OAUTH_SECRETS) as world:
        world.simulator.faults.arm(Fault(kind=Kind.RESET, times=1, path="*/accessible-resources"))
        (outcome,) = (await insert(world, task())).outcomes

    assert isinstance(outcome, Deferred)
    assert outcome.reason is Reason.UNAVAILABLE


@BOTH
async def test_issues_are_looked_up_by_what_matches(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        for label in ("a", "b", "a"):
            await insert(world, task(labels=[label], customfield_10206=5), tracking_field=None)
        look_up = world.connector.look_up
        labels = await look_up(Lookup(object=TASK, field="labels", values=["a", "b", "c", "a", ""]))
        numbers = await look_up(
            Lookup(object=TASK, field="customfield_10206", values=["5", "5.0", "five", "nan"])
        )
        keys = await look_up(Lookup(object=TASK, field="key", values=["HELP-2", "HELP-9", "?", ""]))
        nothing = await look_up(Lookup(object=TASK, field="labels", values=[""]))

    assert labels.found == {"a": ["HELP-1", "HELP-3"], "b": ["HELP-2"]}
    assert numbers.found == {"5": ["HELP-1", "HELP-2", "HELP-3"], "5.0": ["HELP-1", "HELP-2", "HELP-3"]}
    assert keys.found == {"HELP-2": ["HELP-2"]}
    assert (nothing.found, nothing.trouble) == ({}, None)


@BOTH
async def test_users_are_looked_up_by_address_or_name(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        world.simulator.site.people.by_name["jonas"].email_hidden = not data_center
        answer = await world.connector.look_up(
            Lookup(
                object="user", field="email", values=[EMAIL, "Jonas Weber", "otto@example.com", "nobody", ""]
            )
        )

    mia, jonas = ("mia", "jonas") if data_center else ("5b10a2844c20165700ede21g", "5b10ac8d82e05b22cc7d4ef5")
    assert answer.found == {EMAIL: [mia], "Jonas Weber": [jonas]}


async def test_trouble_of_a_lookup_is_told() -> None:
    async with jira_world(limits=Limits(search_page=1)) as world:
        await insert(world, *(task(labels=["a"]) for _ in range(30)), tracking_field=None)
        look_up = world.connector.look_up
        answers = [
            await look_up(Lookup(object=TASK, field="labels", values=["a"])),
            await look_up(Lookup(object=TASK, field="nothing", values=["a"])),
            await look_up(Lookup(object="NONE/1", field="labels", values=["a"])),
        ]
        world.arm("maintenance", times=None)
        answers += [
            await look_up(Lookup(object=TASK, field="key", values=["HELP-1"])),
            await look_up(Lookup(object="user", field="email", values=[EMAIL])),
        ]

    reasons = [answer.trouble and answer.trouble.reason for answer in answers]
    assert reasons == [
        Reason.CONFIGURATION,
        Reason.DRIFT,
        Reason.OBJECT_GONE,
        Reason.UNAVAILABLE,
        Reason.UNAVAILABLE,
    ]
    assert all(answer.found == {} for answer in answers)
