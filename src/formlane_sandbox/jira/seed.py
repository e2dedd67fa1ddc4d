"""The site as it is at the start: two projects of a company that takes requests by form."""

from __future__ import annotations

from formlane_sandbox.jira.people import User
from formlane_sandbox.jira.schema import (
    Field,
    IssueType,
    Named,
    Option,
    Placement,
    Project,
    Schema,
    Status,
    Transition,
)

_NEW, _GOING, _DONE = (2, "new", "To Do"), (4, "indeterminate", "In Progress"), (3, "done", "Done")
_SYSTEM_NAMES = {
    "summary": "Summary",
    "description": "Description",
    "environment": "Environment",
    "project": "Project",
    "issuetype": "Issue Type",
    "priority": "Priority",
    "labels": "Labels",
    "duedate": "Due date",
    "assignee": "Assignee",
    "reporter": "Reporter",
    "components": "Components",
    "versions": "Affects versions",
    "fixVersions": "Fix versions",
    "parent": "Parent",
    "security": "Security Level",
    "timetracking": "Time tracking",
    "resolution": "Resolution",
    "status": "Status",
    "created": "Created",
    "updated": "Updated",
    "creator": "Creator",
    "comment": "Comment",
    "votes": "Votes",
    "watches": "Watchers",
    "worklog": "Log Work",
    "attachment": "Attachment",
    "issuelinks": "Linked Issues",
}
_CUSTOM_FIELDS = (
    ("10020", "Sprint", "gh-sprint"),
    ("10030", "Team", "atlassian-team"),
    ("10200", "Department", "select"),
    ("10201", "Channels", "multiselect"),
    ("10202", "Region", "cascadingselect"),
    ("10203", "Contact e-mail", "textfield"),
    ("10204", "Internal notes", "textarea"),
    ("10205", "Web page", "url"),
    ("10206", "Amount", "float"),
    ("10207", "Wanted by", "datepicker"),
    ("10208", "Call back at", "datetime"),
    ("10209", "Impact", "radiobuttons"),
    ("10210", "Consents", "multicheckboxes"),
    ("10211", "Tags", "labels"),
    ("10212", "Approver", "userpicker"),
    ("10213", "Observers", "multiuserpicker"),
    ("10214", "Owning group", "grouppicker"),
    ("10215", "Related project", "project"),
    ("10216", "Found in", "version"),
    ("10217", "Import trace", "readonlyfield"),
    ("10218", "Submission id", "textfield"),
    ("10219", "Informed groups", "multigrouppicker"),
    ("10220", "Shipped in", "multiversion"),
)
_OPTIONS = {
    "10200": ("Sales", "Support", "Finance", "Platform"),
    "10201": ("E-mail", "Phone", "Chat"),
    "10209": ("Low", "Medium", "High"),
    "10210": ("Newsletter", "Terms", "Privacy"),
}
_SCREEN = (
    "summary", "issuetype", "project", "description", "environment", "priority", "labels", "duedate",
    "assignee", "reporter", "components", "versions", "fixVersions", "security", "timetracking",
    *(f"customfield_{number}" for number, _, kind in _CUSTOM_FIELDS if kind != "readonlyfield"),
)  # fmt: skip
_ALWAYS = ("summary", "issuetype", "project")
_OWN = "customfield_10300"  # of the team-managed project alone
_NOT_EDITED = ("issuetype", "project")


def seed_people() -> list[User]:
    """Mia may do everything; Jonas reads German; Lena cannot be assigned issues; Otto has left."""
    return [
        _user("mia", "Mia Krystof", "5b10a2844c20165700ede21g"),
        _user("jonas", "Jonas Weber", "5b10ac8d82e05b22cc7d4ef5", locale="de_DE", time_zone="Europe/Berlin"),
        _user("lena", "Lena Novak", "5b109f2e9729b51b54dc274d", assignable=False),
        _user("otto", "Otto Gone", "5b10a0effa615349cb016cd8", active=False, assignable=False),
    ]


def seed_schema() -> Schema:
    """Projects HELP (company-managed) and WEB (team-managed), all kinds of fields, one workflow."""
    schema = Schema(
        priorities=[
            Named(str(number + 1), name)
            for number, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"))
        ],
        resolutions=[Named("10000", "Done"), Named("10001", "Won't Do"), Named("10002", "Duplicate")],
        groups=[
            Named("276f955c-63d7-42c8-9520-92d01dca0625", "jira-software-users"),
            Named("952d12c3-5b5b-4d04-bb32-44d383afc4b2", "support-team"),
        ],
        security=[Named("10000", "Staff only")],
        sprints={1, 2, 42},
    )
    _add_fields(schema)
    _add_workflow(schema)
    schema.projects["10000"] = new_project("10000", "HELP", "Help desk", "classic")
    schema.projects["10001"] = new_project("10001", "WEB", "Web site requests", "next-gen")
    schema.fields[_OWN] = Field(id=_OWN, name="Campaign", kind="textfield", scope="10001")
    for kind in schema.projects["10001"].types.values():
        kind.create[_OWN] = Placement()
        kind.edit.add(_OWN)
    return schema


def new_project(identity: str, key: str, name: str, style: str = "classic") -> Project:
    """A project with the usual types and screens."""
    return Project(
        id=identity,
        key=key,
        name=name,
        style=style,
        types={
            "10000": new_type("10000", "Epic", level=1),
            "10001": new_type("10001", "Task"),
            "10002": new_type("10002", "Bug"),
            "10003": new_type("10003", "Sub-task", subtask=True, level=-1),
            "10004": new_type("10004", "Service request"),
        },
        components=[Named(f"{identity}10", "Portal"), Named(f"{identity}11", "Billing")],
        versions=[Named(f"{identity}20", "1.0"), Named(f"{identity}21", "2.0")],
    )


def new_type(identity: str, name: str, *, subtask: bool = False, level: int = 0) -> IssueType:
    """An issue type with the usual screens."""
    create = {field: Placement(required=field in _ALWAYS) for field in _SCREEN}
    create["priority"] = Placement(default=True)
    create["reporter"] = Placement(required=True, default=True)
    create["parent"] = Placement(required=subtask)
    if name == "Service request":
        create["customfield_10200"] = Placement(required=True)
    return IssueType(
        id=identity,
        name=name,
        description=f"A {name.lower()} of this project.",
        subtask=subtask,
        level=level,
        create=create,
        edit={field for field in create if field not in _NOT_EDITED} | {"comment"},
    )


def _user(name: str, display: str, account: str, **more: object) -> User:
    user = User(
        account_id=account,
        name=name,
        email=f"{name}@example.com",
        display=display,
        password=f"{name}-password",
    )
    for field, value in more.items():
        setattr(user, field, value)
    return user


def _add_fields(schema: Schema) -> None:
    for identity, name in _SYSTEM_NAMES.items():
        schema.fields[identity] = Field(id=identity, name=name, kind=identity)
    for number, name, kind in _CUSTOM_FIELDS:
        identity = f"customfield_{number}"
        options = [
            Option(f"{number}{place}", value)
            for place, value in enumerate(_OPTIONS.get(number, ()), start=10)
        ]
        schema.fields[identity] = Field(id=identity, name=name, kind=kind, options=options)
    schema.fields["customfield_10202"].options = [
        Option("1020210", "Europe", children=[Option("1020211", "Berlin"), Option("1020212", "Prague")]),
        Option("1020220", "America", children=[Option("1020221", "Austin")]),
    ]


def _add_workflow(schema: Schema) -> None:
    schema.transitions = [
        Transition("11", "To Do", Status("10000", "To Do", _NEW)),
        Transition("21", "In Progress", Status("10001", "In Progress", _GOING)),
        Transition("31", "Done", Status("10002", "Done", _DONE), ("resolution",)),
    ]
