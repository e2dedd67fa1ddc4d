from __future__ import annotations

import base64

import orjson
import pytest

from formlane.destinations.servicenow.items import Item, batch_body, batch_replies


def serviced(number: int | str, body: str | None = "", **more: object) -> dict[str, object]:
    coded = None if body is None else base64.b64encode(body.encode()).decode()
    return {"id": number, "status_code": 200, "body": coded, "headers": [], **more}


def test_the_body_of_a_batch() -> None:
    items = [Item("POST", "/a?x=1", b'{"k":"v"}'), Item("GET", "/b")]
    document = orjson.loads(batch_body("call", items, headers=False))

    assert document["batch_request_id"] == "call"
    assert [one["id"] for one in document["rest_requests"]] == ["0", "1"]
    assert base64.b64decode(document["rest_requests"][0]["body"]) == b'{"k":"v"}'
    assert "body" not in document["rest_requests"][1]
    assert {one["name"]: one["value"] for one in document["rest_requests"][0]["headers"]} == {
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    assert document["rest_requests"][0]["exclude_response_headers"] is True


def test_answers_come_in_any_order() -> None:
    answer = {
        "batch_request_id": "call",
        "serviced_requests": [
            serviced("2", "c", headers=[{"name": "Retry-After", "value": "7"}]),
            serviced(0, None, headers=None),
        ],
        "unserviced_requests": ["1"],
    }
    replies = batch_replies(orjson.dumps(answer), 3)

    assert replies is not None
    assert [None if one is None else one.body for one in replies] == [b"", None, b"c"]
    assert replies[2] is not None
    assert replies[2].headers == {"Retry-After": "7"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"result":[]}',
        orjson.dumps({"serviced_requests": [serviced("0")], "unserviced_requests": []}),
        orjson.dumps({"serviced_requests": [serviced("0"), {**serviced("1"), "body": "*"}]}),
        b'{"serviced_requests":[{"id":"0"}]}',
    ],
    ids=["empty", "list", "object", "other", "one missing", "not base64", "no status"],
)
def test_what_is_no_answer_to_a_batch(body: bytes) -> None:
    assert batch_replies(body, 2) is None
