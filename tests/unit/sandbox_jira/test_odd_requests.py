"""Whatever is sent, there is an answer that Jira could give."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formlane_sandbox.jira.adf import is_document
from formlane_sandbox.jira.received import Received
from formlane_sandbox.jira.settings import API_TOKEN, EMAIL, Deployment, Limits, usual
from formlane_sandbox.jira.simulator import JiraSimulator

LETTERS = """lab es=in(),'\\"~<>!ANDOR NOTcreated-5dM[]10206cf.key"""
NAMES = ("id", "key", "name", "value", "child", "type", "content", "attrs", "marks", "text", "add")
MEMBERS = ("fields", "update", "properties", "issueUpdates", "transition", "body", "object")
TASK = {"project": {"key": "HELP"}, "issuetype": {"id": "10001"}, "summary": "x"}
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20_000) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
SIM = JiraSimulator(
    usual(Deployment.CLOUD, limits=Limits(burst=None, issue_writes_2s=10**6, issue_writes_30s=10**6))
)
FIELDS = sorted(SIM.site.schema.fields)
BASIC = b"Basic " + base64.b64encode(f"{EMAIL}:{API_TOKEN}".encode())


def status(method: str, path: str, body: object = None, query: str = "") -> int:
    request = Received(
        method=method,
        path=f"/rest/api/3/{path}",
        words=["rest", "api", "3", *path.split("/")],
        query=query,
        headers={b"authorization": BASIC, b"content-type": b"application/json"},
        content=json.dumps(body).encode(),
        base="http://site",
    )
    reply = SIM.front.answer(request)[1]
    assert isinstance(reply.body(), bytes)
    return reply.status


@given(st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=4), st.booleans())
@settings(max_examples=300, deadline=None)
def test_odd_fields(fields: dict[str, object], update: bool) -> None:
    body = {"fields": TASK, "update": fields} if update else {"fields": {**TASK, **fields}}

    assert status("POST", "issue", body) in (201, 400)
    assert status("PUT", "issue/HELP-1", body) in (204, 400, 404)


@given(st.dictionaries(st.sampled_from(MEMBERS), ODD))
@settings(max_examples=200, deadline=None)
def test_odd_bodies(body: dict[str, object]) -> None:
    status("POST", "issue", {"fields": TASK})
    for method, path in (
        ("POST", "issue"),
        ("POST", "issue/bulk"),
        ("PUT", "issue/HELP-1"),
        ("POST", "issue/HELP-1/transitions"),
        ("POST", "issue/HELP-1/comment"),
        ("POST", "issue/HELP-1/remotelink"),
        ("PUT", "issue/HELP-1/assignee"),
        ("POST", "issue/bulkfetch"),
        ("POST", "search/jql"),
    ):
        assert status(method, path, body) in (200, 201, 204, 400, 404)


@given(ODD)
@settings(max_examples=300, deadline=None)
def test_odd_documents(value: object) -> None:
    document = {"type": "doc", "version": 1, "content": value if isinstance(value, list) else [value]}

    assert is_document(document) in (True, False)


@given(st.text(alphabet=LETTERS, max_size=30))
@settings(max_examples=300, deadline=None)
def test_odd_queries(jql: str) -> None:
    assert status("POST", "search/jql", {"jql": jql}) in (200, 400)


@pytest.mark.parametrize(
    "jql",
    [
        "created > -99999999999999d",
        f"id = {'9' * 5000}",
        "created > 0001-01-01",
        "key > HELP",
        "Amount > 1e999",
        "labels = '\N{GRINNING FACE}'",
    ],
    ids=["date", "id", "old", "key", "number", "emoji"],
)
def test_queries_at_the_edge(jql: str) -> None:
    assert status("POST", "search/jql", {"jql": jql}) in (200, 400)


@pytest.mark.parametrize("query", ["startAt=-1", f"startAt={'9' * 5000}", "maxResults=x", "startAt=²"])
def test_odd_pages(query: str) -> None:
    assert status("GET", "project/search", query=query) == 200
    assert status("GET", "search/jql", query=f"jql=project=HELP&{query}") in (200, 400)


def test_a_body_may_be_anything() -> None:
    bodies: list[object] = [1, "x", [], None, [[]], 1e300]
    for body in bodies:
        for path in ("issue", "issue/bulk", "search/jql"):
            assert status("POST", path, body) == 400
