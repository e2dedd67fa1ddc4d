"""`atlassian-python-api` at a Cloud and a Data Center site: their addresses, a CA file, log-ins."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from atlassian import Jira
from atlassian.jira import JiraCloud
from requests import HTTPError

TASK = {"project": {"key": "HELP"}, "issuetype": {"id": "10001"}}
DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hi"}]}],
}


def main() -> None:
    cloud_url, server_url, authority, logins = sys.argv[1:]
    login = json.loads(logins)
    account = {"username": login["email"], "password": login["token"], "verify_ssl": authority}
    cloud = Jira(cloud_url, cloud=True, **account)
    server = Jira(server_url, token=login["personal"], verify_ssl=authority)
    newest = JiraCloud(cloud_url, **account)
    for client in (cloud, server):
        discover(client)
        write(client)
        bulk(client)
        search(client)
        refuse(client)
    write_documents(newest)
    gateway(login, authority)
    wrong = Jira(cloud_url, cloud=True, username=login["email"], password="wrong", verify_ssl=authority)
    failed(401, "Unauthorized", wrong.myself)
    wrong = Jira(server_url, token="wrong", verify_ssl=authority)
    failed(401, "", wrong.myself)
    sys.stdout.write("atlassian-python-api accepts the sites\n")


def discover(client: Jira) -> None:
    assert client.myself()["displayName"] == "Mia Krystof"
    assert [project["key"] for project in client.projects()] == ["HELP", "WEB"]
    assert client.get_project("HELP")["id"] == "10000"
    types = client.issue_createmeta_issuetypes("HELP", limit=2)
    fields = client.issue_createmeta_fieldtypes("HELP", "10001", start=1, limit=5)
    key = ("issueTypes", "fields") if client.cloud else ("values", "values")
    assert [kind["name"] for kind in types[key[0]]] == ["Epic", "Task"]
    assert (len(fields[key[1]]), fields["startAt"], fields["total"]) == (5, 1, 38)
    assert {field["id"] for field in client.get_all_fields()} >= {"summary", "customfield_10206"}
    assert len(client.get_all_priorities()) == 5


def write(client: Jira) -> None:
    made = client.create_issue(
        {**TASK, "summary": "One", "description": "Hello", "labels": ["a"]},
        update={"customfield_10211": [{"add": "tag"}]},
    )
    key = made["key"]
    assert client.issue_exists(key)
    assert client.issue_field_value(key, "summary") == "One"
    assert client.issue_field_value(key, "customfield_10211") == ["tag"]
    assert client.update_issue_field(key, {"summary": "Two"}, notify_users=False) is None
    client.edit_issue(key, {"labels": [{"add": "b"}]})
    client.issue_field_value_append(key, "labels", "c")
    assert client.get_issue_labels(key) == ["a", "b", "c"]
    client.set_issue_property(key, "forms.submission", {"id": "s1"})
    assert client.get_issue_property(key, "forms.submission")["value"] == {"id": "s1"}
    assert client.get_issue_property_keys(key)["keys"][0]["key"] == "forms.submission"
    shown = client.get_issue(key, fields=["summary"], properties="forms.submission")
    assert (shown["fields"], shown["properties"]) == ({"summary": "Two"}, {"forms.submission": {"id": "s1"}})
    client.issue_add_comment(key, "A comment")
    assert client.issue_get_comments(key)["comments"][0]["body"] == "A comment"
    for _ in range(2):
        client.create_or_update_issue_remote_links(key, "https://example.com", "Submission", global_id="g")
    assert len(client.get_issue_remote_links(key)) == 1
    assert [item["id"] for item in client.get_issue_transitions(key)] == [11, 21, 31]
    client.set_issue_status(key, "Done", fields={"resolution": {"name": "Done"}})
    assert client.get_issue_status(key) == "Done"
    user = client.myself()
    client.assign_issue(key, user["accountId"] if client.cloud else user["name"])
    assert client.issue_field_value(key, "assignee")["displayName"] == "Mia Krystof"
    client.delete_issue(key)
    assert not client.issue_exists(key)


def bulk(client: Jira) -> None:
    wanted = [
        {
            "fields": {**TASK, "summary": f"Bulk {number}", "labels": ["bulk"]},
            "properties": [{"key": "p", "value": number}],
        }
        for number in range(4)
    ]
    wanted[1] = {"fields": {**TASK, "summary": "x", "issuetype": {"id": "99"}}}
    made = client.create_issues(wanted)
    assert len(made["issues"]) == 3
    assert [(item["failedElementNumber"], item["status"]) for item in made["errors"]] == [(1, 400)]
    failed(400, "", lambda: client.create_issues(wanted[1:2]))


def search(client: Jira) -> None:
    client.create_issues([{"fields": {**TASK, "summary": f"Page {number}"}} for number in range(4)])
    found = client.jql('labels in ("bulk") ORDER BY key', fields=["summary"], limit=10)
    assert [issue["fields"]["summary"] for issue in found["issues"]] == ["Bulk 0", "Bulk 2", "Bulk 3"]
    every = client.jql_get_list_of_tickets("project = HELP", fields="labels")
    assert len(every) == 7
    keys = [issue["key"] for issue in found["issues"]]
    fetched, missing = client.bulk_issue(keys)
    assert (len(fetched["issues"]), missing) == (3, [])
    failed(400, "HELP-999", lambda: client.jql("key in (HELP-999)"))
    if client.cloud:
        page = client.enhanced_jql("project = HELP", limit=4)
        rest = client.enhanced_jql("project = HELP", limit=4, nextPageToken=page["nextPageToken"])
        assert (len(page["issues"]), len(rest["issues"]), rest["isLast"]) == (4, 3, True)
        assert client.approximate_issue_count("project = HELP")["count"] == 7
    else:
        assert client.jql("project = HELP", limit=2)["total"] == 7


def refuse(client: Jira) -> None:
    failed(404, "Issue does not exist", lambda: client.issue("HELP-999"))
    failed(400, "You must specify a summary", lambda: client.create_issue(TASK))
    failed(400, "cannot be set", lambda: client.create_issue({**TASK, "summary": "x", "customfield_1": 1}))
    failed(400, "does not exist for the field", lambda: client.jql("project = NONE"))
    failed(404, "No project", lambda: client.get_project("NONE"))
    arm(client, "rate_limit", retry_after=1)
    assert client.myself()["displayName"] == "Mia Krystof"  # it waited, and tried again
    arm(client, "rate_limit", retry_after=None)
    failed(429, "Rate limit", client.myself)
    arm(client, "maintenance")
    failed(503, "Unknown error", client.myself)
    arm(client, "edge_html")
    failed(400, "400 Client Error", client.myself)
    arm(client, "revoked")
    failed(401, "", client.myself)


def write_documents(client: JiraCloud) -> None:
    made = client.create_issue(data={"fields": {**TASK, "summary": "Documents", "description": DOCUMENT}})
    assert client.get_issue(made["key"])["fields"]["description"] == DOCUMENT
    found = client.enhanced_jql("project = HELP", limit=1)
    assert found["issues"][0]["key"] == made["key"]
    failed(
        400,
        "Atlassian Document",
        lambda: client.create_issue(data={"fields": {**TASK, "summary": "x", "description": "plain"}}),
    )


def gateway(login: dict[str, str], authority: str) -> None:
    """By OAuth, at the gateway."""
    token = {"access_token": login["access_token"], "token_type": "Bearer"}
    oauth = {"client_id": login["client_id"], "token": token}
    client = Jira(login["gateway"], oauth2=oauth, cloud=True, verify_ssl=authority)
    assert client.myself()["displayName"] == "Mia Krystof"
    assert client.create_issue({**TASK, "summary": "By OAuth"})["key"]
    stranger = {"client_id": "x", "token": {"access_token": "wrong", "token_type": "Bearer"}}
    wrong = Jira(login["gateway"], oauth2=stranger, cloud=True, verify_ssl=authority)
    failed(401, "", wrong.myself)


def arm(client: Jira, name: str, **detail: object) -> None:
    fault = {"kind": "named", "name": name, "times": 1, "detail": detail}
    client.session.post(f"{client.url}/_control/faults", json=fault, verify=client.verify_ssl)


def failed(status: int, words: str, call: Callable[[], object]) -> None:
    met = None
    try:
        call()
    except HTTPError as error:
        met = error
    assert met is not None, f"{status} was expected"
    assert met.response is not None
    assert met.response.status_code == status, met
    assert words in str(met), met


main()
