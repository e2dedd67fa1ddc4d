"""Synchronous writes: what is stored, what is said, and how they fail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.sandbox_sfmc.caller import LEADS, Caller, Json, calling, lead

BAD_EMAIL = (
    "Email: The value for column [Email] is not a valid email address. Parse error [InvalidEmailAddress]"
)
BAD_PHONE = (
    "Phone: The value for column [Phone] is not a valid phone number. "
    "Parse error [ExactTarget.Core.Validation.ValidationResult[]]"
)
NO_FIELD = "At least one existing field is required in the values property"


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as found:
        yield found


def texts(answer: Json) -> list[str]:
    return [error["message"] for error in answer["additionalErrors"]]


async def test_rows_are_echoed_in_order_and_merged(caller: Caller) -> None:
    rows = [lead("b", Email="b@example.com", Score=1.25), lead("a", FirstName="Änne")]
    status, answer = await caller.upsert(rows)
    await caller.upsert([lead("B", FirstName="Bob")])

    assert (status, answer) == (200, rows)
    assert caller.keys() == ["b", "a"]
    assert [row["FirstName"] for row in caller.sim.objects("form_leads")] == ["Bob", "Änne"]
    assert [row["Email"] for row in caller.sim.objects("form_leads")] == ["b@example.com", None]


async def test_the_object_id_names_the_extension_too(caller: Caller) -> None:
    number = caller.sim.extension("form_leads").id

    assert (await caller.upsert([lead("a")], path=f"hub/v1/dataevents/{number.upper()}/rowset"))[0] == 200
    assert caller.keys() == ["a"]


@pytest.mark.parametrize("reference", ["form_leads", "key:gone", "48506b28-0868-449f-ae8f-0e4234222540"])
async def test_an_unknown_extension_is_an_invalid_parameter(caller: Caller, reference: str) -> None:
    status, answer = await caller.upsert([lead("a")], path=f"hub/v1/dataevents/{reference}/rowset")

    assert (status, answer["errorcode"]) == (400, 10001)
    assert answer["message"].startswith("Parameter {")


async def test_rows_before_the_first_bad_one_are_stored_and_none_after_it(caller: Caller) -> None:
    rows = [
        lead("a"),
        lead("b"),
        lead("c", Email="nobody", Phone="x"),
        lead("d"),
        lead("e", Email="nobody"),
        lead("f", Nonsense=1),
    ]
    status, answer = await caller.upsert(rows)

    assert status == 400
    assert (answer["errorcode"], answer["documentation"]) == (10006, "")
    extension = caller.sim.extension("form_leads").id
    assert answer["message"] == f"Unable to save rows for data extension ID {extension}"
    assert texts(answer)[0] == NO_FIELD
    assert sorted(texts(answer)) == sorted([NO_FIELD, BAD_EMAIL, BAD_PHONE])
    assert {error["errorcode"] for error in answer["additionalErrors"]} == {10000}
    assert caller.keys() == ["a", "b"]


async def test_the_order_of_errors_is_not_stable(caller: Caller) -> None:
    names = ("Email", "Phone", "Score", "LastLogin")
    seen = set()
    for _ in range(20):
        _, answer = await caller.upsert([lead("a", **dict.fromkeys(names, "x"))])
        seen.add(tuple(texts(answer)))

    assert len(seen) > 1
    assert {len(order) for order in seen} == {4}


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"FirstName": "x" * 51}, "FirstName"),
        ({"Score": "much"}, "Score"),
        ({"IsActive": "perhaps"}, "IsActive"),
        ({"LastLogin": "soon"}, "LastLogin"),
        ({"Email": "ok@example.com", "Nope": 1}, "nope"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_errors_name_the_column(caller: Caller, values: dict[str, object], column: str) -> None:
    status, answer = await caller.upsert([lead("a", **values)])

    assert (status, len(texts(answer))) == (400, 1)
    assert texts(answer)[0].startswith(f"{column}: ")


async def test_what_must_not_be_null(caller: Caller) -> None:
    path = "hub/v1/dataevents/key:Form_Submissions/rowset"
    for values in ({"FormName": None}, {"Amount": 1}):
        status, answer = await caller.upsert([{"keys": {"SubmissionId": "1"}, "values": values}], path=path)
        assert (status, texts(answer)) == (400, ["FormName: Column [formname] does not allow null value."])

    assert caller.sim.objects("Form_Submissions") == []


@pytest.mark.parametrize(
    ("key", "keys", "named"),
    [
        ("form_leads", {"Email": "a@example.com"}, "email"),
        ("form_leads", {}, "subscriberkey"),
        ("event_registrations", {"EventCode": "1"}, "email"),
        ("feedback_log", {"Email": "a@example.com"}, "email"),
    ],
)
async def test_keys_must_be_the_primary_key(caller: Caller, key: str, keys: Json, named: str) -> None:
    row: dict[str, object] = {"keys": keys, "values": {"FullName": "x"}}
    status, answer = await caller.upsert([row], path=f"hub/v1/dataevents/key:{key}/rowset")

    assert (status, answer["errorcode"]) == (400, 10000)
    assert answer["message"] == f"Primary key '{named}' does not exist."


async def test_a_composite_key(caller: Caller) -> None:
    path = "hub/v1/dataevents/key:event_registrations/rowset"
    rows: list[dict[str, object]] = [
        {"keys": {"Email": email, "EventCode": code}, "values": {"FullName": email}}
        for code in ("e1", "E1", "e2")
        for email in ("a@example.com", "b@example.com")
    ]

    assert (await caller.upsert(rows, path=path))[0] == 200
    assert len(caller.sim.objects("event_registrations")) == 4
    assert {row["Seats"] for row in caller.sim.objects("event_registrations")} == {1}


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, 10004),
        (b"{}", "application/json", 400, 10004),
        (b'[{"SubscriberKey": "a"}]', "application/json", 400, 10004),
        (b"[]", "text/csv", 415, None),
        (b"[]", "application/json; charset=UTF-8", 200, None),
    ],
)
async def test_bodies(caller: Caller, body: bytes, kind: str, status: int, code: int | None) -> None:
    met, answer = await caller.call("POST", LEADS, data=body, headers={"content-type": kind})

    assert met == status
    assert status == 200 or answer.get("errorcode") == code


async def test_compressed_bodies_are_not_taken(caller: Caller) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    assert (await caller.call("POST", LEADS, data=b"[]", headers=headers))[0] == 415


async def test_fifty_rows_are_a_soft_limit(caller: Caller) -> None:
    rows = [lead(f"k{number}") for number in range(51)]
    soft = (await caller.upsert(rows))[0]
    caller.sim.configure(b'{"limits": {"sync_rows_hard": true}}')

    assert (soft, (await caller.upsert(rows))[0]) == (200, 400)
    assert caller.sim.stats()["counts"] == {"oversized_rowsets": 2, "rows_written": 51}


async def test_bodies_have_a_limit_by_route(caller: Caller) -> None:
    caller.sim.configure(b'{"limits": {"rowset_bytes": 500, "rest_bytes": 400, "async_bytes": 600}}')
    large = "x" * 410
    met = [
        (await caller.upsert([lead("a", Company=large)]))[0],
        (await caller.upsert([lead("a", Company=large * 2)]))[0],
        (await caller.call("POST", "contacts/v1/contacts", json={"contactKey": large}))[0],
        (await caller.call("PUT", "data/v1/async/dataextensions/key:form_leads/rows", json=[large * 2]))[0],
    ]

    assert met == [400, 413, 413, 413]


async def test_one_row_by_the_path(caller: Caller) -> None:
    path = "hub/v1/dataevents/key:form_leads/rows/SubscriberKey:a%2Fb%3A1"
    met = await caller.call("PUT", path, json={"values": {"Email": "a@example.com"}})
    wrong = await caller.call("PUT", path, json={"values": {"Email": "nobody"}})
    several = "hub/v1/dataevents/key:event_registrations/rows/EventCode:e1,Email:a@example.com"
    await caller.call("PUT", several, json={"values": {"FullName": "A"}})

    assert met == (200, {"keys": {"SubscriberKey": "a/b:1"}, "values": {"Email": "a@example.com"}})
    assert (wrong[0], texts(wrong[1])) == (400, [BAD_EMAIL])
    assert caller.keys("event_registrations", "EventCode") == ["e1"]


async def test_the_answer_may_be_empty(caller: Caller) -> None:
    caller.arm("rowset_empty")
    once = await caller.call("POST", LEADS, json=[lead("a")])
    caller.sim.configure(b'{"behaviour": {"rowset_answer": "empty"}}')
    always = await caller.call("POST", LEADS, json=[lead("b")])

    assert (once, always) == ((200, ""), (200, ""))
    assert caller.keys() == ["a", "b"]


async def test_a_failure_may_store_nothing(caller: Caller) -> None:
    await caller.upsert([lead("a", FirstName="Ann")])
    caller.sim.configure(b'{"behaviour": {"rowset_failure": "nothing"}}')
    status, _ = await caller.upsert([lead("a", FirstName="Bob"), lead("b"), lead("c", Email="x")])

    assert status == 400
    assert [row["FirstName"] for row in caller.sim.objects("form_leads")] == ["Ann"]


async def test_the_transient_failure_has_no_reasons(caller: Caller) -> None:
    caller.arm("rowset_unsaved", times=2)
    met = [await caller.upsert([lead("a")]) for _ in range(3)]

    assert [status for status, _ in met] == [400, 400, 200]
    assert met[0][1]["errorcode"] == 10006
    assert "additionalErrors" not in met[0][1]


async def test_the_schema_may_change_between_two_calls(caller: Caller) -> None:
    assert (await caller.upsert([lead("a", FirstName="Ann", Company="Acme")]))[0] == 200
    for change in (
        {"change": "drop_field", "object": "form_leads", "field": "Company"},
        {"change": "alter_field", "object": "form_leads", "field": "FirstName", "length": 2},
    ):
        async with caller.session.post(f"{caller.sim.url}/_control/schema", json=change) as response:
            assert response.status == 200
    _, answer = await caller.upsert([lead("b", FirstName="Ann", Company="Acme")])
    drop = {"change": "drop_object", "object": "form_leads"}
    async with caller.session.post(f"{caller.sim.url}/_control/schema", json=drop) as response:
        assert response.status == 200

    assert sorted(text.partition(":")[0] for text in texts(answer)) == ["FirstName", "company"]
    assert (await caller.upsert([lead("c")]))[1]["errorcode"] == 10001
