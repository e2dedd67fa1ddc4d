"""The push routes without a store: what reaches intake, and what is refused before."""

from __future__ import annotations

import gzip
import json

import pytest
import zstandard

from formlane.api.options import ApiSettings
from formlane.domain.ids import new_id
from formlane.errors import Conflict, InvalidInput, NotFound, Problem, Unavailable
from formlane.services.ports.tenancy import KeyScope
from tests.unit.api.asgi import Answer, call
from tests.unit.api.fakes import (
    FLOW,
    FLOW_PATH,
    FORM,
    FORM_PATH,
    KEY,
    TENANT,
    FakeIntake,
    FakeServices,
    push_headers,
)

SMALL = ApiSettings(max_request_bytes=1000, max_request_records=3, max_record_bytes=200)


async def push(
    services: FakeServices, body: bytes | list[bytes], *, path: str = FORM_PATH, **headers: str
) -> Answer:
    return await call(services.app(SMALL), "POST", path, body=body, headers=push_headers(**headers))


@pytest.mark.parametrize(
    ("body", "kind", "at"),
    [
        (b'[{"a": 1}, {"a": 2}]', "application/json", ""),
        (b'{"records": [{"a": 1}, {"a": 2}]}', "application/json; charset=UTF-8", "/records"),
        (b'{"a": 1}\n\n  \r\n{"a": 2}\r\n', "application/x-ndjson", ""),
        (b'{"a": 1}\n{"a": 2}', "application/jsonl", ""),
    ],
)
async def test_each_form_of_body_reaches_intake_as_the_same_records(body: bytes, kind: str, at: str) -> None:
    services = FakeServices()
    answer = await push(services, body, content_type=kind, idempotency_key="k1")
    assert (answer.status, answer.json()) == (202, {"batch": "bat_1"})
    assert services.intake.accepted == [(TENANT, FORM, [{"a": 1}, {"a": 2}], "k1", at)]
    assert services.failpoints.reached == ["accepted"]


async def test_a_flow_is_its_own_source() -> None:
    services = FakeServices()
    await push(services, b"[{}]", path=FLOW_PATH)
    assert services.intake.accepted == [(TENANT, FLOW, [{}], None, "")]


async def test_a_body_may_come_in_pieces_and_compressed() -> None:
    services = FakeServices()
    body = gzip.compress(b'[{"a":', mtime=0) + gzip.compress(b"1}]", mtime=0)
    assert (await push(services, [body[:9], body[9:30], body[30:]], content_encoding="gzip")).status == 202
    body = zstandard.ZstdCompressor().compress(b'[{"a":1}]')
    assert (await push(services, [body[:9], body[9:]], content_encoding="zstd")).status == 202
    assert [accepted[2] for accepted in services.intake.accepted] == [[{"a": 1}], [{"a": 1}]]


async def test_of_duplicate_keys_the_last_wins() -> None:
    services = FakeServices()
    await push(services, b'[{"a": 1, "a": 2}]')
    assert services.intake.accepted[0][2] == [{"a": 2}]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {}, 400, "malformed_json"),
        (b"[{]", {}, 400, "malformed_json"),
        (b"[{}] x", {}, 400, "malformed_json"),
        (b'[{"a": NaN}]', {}, 400, "malformed_json"),
        (b'[{"a": Infinity}]', {}, 400, "malformed_json"),
        (b'[{"a": "\\ud800"}]', {}, 400, "malformed_json"),
        (b'[{"a": "\xff"}]', {}, 400, "invalid_encoding"),
        (b'[{"a": 18446744073709551616}]', {}, 400, "number_out_of_range"),
        (b'[{"a": -9223372036854775809}]', {}, 400, "number_out_of_range"),
        (b'[{"a": 1e999}]', {}, 400, "number_out_of_range"),
        (b'[{"a": ' + b"9" * 400 + b"}]", {}, 400, "number_out_of_range"),
        (b'[{"a": ' + b"[" * 40 + b"]" * 40 + b"}]", {}, 400, "too_deep"),
        (b"[" * 990, {}, 400, "too_deep"),
        (b"[]", {}, 422, "invalid_input"),
        (b'{"records": []}', {}, 422, "invalid_input"),
        (b'{"records": {}}', {}, 422, "invalid_input"),
        (b'{"a": 1}', {}, 422, "invalid_input"),
        (b'{"records": [{}], "b": 1}', {}, 422, "invalid_input"),
        (b"3", {}, 422, "invalid_input"),
        (b'"text"', {}, 422, "invalid_input"),
        (b"[{},{},{},{}]", {}, 413, "too_large"),
        (b'[{"a": "' + b"x" * 300 + b'"}]', {}, 413, "too_large"),
        (b" " * 1001, {}, 413, "too_large"),
        (b"[{}]", {"content_length": "1001"}, 413, "too_large"),
        (b"[{}]", {"content_length": "many"}, 400, "invalid_header"),
        (b"[{}]", {"content_type": "text/plain"}, 415, "unsupported_media_type"),
        (b"[{}]", {"content_type": "application/json; charset=latin1"}, 415, "unsupported_media_type"),
        (b"[{}]", {"content_encoding": "br"}, 415, "unsupported_media_type"),
        (b"[{}]", {"content_encoding": "gzip"}, 400, "bad_compression"),
        (b"[{}]", {"content_encoding": "zstd"}, 400, "bad_compression"),
        (gzip.compress(b"[{}]", mtime=0)[:-3], {"content_encoding": "gzip"}, 400, "bad_compression"),
        (gzip.compress(b" " * 100_000, mtime=0), {"content_encoding": "gzip"}, 413, "too_large"),
        (b"[{}]", {"idempotency_key": ""}, 400, "invalid_header"),
        (b"[{}]", {"idempotency_key": "a b"}, 400, "invalid_header"),
        (b"[{}]", {"idempotency_key": "k" * 256}, 400, "invalid_header"),
        (b"[{}]", {"authorization": "Bearer other"}, 401, "not_authenticated"),
        (b"[{}]", {"authorization": "Basic x"}, 401, "not_authenticated"),
    ],
)
async def test_what_cannot_be_taken_is_refused_clearly(
    body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    services = FakeServices()
    answer = await push(services, body, **headers)
    problem = answer.json()
    assert (answer.status, problem["code"], problem["status"]) == (status, code, status)
    assert answer.header("content-type") == "application/problem+json"
    assert problem["request_id"] == answer.header("x-request-id")
    assert problem["instance"] == FORM_PATH
    assert problem["detail"]
    assert services.intake.accepted == []
    assert services.failpoints.reached == []


async def test_missing_content_type_is_told() -> None:
    services = FakeServices()
    answer = await call(
        services.app(), "POST", FORM_PATH, body=b"[{}]", headers={"authorization": f"Bearer {KEY}"}
    )
    assert (answer.status, answer.json()["detail"][:35]) == (415, "The Content-Type header is missing.")


async def test_a_header_that_comes_twice_is_refused() -> None:
    services = FakeServices()
    headers = [*push_headers().items(), ("idempotency-key", "a"), ("idempotency-key", "b")]
    answer = await call(services.app(), "POST", FORM_PATH, body=b"[{}]", headers=headers)
    assert (answer.status, answer.json()["code"]) == (400, "invalid_header")


async def test_a_key_without_the_scope_is_not_allowed() -> None:
    services = FakeServices(scopes=[KeyScope.READ])
    answer = await push(services, b"[{}]")
    assert (answer.status, answer.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize(
    "id_", ["x", f"flow_{FORM.hex}", "form_" + "0" * 32], ids=["word", "of a flow", "no version"]
)
async def test_what_cannot_be_an_id_is_not_found(id_: str) -> None:
    answer = await push(FakeServices(), b"[{}]", path=f"/v1/forms/{id_}/batches")
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("trouble", "status", "code", "retryable"),
    [
        (NotFound("There is no such form."), 404, "not_found", False),
        (Conflict("No routes.", code="no_routes"), 409, "no_routes", False),
        (Conflict("Other body.", code="idempotency_mismatch"), 422, "idempotency_mismatch", False),
        (Unavailable("The store is away."), 503, "unavailable", True),
        (
            InvalidInput("None is valid.", [Problem("/0/a", "required", "A is required.")]),
            422,
            "invalid_input",
            False,
        ),
        (RuntimeError("secret text"), 500, "internal_error", True),
    ],
)
async def test_trouble_behind_becomes_a_problem(
    trouble: Exception, status: int, code: str, retryable: bool
) -> None:
    services = FakeServices(intake=FakeIntake(trouble))
    answer = await push(services, b"[{}]")
    problem = answer.json()
    assert (answer.status, problem["code"], problem["retryable"]) == (status, code, retryable)
    assert (answer.header("retry-after") is not None) == (status == 503)
    assert "secret text" not in answer.text


async def test_faults_point_into_what_was_sent_and_are_bounded() -> None:
    faults = [Problem(f"/{index}/a", "required", "A is required.") for index in range(500)]
    services = FakeServices(intake=FakeIntake(InvalidInput("None is valid.", faults)))
    problem = (await push(services, b"[{}]")).json()
    assert problem["errors"][0] == {"pointer": "/0/a", "code": "required", "message": "A is required."}
    assert len(problem["errors"]) == 200
    assert "300 more" in problem["detail"]


async def test_the_budget_of_all_requests_is_kept_and_given_back() -> None:
    services = FakeServices()
    app = services.app(ApiSettings(max_request_bytes=1000, budget_bytes=1000))
    for _ in range(5):
        body = gzip.compress(json.dumps([{"a": "x" * 500}]).encode())
        answer = await call(app, "POST", FORM_PATH, body=body, headers=push_headers(content_encoding="gzip"))
        assert answer.status == 202
        answer = await call(app, "POST", FORM_PATH, body=b"x" * 900, headers=push_headers())
        assert answer.status == 400
    tight = services.app(ApiSettings(max_request_bytes=1000, budget_bytes=100))
    answer = await call(tight, "POST", FORM_PATH, body=b" " * 101, headers=push_headers())
    assert (answer.status, answer.header("retry-after")) == (503, "2")


async def test_a_client_that_leaves_gets_nothing_and_stores_nothing() -> None:
    services = FakeServices()
    answer = await call(
        services.app(), "POST", FORM_PATH, body=[b'[{"a"', b":1}]"], headers=push_headers(), disconnect=True
    )
    assert answer.status == 0
    assert services.intake.accepted == []


async def test_every_answer_has_its_own_request_id_and_the_security_headers() -> None:
    services = FakeServices()
    answers = [await push(services, b"[{}]"), await push(services, b"x"), await push(services, b"[{}]")]
    assert len({answer.header("x-request-id") for answer in answers}) == 3
    for answer in answers:
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("content-security-policy") == "default-src 'none'; frame-ancestors 'none'"
        assert answer.header("cache-control") == "no-store"


async def test_another_tenants_form_and_an_unknown_one_answer_alike() -> None:
    services = FakeServices(intake=FakeIntake(NotFound("There is no such form.")))
    first = (await push(services, b"[{}]", path=f"/v1/forms/form_{new_id(0).hex}/batches")).json()
    second = (await push(services, b"[{}]", path=f"/v1/forms/form_{new_id(0).hex}/batches")).json()
    for problem in (first, second):
        del problem["request_id"], problem["instance"]
    assert first == second
