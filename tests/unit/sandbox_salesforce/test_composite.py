"""Several requests in one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sandbox_salesforce.desk import ROOT, Desk


def post(kind: str, reference: str, **body: object) -> dict[str, object]:
    return {"method": "POST", "url": f"{ROOT}/sobjects/{kind}", "referenceId": reference, "body": body}


def graph(name: str, *nodes: dict[str, object]) -> dict[str, object]:
    return {"graphId": name, "compositeRequest": list(nodes)}


async def test_a_graph_relates_its_records() -> None:
    desk = Desk()
    nodes = (
        post("Contact", "c", LastName="A"),
        post("Case", "k", ContactId="@{c.id}", Subject="for @{c.id}"),
    )
    reply = await desk.ask("POST", "composite/graph", {"graphs": [graph("1", *nodes)]})

    [answer] = reply.document["graphs"]
    first = answer["graphResponse"]["compositeResponse"][0]
    [contact], [case] = desk.rows(), desk.rows("Case")
    assert (reply.status, answer["graphId"], answer["isSuccessful"]) == (200, "1", True)
    assert first == {
        "body": {"id": contact["Id"], "success": True, "errors": []},
        "httpHeaders": {"Location": f"{ROOT}/sobjects/Contact/{contact['Id']}"},
        "httpStatusCode": 201,
        "referenceId": "c",
    }
    assert (case["ContactId"], case["Subject"]) == (contact["Id"], f"for {contact['Id']}")


async def test_a_failed_graph_leaves_nothing_and_others_stand() -> None:
    desk = Desk()
    graphs = [
        graph("bad", post("Contact", "c", LastName="A"), post("Case", "k", ContactId="@{c.id}", Nope="x")),
        graph("good", post("Contact", "c", LastName="B")),
    ]
    reply = await desk.ask("POST", "composite/graph", {"graphs": graphs})

    bad, good = reply.document["graphs"]
    halted, culprit = bad["graphResponse"]["compositeResponse"]
    assert (bad["isSuccessful"], good["isSuccessful"]) == (False, True)
    assert (halted["httpStatusCode"], halted["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")
    assert "another operation in the same transaction failed" in halted["body"][0]["message"]
    assert culprit["body"][0]["errorCode"] == "INVALID_FIELD"
    assert ([row["LastName"] for row in desk.rows()], desk.rows("Case")) == (["B"], [])


async def test_what_builds_on_a_failure_is_halted() -> None:
    desk = Desk()
    nodes = [
        post("Contact", "c"),
        post("Case", "k", ContactId="@{c.id}"),
        post("Lead", "l", LastName="A", Company="C"),
    ]
    reply = await desk.ask("POST", "composite", {"compositeRequest": nodes})

    answers = reply.document["compositeResponse"]
    assert [one["httpStatusCode"] for one in answers] == [400, 400, 201]
    assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "No value for c.id found in c" in answers[1]["body"][0]["message"]
    assert (desk.rows("Case"), len(desk.rows("Lead"))) == ([], 1)


async def test_all_or_none_over_collections_and_queries() -> None:
    desk = Desk()
    records = [{"attributes": {"type": "Contact"}, "LastName": "A"}, {"attributes": {"type": "Contact"}}]
    many = {
        "method": "POST",
        "url": f"{ROOT}/composite/sobjects",
        "referenceId": "m",
        "body": {"records": records},
    }
    find = {
        "method": "GET",
        "url": f"{ROOT}/query?q=SELECT+Id+FROM+Account+WHERE+Name='Acme'",
        "referenceId": "q",
    }
    use = post("Contact", "u", LastName="B", AccountId="@{q.records[0].Id}")
    body = {"allOrNone": True, "compositeRequest": [find, use, many]}
    refused = await desk.ask("POST", "composite", body)
    assert desk.rows() == []
    taken = await desk.ask("POST", "composite", {**body, "allOrNone": False})

    assert [one["httpStatusCode"] for one in refused.document["compositeResponse"]] == [400, 400, 200]
    assert [one["httpStatusCode"] for one in taken.document["compositeResponse"]] == [200, 201, 200]
    assert len(desk.rows()) == 2


async def test_a_graph_takes_one_call_of_the_quota() -> None:
    desk = Desk()
    graphs = [graph(str(number), post("Contact", "c", LastName="A")) for number in range(75)]
    await desk.ask("POST", "composite/graph", {"graphs": graphs})
    assert (len(desk.rows()), desk.sim.org.usage.used()) == (75, 1)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("composite", {"compositeRequest": [post("Lead", str(n)) for n in range(26)]}, "LIMIT_EXCEEDED"),
        ("composite", {"compositeRequest": []}, "REQUIRED_FIELD_MISSING"),
        ("composite", {"compositeRequest": [{"method": "GET"}]}, "REQUIRED_FIELD_MISSING"),
        ("composite", {"compositeRequest": [post("Lead", "a"), post("Lead", "a")]}, "INVALID_FIELD"),
        (
            "composite/graph",
            {"graphs": [graph(str(n), post("Lead", "a")) for n in range(76)]},
            "LIMIT_EXCEEDED",
        ),
        ("composite/graph", {"graphs": [graph("a", post("Lead", "a"))] * 2}, "INVALID_FIELD"),
        ("composite/graph", {"graphs": [graph("-", post("Lead", "a"))]}, "INVALID_FIELD"),
        ("composite/graph", {"graphs": []}, "REQUIRED_FIELD_MISSING"),
        ("composite/batch", {"batchRequests": []}, "REQUIRED_FIELD_MISSING"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_limits_of_composites(path: str, body: dict[str, Any], code: str) -> None:
    reply = await Desk().ask("POST", path, body)
    assert (reply.status, reply.error["errorCode"]) == (400, code)


async def test_a_batch_of_independent_requests() -> None:
    desk = Desk()
    requests = [
        {"method": "POST", "url": "v68.0/sobjects/Contact", "richInput": {"LastName": "A"}},
        {"method": "GET", "url": "v68.0/sobjects/Nothing"},
    ]
    reply = await desk.ask("POST", "composite/batch", {"batchRequests": requests})
    assert (reply.document["hasErrors"], [one["statusCode"] for one in reply.document["results"]]) == (
        True,
        [201, 404],
    )
