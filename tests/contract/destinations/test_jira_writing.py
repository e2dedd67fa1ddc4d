"""Creating, changing and finding issues, against both kinds of site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from formlane.destinations.base import CallResult
from formlane.domain.flows import Operation, SeveralMatches
from formlane.domain.outcomes import (
    Delivered,
    Reason,
    Rejected,
)
from formlane.domain.types import Json
from formlane_sandbox.jira.adf import document_text
from formlane_sandbox.jira.settings import Limits
from tests.contract.destinations.jira_world import JiraWorld, jira_world

BULK = "*/issue/bulk"
BOTH = pytest.mark.parametrize("data_center", [False, True], ids=["cloud", "data center"])


def task(**fields: Json) -> dict[str, Json]:
    return {"summary": "From a form", **fields}


def ids(result: CallResult) -> list[str | None]:
    return [one.remote_id if isinstance(one, Delivered) else None for one in result.outcomes]


def field_values(world: JiraWorld, name: str) -> list[object]:
    values = []
    for issue in world.issues():
        fields = issue["fields"]
        assert isinstance(fields, Mapping)
        values.append(fields[name])
    return values


def requests(world: JiraWorld) -> int:
    counts = world.simulator.stats()["requests"]
    assert isinstance(counts, Mapping)
    return sum(counts.values())


async def upsert(
    world: JiraWorld, *records: Mapping[str, Json], key: str = "labels", **more: object
) -> CallResult:
    world.journal.saved = None
    call = world.call(
        records,
        operation=Operation.UPSERT,
        match_key=(key,),
        tracking_field=None,
        **more,  # type: ignore[arg-type]
    )
    return await world.connector.send(call, world.journal)


async def update(
    world: JiraWorld, *records: Mapping[str, Json], key: str = "key", **more: object
) -> CallResult:
    call = world.call(
        records,
        operation=Operation.UPDATE,
        match_key=(key,),
        tracking_field=None,
        **more,  # type: ignore[arg-type]
    )
    return await world.connector.send(call, world.journal)


async def insert(world: JiraWorld, *records: Mapping[str, Json], **more: object) -> CallResult:
    return await world.connector.send(world.call(records, **more), world.journal)  # type: ignore[arg-type]


@BOTH
async def test_a_full_bulk_is_created_in_order(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        result = await insert(world, *(task(customfield_10206=number) for number in range(50)))
        requests = world.simulator.stats()["statuses"]

        assert ids(result) == [f"HELP-{number + 1}" for number in range(50)]
        assert field_values(world, "customfield_10206") == list(range(50))
        assert requests == {"200": 1, "201": 1}


@BOTH
async def test_errors_belong_to_their_records(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        result = await insert(
            world,
            task(),
            task(labels=["x y"]),
            task(customfield_10200="Nobody's"),
            task(summary="b"),
            task(customfield_10206="0.12345678901234567890"),
            task(description="a\ud800"),
            task(customfield_10208="tomorrow"),
        )

        assert ids(result) == ["HELP-1", None, None, "HELP-2", None, None, None]
        spaces, option, summary, half, moment = (one for one in result.outcomes if isinstance(one, Rejected))
        assert spaces.reason is Reason.INVALID_VALUE
        assert spaces.fields == ("labels",)
        assert spaces.message == (
            "Jira does not accept Labels (labels). Labels hold no spaces. Replace them, then replay."
        )
        assert option.fields == ("customfield_10200",)
        assert summary.reason is Reason.CONVERSION_FAILED
        assert summary.message == (
            "Amount (customfield_10206) is not a number that Jira can hold exactly. Round it, then replay."
        )
        assert (half.reason, moment.reason) == (Reason.NOT_ENCODABLE, Reason.CONVERSION_FAILED)
        assert not result.bisect


async def test_a_bulk_of_which_nothing_is_created_is_no_whole_error() -> None:
    async with jira_world() as world:
        result = await insert(world, task(labels=["x y"]), task(summary=None))

    assert [type(one) for one in result.outcomes] == [Rejected, Rejected]
    assert result.exchange.status == 400
    assert not result.bisect


async def test_nothing_is_sent_when_no_record_can_be_written() -> None:
    async with jira_world() as world:
        result = await insert(
            world, task(customfield_10020="soon"), task(customfield_10208="2026-01-31T10:00")
        )
        assert world.issues() == []

    assert [getattr(one, "message", "") for one in result.outcomes] == [
        "Sprint (customfield_10020) is not a whole number, then replay.",
        "Call back at (customfield_10208) has no time zone, then replay.",
    ]


SHAPES: Mapping[str, tuple[Json, object]] = {
    "description": ("one\ntwo\n\nthree", "one\ntwo\n\nthree"),
    "priority": ("High", {"name": "High"}),
    "labels": (["a", "t0"], ["a", "t0"]),
    "duedate": ("2026-01-31", "2026-01-31"),
    "assignee": ("{mia}", {"displayName": "Mia Krystof"}),
    "components": (["Portal", "Billing"], [{"name": "Portal"}, {"name": "Billing"}]),
    "fixVersions": ("1.0", [{"name": "1.0"}]),
    "security": ("Staff only", {"name": "Staff only"}),
    "timetracking": ("1d", {"originalEstimate": "1d"}),
    "customfield_10020": (42, [{"id": 42}]),
    "customfield_10030": ("team-1", {"id": "team-1"}),
    "customfield_10200": ("Sales", {"value": "Sales"}),
    "customfield_10201": (["Phone"], [{"value": "Phone"}]),
    "customfield_10202": ("Europe -> Berlin", {"value": "Europe", "child": {"value": "Berlin"}}),
    "customfield_10203": ("ada@example.com", "ada@example.com"),
    "customfield_10204": ("note", "note"),
    "customfield_10205": ("https://example.com", "https://example.com"),
    "customfield_10206": (12.5, 12.5),
    "customfield_10208": ("2026-01-31T14:05:00.25Z", "2026-01-31T14:05:00.250+0000"),
    "customfield_10209": ("Low", {"value": "Low"}),
    "customfield_10211": (["x", "y"], ["x", "y"]),
    "customfield_10213": (["{mia}"], [{"displayName": "Mia Krystof"}]),
    "customfield_10214": ("support-team", {"name": "support-team"}),
    "customfield_10215": ("WEB", {"key": "WEB"}),
    "customfield_10216": ("2.0", {"name": "2.0"}),
    "customfield_10219": (["support-team"], [{"name": "support-team"}]),
}
"""Per field: what a mapping gives, and what the site shows."""


def contains(found: object, wanted: object) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(contains(found[name], one) for name, one in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and all(contains(*pair) for pair in zip(found, wanted, strict=True))
    return found == wanted


@BOTH
async def test_every_shape_of_value_arrives(data_center: bool) -> None:
    mia = "mia" if data_center else "5b10a2844c20165700ede21g"

    def named(value: Json) -> Json:
        if isinstance(value, str):
            return value.replace("{mia}", mia)
        return [named(one) for one in value] if isinstance(value, Sequence) else value

    async with jira_world(data_center=data_center) as world:
        result = await insert(world, task(**{name: named(value) for name, (value, _) in SHAPES.items()}))
        assert ids(result) == ["HELP-1"], result.outcomes
        shown = world.issues()[0]["fields"]
    assert isinstance(shown, Mapping)
    for name, (_, expected) in SHAPES.items():
        found = (
            document_text(shown[name])
            if name in ("description", "customfield_10204") and not isinstance(shown[name], str)
            else shown[name]
        )
        assert contains(found, expected), name


async def test_sub_tasks_go_below_their_parent_and_objects_pass_as_they_are() -> None:
    async with jira_world() as world:
        await insert(world, task())
        result = await insert(
            world, task(parent="HELP-1", customfield_10200={"value": "Sales"}), object="HELP/10003"
        )
        (parent,) = {str(one) for one in field_values(world, "parent")[1:]}

    assert ids(result) == ["HELP-2"]
    assert "HELP-1" in parent


@BOTH
async def test_what_was_created_is_found_by_its_tracking_key(data_center: bool) -> None:
    async with jira_world(data_center=data_center) as world:
        await insert(world, task(labels=["mine"]), task())
        found = await world.connector.find(world.call([task(), task(), task()]))
        labels = field_values(world, "labels")

    assert labels == [["mine", "t0"], ["t1"]]
    assert ids(found) == ["HELP-1", "HELP-2", None]
    missing = found.outcomes[2]
    assert isinstance(missing, Rejected)
    assert missing.reason is Reason.NOT_FOUND


async def test_another_labels_field_may_track() -> None:
    async with jira_world() as world:
        call = world.call([task(customfield_10211=["z"])], tracking_field="customfield_10211")
        await world.connector.send(call, world.journal)
        found = await world.connector.find(call)

        assert field_values(world, "customfield_10211") == [["z", "t0"]]
        assert ids(found) == ["HELP-1"]


async def test_copies_of_an_issue_and_strangers_are_not_taken_for_it() -> None:
    async with jira_world() as world:
        await insert(world, task())
        for _ in range(2):
            world.simulator.duplicate("HELP-1")
        twice = await world.connector.find(world.call([task()]))
        by_key = world.simulator.site.issues.by_key
        by_key["HELP-1"].properties.clear()
        copied = await world.connector.find(world.call([task()]))
        for issue in by_key.values():
            issue.properties["formlane.record"] = {"tracking_key": "another"}
        strange = await world.connector.find(world.call([task()]))
        by_key["HELP-3"].properties["formlane.record"] = "odd"
        odd = await world.connector.find(world.call([task()]))

    assert [ids(result) for result in (twice, copied, strange, odd)] == [
        ["HELP-1"],
        ["HELP-2"],
        [None],
        ["HELP-3"],
    ]


async def test_a_search_goes_through_all_pages() -> None:
    async with jira_world(limits=Limits(search_page=20)) as world:
        for start in range(2):
            await insert(world, *(task(labels=[f"b{start}"]) for _ in range(50)), tracking_field=None)
        result = await update(
            world, task(labels=["b1"], summary="x"), key="labels", several_matches=SeveralMatches.ALL
        )

        assert ids(result) == ["HELP-51"]
        assert field_values(world, "summary") == ["From a form"] * 50 + ["x"] * 50
