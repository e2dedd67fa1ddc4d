"""Every shape of value: what is taken, and with which words the rest is refused."""

from __future__ import annotations

import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Faults
from formlane_sandbox.jira.adf import text_document
from formlane_sandbox.jira.language import RefusedError
from formlane_sandbox.jira.settings import Deployment, usual
from formlane_sandbox.jira.site import Site
from formlane_sandbox.jira.values import Target, check

MIA, LENA, OTTO = "5b10a2844c20165700ede21g", "5b109f2e9729b51b54dc274d", "5b10a0effa615349cb016cd8"
LONG = "x" * 32_768
NO_TEXT = "Operation value must be a string"
NO_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
NO_USER = "Specified user does not exist or you do not have required permissions"
TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."


def target(*, cloud: bool = True, documents: bool = True) -> Target:
    settings = usual(Deployment.CLOUD if cloud else Deployment.DATA_CENTER)
    site = Site(settings, clock=Clock(), faults=Faults())
    project = site.schema.projects["10000"]
    return Target(site=site, project=project, type=project.types["10001"], documents=documents)


def field(number: int) -> str:
    return f"customfield_{number}"


TAKEN: list[tuple[str, object]] = [
    ("summary", "x" * 255),
    ("description", text_document("x" * 32_767)),
    ("environment", text_document("a")),
    ("duedate", "2026-02-28"),
    ("labels", ["a", "b"]),
    ("labels", []),
    ("priority", {"id": "3"}),
    ("priority", {"name": "High"}),
    ("components", [{"id": "1000010"}, {"name": "Billing"}]),
    ("versions", [{"name": "1.0"}]),
    ("fixVersions", [{"id": "1000021"}]),
    ("assignee", {"accountId": MIA}),
    ("reporter", {"id": MIA}),
    ("assignee", None),
    ("security", {"id": "10000"}),
    ("timetracking", {"originalEstimate": "1d 4h"}),
    (field(10020), 42),
    (field(10030), "3a1c9b1e-team"),
    (field(10200), {"id": "1020010"}),
    (field(10200), {"value": "Finance"}),
    (field(10201), [{"value": "Phone"}, {"id": "1020112"}]),
    (field(10202), {"value": "Europe", "child": {"value": "Berlin"}}),
    (field(10202), {"id": "1020220"}),
    (field(10203), "x" * 255),
    (field(10204), text_document("a")),
    (field(10205), "https://example.com/a?b=c"),
    (field(10206), 12.5),
    (field(10206), -3),
    (field(10207), "2026-01-31"),
    (field(10208), "2026-01-31T14:05:00.000+0000"),
    (field(10208), "2026-01-31T14:05:00.000+01:00"),
    (field(10209), {"value": "Low"}),
    (field(10210), [{"value": "Terms"}]),
    (field(10211), ["tag"]),
    (field(10212), {"accountId": LENA}),
    (field(10213), [{"accountId": MIA}, {"accountId": LENA}]),
    (field(10214), {"name": "support-team"}),
    (field(10214), {"groupId": "952d12c3-5b5b-4d04-bb32-44d383afc4b2"}),
    (field(10215), {"key": "WEB"}),
    (field(10216), {"name": "2.0"}),
    (field(10219), [{"name": "support-team"}]),
    (field(10220), [{"id": "1000020"}]),
]
REFUSED: list[tuple[str, object, str]] = [
    ("summary", "x" * 256, "Summary must be less than 255 characters."),
    ("summary", "a\nb", "The summary is invalid because it contains newline characters."),
    ("summary", "  ", "You must specify a summary of the issue."),
    ("summary", 5, NO_TEXT),
    ("description", "plain", NO_DOCUMENT),
    ("description", text_document(LONG), TOO_LONG),
    ("duedate", "31.01.2026", "Error parsing date string: 31.01.2026"),
    ("duedate", "2026-02-30", "Error parsing date string: 2026-02-30"),
    ("duedate", 5, NO_TEXT),
    ("labels", ["x y"], "The label 'x y' contains spaces which is invalid."),
    ("labels", ["x" * 256], f"The label '{'x' * 256}' exceeds the maximum length of 255 characters."),
    ("labels", "a", "data was not an array"),
    ("labels", [5], NO_TEXT),
    ("priority", "High", "Specify the Priority (id or name) in the string format"),
    ("priority", {"id": "99"}, "The priority selected is invalid."),
    ("components", [{"name": "X"}], "Component name 'X' is not valid"),
    ("components", [{"id": "9"}], "Component id '9' is not valid"),
    ("components", ["X"], "Specify a valid 'id' or 'name' for Components"),
    ("versions", [{"name": "X"}], "Version name 'X' is not valid"),
    ("assignee", {"accountId": "nobody"}, NO_USER),
    ("assignee", {"accountId": OTTO}, NO_USER),
    ("assignee", {"name": "mia"}, NO_USER),
    ("assignee", {"accountId": LENA}, "User 'Lena Novak' cannot be assigned issues."),
    ("security", {"id": "9"}, "Specify a valid 'id' or 'name' for Security Level"),
    ("timetracking", {"originalEstimate": "soon"}, "Original estimate is invalid."),
    ("timetracking", "1d", "Original estimate is invalid."),
    ("parent", {"key": "HELP-1"}, "Could not find issue by id or key."),
    (
        "status",
        {"id": "10002"},
        "Field 'status' cannot be set. It is not on the appropriate screen, or unknown.",
    ),
    (field(10020), [42], "Number value expected as the Sprint id."),
    (field(10020), 7, "Sprint with id '7' does not exist"),
    (field(10200), {"value": "X"}, "Option value 'X' is not valid"),
    (field(10200), {"id": "9"}, "Option id '9' is not valid"),
    (field(10200), "Sales", "Specify a valid 'id' or 'name' for Department"),
    (field(10200), {}, "Specify a valid 'id' or 'name' for Department"),
    (field(10201), {"value": "Phone"}, "data was not an array"),
    (field(10202), {"value": "Europe", "child": {"value": "Austin"}}, "Option value 'Austin' is not valid"),
    (field(10203), text_document("a"), NO_TEXT),
    (
        field(10203),
        "x" * 256,
        "The entered text is too long. It exceeds the allowed limit of 255 characters.",
    ),
    (field(10204), "plain", NO_DOCUMENT),
    (field(10205), "not a url", "The URL 'not a url' is not valid"),
    (field(10205), "http://[", "The URL 'http://[' is not valid"),
    (field(10206), "12.5", "Operation value must be a number"),
    (field(10206), True, "Operation value must be a number"),
    (field(10208), "2026-01-31T14:05:00", "Error parsing time string: 2026-01-31T14:05:00"),
    (field(10208), "2026-02-31T14:05:00.000+0000", "Error parsing time string: 2026-02-31T14:05:00.000+0000"),
    (field(10214), {"name": "X"}, "Could not find group with name 'X'"),
    (field(10215), {"key": "X"}, "valid project is required"),
    (field(10215), "WEB", "Specify a valid project ID or key"),
    (
        field(10217),
        "x",
        "Field 'customfield_10217' cannot be set. It is not on the appropriate screen, or unknown.",
    ),
]


def ids(cases: list[tuple[str, object]] | list[tuple[str, object, str]]) -> list[str]:
    return [f"{number}-{case[0]}" for number, case in enumerate(cases)]


@pytest.mark.parametrize(("name", "value"), TAKEN, ids=ids(TAKEN))
def test_taken(name: str, value: object) -> None:
    place = target()
    stored = check(place, place.site.schema.fields[name], value)

    assert (stored is None) == (value is None)


@pytest.mark.parametrize(("name", "value", "words"), REFUSED, ids=ids(REFUSED))
def test_refused(name: str, value: object, words: str) -> None:
    place = target()
    with pytest.raises(RefusedError) as met:
        check(place, place.site.schema.fields[name], value)

    assert met.value.text("en") == words


@pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data center"])
def test_version_2_takes_strings_for_rich_text(cloud: bool) -> None:
    place = target(cloud=cloud, documents=False)
    description = place.site.schema.fields["description"]

    assert check(place, description, "plain") == "plain"
    for value, words in ((text_document("a"), NO_TEXT), (LONG, TOO_LONG)):
        with pytest.raises(RefusedError) as met:
            check(place, description, value)
        assert met.value.text("en") == words


def test_data_center_names_users_by_name() -> None:
    place = target(cloud=False, documents=False)
    assignee = place.site.schema.fields["assignee"]

    assert check(place, assignee, {"name": "mia"}) is place.site.people.by_name["mia"]
    for value, words in (
        ({"name": "nobody"}, "User 'nobody' does not exist."),
        ({"accountId": MIA}, "User 'None' does not exist."),
        ({"name": "lena"}, "User 'lena' cannot be assigned issues."),
    ):
        with pytest.raises(RefusedError) as met:
            check(place, assignee, value)
        assert met.value.text("en") == words


def test_every_seeded_field_that_can_be_written_is_tried() -> None:
    schema = target().site.schema
    written = {
        name
        for project in schema.projects.values()
        for kind in project.types.values()
        for name in kind.create
    }

    assert written - {name for name, _ in TAKEN} == {
        "project",
        "issuetype",
        "parent",
        field(10218),
        field(10300),
    }
