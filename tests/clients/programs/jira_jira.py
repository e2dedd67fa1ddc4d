"""The `jira` package at a Cloud and a Data Center site: arguments are their addresses, a CA file, log-ins."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable

from jira import JIRA, JIRAError

TASK = {"project": {"key": "HELP"}, "issuetype": {"id": "10001"}}


def main() -> None:
    cloud_url, server_url, authority, logins = sys.argv[1:]
    login = json.loads(logins)
    warnings.simplefilter("error")
    options = {"verify": authority, "check_update": False}
    cloud = JIRA(cloud_url, options=options, basic_auth=(login["email"], login["token"]), max_retries=0)
    server = JIRA(server_url, options=options, token_auth=login["personal"], max_retries=0, validate=True)
    with_documents = JIRA(
        cloud_url,
        options={**options, "rest_api_version": "3"},
        basic_auth=(login["email"], login["token"]),
        max_retries=0,
    )
    discover_cloud(cloud)
    discover_server(server)
    for client in (cloud, server):
        write(client)
        bulk(client)
        search(client)
        refuse(client)
    write_documents(with_documents)
    credentials(cloud_url, server_url, options)
    sys.stdout.write("jira accepts the sites\n")


def discover_cloud(client: JIRA) -> None:
    assert client._is_cloud
    assert client.myself()["accountId"]
    assert [project.key for project in client.projects()] == ["HELP", "WEB"]
    found = client.createmeta(projectKeys="HELP", expand="projects.issuetypes.fields")
    types = {kind["name"]: kind for kind in found["projects"][0]["issuetypes"]}
    assert types["Task"]["fields"]["summary"]["required"] is True
    choices = types["Task"]["fields"]["customfield_10200"]["allowedValues"]
    assert [choice["value"] for choice in choices] == ["Sales", "Support", "Finance", "Platform"]
    assert [user.displayName for user in client.search_users(query="mia")] == ["Mia Krystof"]
    common(client)


def discover_server(client: JIRA) -> None:
    assert not client._is_cloud
    assert client.session().name == "mia"
    types = client.project_issue_types("HELP", maxResults=2)
    assert (len(types), types.total, types.isLast) == (2, 5, False)
    every = client.project_issue_types("HELP", maxResults=False)
    assert len(every) == 5
    fields = client.project_issue_fields("HELP", "10001", maxResults=False)
    assert len(fields) == 38
    assert {field.fieldId for field in fields} >= {"summary", "customfield_10200"}
    assert [user.name for user in client.search_users(user="mia")] == ["mia"]
    common(client)


def common(client: JIRA) -> None:
    assert {field["id"] for field in client.fields()} >= {"summary", "customfield_10206"}
    assert "Epic" in [kind.name for kind in client.issue_types()]
    assert [item.name for item in client.priorities()] == ["Highest", "High", "Medium", "Low", "Lowest"]
    assert [item.name for item in client.statuses()] == ["To Do", "In Progress", "Done"]
    assert client.project("HELP").name == "Help desk"


def write(client: JIRA) -> None:
    issue = client.create_issue(
        **TASK,
        summary="One",
        description="Hello",
        labels=["jira-one"],
        priority={"name": "High"},
        customfield_10200={"value": "Sales"},
        customfield_10206=12.5,
        duedate="2026-01-31",
    )
    assert (issue.fields.summary, issue.fields.description) == ("One", "Hello")
    assert issue.fields.priority.name == "High"
    assert issue.fields.customfield_10200.value == "Sales"
    issue.update(summary="Two", fields={"customfield_10206": 13})
    issue.add_field_value("labels", "jira-two")
    again = client.issue(issue.key)
    assert (again.fields.summary, again.fields.customfield_10206) == ("Two", 13)
    assert again.fields.labels == ["jira-one", "jira-two"]
    client.add_issue_property(issue, "forms.submission", {"id": "s1"})
    assert client.issue_property(issue, "forms.submission").value.id == "s1"
    client.add_comment(issue, "A comment")
    assert [comment.body for comment in client.comments(issue)] == ["A comment"]
    client.add_simple_link(issue, {"url": "https://example.com", "title": "Submission"})
    assert len(client.remote_links(issue)) == 1
    assert client.find_transitionid_by_name(issue, "Done") == "31"
    client.transition_issue(issue, "Done", fields={"resolution": {"name": "Done"}})
    assert client.issue(issue.key).fields.status.name == "Done"
    assert client.assign_issue(issue, "mia")
    assert client.issue(issue.key).fields.assignee.displayName == "Mia Krystof"
    child = client.create_issue(
        project="HELP", issuetype={"name": "Sub-task"}, parent={"key": issue.key}, summary="Child"
    )
    assert child.fields.parent.key == issue.key
    issue.delete(deleteSubtasks=True)


def bulk(client: JIRA) -> None:
    wanted = [{**TASK, "summary": f"Bulk {number}", "labels": ["jira-bulk"]} for number in range(4)]
    wanted[1] = {**wanted[1], "issuetype": {"id": "99"}}
    wanted[2] = {**wanted[2], "labels": ["x y"]}
    made = client.create_issues(wanted, prefetch=True)
    assert [item["status"] for item in made] == ["Success", "Error", "Error", "Success"]
    assert made[3]["issue"].fields.summary == "Bulk 3"
    assert made[1]["error"] == {"issuetype": "The issue type selected is invalid."}
    assert list(made[2]["error"]) == ["labels"]
    refused = client.create_issues(wanted[1:3], prefetch=False)
    assert [item["status"] for item in refused] == ["Error", "Error"]


def search(client: JIRA) -> None:
    client.create_issues([{**TASK, "summary": f"Page {number}"} for number in range(5)], prefetch=False)
    jql = 'project = HELP AND labels = "jira-bulk" ORDER BY key'
    found = client.search_issues(jql, fields="summary,labels")
    assert [issue.fields.summary for issue in found] == ["Bulk 0", "Bulk 3"]
    assert len(client.search_issues("project = HELP", maxResults=2)) == 2
    every = client.search_issues("project = HELP", maxResults=False, fields=["Summary"])
    assert len(every) == 7
    posted = client.search_issues(jql, use_post=True, fields=["labels"])
    assert [issue.fields.labels for issue in posted] == [["jira-bulk"]] * 2
    if client._is_cloud:
        assert client.approximate_issue_count(jql) == 2
        first = client.enhanced_search_issues("project = HELP", maxResults=5)
        rest = client.enhanced_search_issues("project = HELP", nextPageToken=first.nextPageToken)
        assert (len(first), len(rest), rest.nextPageToken) == (5, 2, None)
        bare = client.enhanced_search_issues("project = HELP", fields="", json_result=True)
        assert set(bare["issues"][0]) == {"id"}
    else:
        assert client.search_issues("project = HELP", maxResults=2).total == 7


def refuse(client: JIRA) -> None:
    failed(404, "Issue does not exist", lambda: client.issue("HELP-999"))
    failed(400, "You must specify a summary", lambda: client.create_issue(**TASK))
    failed(400, "cannot be set", lambda: client.create_issue(**TASK, summary="x", customfield_1="?"))
    nowhere = {**TASK, "project": {"key": "NONE"}, "summary": "x"}
    failed(400, "valid project", lambda: client.create_issue(nowhere))
    failed(400, "does not exist for the field 'project'", lambda: client.search_issues("project = NONE"))
    failed(400, "not supported", lambda: client.search_issues("summary = x"))
    failed(404, "No project", lambda: client.project("NONE"))
    issue = client.create_issue(**TASK, summary="x")
    failed(400, "You must specify a summary", lambda: issue.update(summary=""))
    failed(400, "Transition id", lambda: client.transition_issue(issue, "99"))
    control = {"kind": "named", "name": "rate_limit", "times": 1}
    arm(client, control)
    failed(429, "Rate limit", client.myself)
    arm(client, {"kind": "named", "name": "maintenance", "times": 1})
    failed(503, "maintenance", client.myself)
    arm(client, {"kind": "named", "name": "edge_html", "times": 1})
    failed(400, "<html>", client.myself)
    arm(client, {"kind": "named", "name": "revoked", "times": 1})
    failed(401, "Client must be authenticated", client.myself)


def write_documents(client: JIRA) -> None:
    document = {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hi"}]}],
    }
    issue = client.create_issue(**TASK, summary="Documents", description=document)
    assert issue.raw["fields"]["description"] == document
    failed(400, "Atlassian Document", lambda: client.create_issue(**TASK, summary="x", description="plain"))


def credentials(cloud_url: str, server_url: str, options: dict[str, object]) -> None:
    wrong = JIRA(cloud_url, options=options, basic_auth=("mia@example.com", "wrong"), max_retries=0)
    failed(401, "Client must be authenticated", wrong.myself)
    wrong = JIRA(server_url, options=options, token_auth="wrong", max_retries=0)
    failed(401, "Client must be authenticated", wrong.myself)
    person = JIRA(server_url, options=options, basic_auth=("mia", "mia-password"), max_retries=0)
    assert person.myself()["name"] == "mia"


def arm(client: JIRA, fault: dict[str, object]) -> None:
    client._session.post(f"{client.server_url}/_control/faults", data=json.dumps(fault))


def failed(status: int, words: str, call: Callable[[], object]) -> None:
    met = None
    try:
        call()
    except JIRAError as error:
        met = error
    assert met is not None, f"{status} was expected"
    assert met.status_code == status, met
    assert words in met.text, met.text


main()
