"""The webhook connector against a receiver on another HTTP stack than its own client."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest
import standardwebhooks
import svix
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn import Config, Server

from formlane.destinations.base import Call, CallRecord, CallResult, Equipment, Sealed
from formlane.destinations.egress import Guard
from formlane.destinations.http import HttpClients
from formlane.destinations.webhook.connector import WEBHOOK, WebhookConnector
from formlane.domain.flows import Operation
from formlane.domain.outcomes import (
    Blocked,
    Deferred,
    Delivered,
    Outcome,
    Reason,
    Rejected,
    Scope,
    Uncertain,
)
from formlane.domain.types import Json

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
CALL_ID = UUID("0192a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")


class RealClock:
    """The system's time."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class NoJournal:
    """A journal that must not be needed."""

    saved: bytes | None = None
    sealed: Sealed | None = None

    async def save(self, state: bytes) -> None:
        raise AssertionError

    async def seal(self, content: bytes) -> Sealed:
        raise AssertionError


@dataclass
class Receiver:
    """Keeps what arrived; answers with the next of `answers`, then with the last for ever."""

    answers: list[Response] = field(default_factory=lambda: [Response("ok")])
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    port: int = 0

    async def take(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.headers.append(dict(request.headers))
        self.methods.append(request.method)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers in self.headers]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST", "OPTIONS"])])
    server = Server(
        Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none", loop="asyncio")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server offers no event
        await asyncio.sleep(0)
    receiver.port = server.servers[0].sockets[0].getsockname()[1]
    yield receiver
    server.should_exit = True
    await task


@asynccontextmanager
async def connected(
    port: int, secrets: dict[str, str] | None = None, **settings: Json
) -> AsyncIterator[WebhookConnector]:
    guard = Guard(allow=[("127.0.0.1", port)])
    given = {"url": f"http://127.0.0.1:{port}/hook", **settings}
    http = HttpClients(guard)
    values = WEBHOOK.validate(given, secrets or {}, guard)
    equipment = Equipment(
        settings=values, secrets=secrets or {}, account="a", guard=guard, http=http, clock=RealClock()
    )
    connector = WebhookConnector(equipment)
    yield connector
    await connector.close()
    await http.close()


def call(*records: dict[str, Json], attempt: int = 1) -> Call:
    return Call(
        id=CALL_ID,
        object="call",
        operation=Operation.INSERT,
        records=[
            CallRecord(id=f"b:{number}", tracking_key=f"t{number}", fields=fields)
            for number, fields in enumerate(records)
        ],
        columns=(),
        attempt=attempt,
    )


def numbered(count: int) -> list[dict[str, Json]]:
    return [{"n": number} for number in range(count)]


def kinds(result: CallResult) -> list[type[Outcome]]:
    return [type(outcome) for outcome in result.outcomes]


@pytest.mark.parametrize(
    ("body", "expected"),
    [("wrapped", '{"records":[{"b":1,"a":"é"},{"a":null}]}'), ("array", '[{"b":1,"a":"é"},{"a":null}]')],
)
async def test_a_batch_arrives_in_one_signed_request(receiver: Receiver, body: str, expected: str) -> None:
    async with connected(receiver.port, {"signing_secret": SECRET}, body=body) as connector:
        result = await connector.send(call({"b": 1, "a": "é"}, {"a": None}), NoJournal())
    assert kinds(result) == [Delivered, Delivered]
    assert receiver.bodies == [expected.encode()]
    headers = receiver.headers[0]
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == headers["idempotency-key"] == f"msg_{CALL_ID.hex}"
    assert headers["webhook-attempt"] == "1"
    standardwebhooks.Webhook(SECRET).verify(receiver.bodies[0], headers)
    svix.Webhook(SECRET).verify(receiver.bodies[0], headers)
    assert result.exchange.status == 200
    assert "2 records" in result.exchange.request


async def test_single_sends_the_record_itself_and_calls_are_cut_for_it(receiver: Receiver) -> None:
    async with connected(receiver.port, body="single") as connector:
        one = await connector.send(call({"n": 0}), NoJournal())
    assert kinds(one) == [Delivered]
    assert [json.loads(body) for body in receiver.bodies] == [{"n": 0}]
    assert receiver.ids == [f"msg_{CALL_ID.hex}"]
    settings: dict[str, Json] = {"url": "https://example.com"}
    single = WEBHOOK.operation(Operation.INSERT, {**settings, "body": "single"})
    wrapped = WEBHOOK.operation(Operation.INSERT, {**settings, "batch_size": 7})
    assert single is not None
    assert wrapped is not None
    assert (single.max_records, wrapped.max_records) == (1, 7)


async def test_every_attempt_has_equal_bytes_and_ids(receiver: Receiver) -> None:
    async with connected(receiver.port, {"signing_secret": SECRET}, batch_size=2) as connector:
        for attempt in (1, 2):
            await connector.send(call({"n": 1.5}, {"n": 2**70}, {"n": "x"}, attempt=attempt), NoJournal())
    assert receiver.bodies[0] == receiver.bodies[1]
    assert receiver.ids[0] == receiver.ids[1]
    assert [headers["webhook-attempt"] for headers in receiver.headers] == ["1", "2"]
    assert str(2**70).encode() in receiver.bodies[0]


async def test_who_we_are_is_shown_as_configured(receiver: Receiver) -> None:
    async with connected(receiver.port, {"token": "abc"}, auth="bearer", headers={"X-A": "b"}) as connector:
        await connector.send(call({}), NoJournal())
    async with connected(
        receiver.port, {"header_value": "k 1"}, auth="header", auth_header="X-Key"
    ) as connector:
        await connector.send(call({}), NoJournal())
    assert receiver.headers[0]["authorization"] == "Bearer abc"
    assert receiver.headers[0]["x-a"] == "b"
    assert receiver.headers[1]["x-key"] == "k 1"
    assert "webhook-signature" not in receiver.headers[0]


async def test_rotation_signs_with_both_until_the_old_one_expires(receiver: Receiver) -> None:
    old = "whsec_" + base64.b64encode(bytes(32)).decode()
    secrets = {"signing_secret": SECRET, "previous_signing_secret": old}
    for until in ("2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"):
        async with connected(receiver.port, secrets, previous_until=until) as connector:
            await connector.send(call({}), NoJournal())
    for secret in (SECRET, old):
        standardwebhooks.Webhook(secret).verify(receiver.bodies[0], receiver.headers[0])
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(old).verify(receiver.bodies[1], receiver.headers[1])


STATUSES: dict[int, tuple[type[Outcome], Reason, bool]] = {
    301: (Blocked, Reason.CONFIGURATION, False),
    302: (Deferred, Reason.UNAVAILABLE, False),
    400: (Rejected, Reason.INVALID_VALUE, True),
    401: (Blocked, Reason.CREDENTIALS, False),
    403: (Deferred, Reason.PERMISSION, False),
    404: (Deferred, Reason.UNAVAILABLE, False),
    409: (Rejected, Reason.DUPLICATE, False),
    410: (Blocked, Reason.ENDPOINT_GONE, False),
    413: (Rejected, Reason.TOO_LARGE, True),
    422: (Rejected, Reason.INVALID_VALUE, True),
    429: (Deferred, Reason.RATE_LIMITED, False),
    500: (Deferred, Reason.UNAVAILABLE, False),
    503: (Deferred, Reason.UNAVAILABLE, False),
}


@pytest.mark.parametrize("status", STATUSES)
async def test_an_answer_is_the_outcome_of_each_record(receiver: Receiver, status: int) -> None:
    kind, reason, bisect = STATUSES[status]
    receiver.answers = [Response("why", status, {"Location": "http://127.0.0.1:1/?k=v"})]
    async with connected(receiver.port) as connector:
        result = await connector.send(call({"n": 1}, {"n": 2}), NoJournal())
        alone = await connector.send(call({"n": 1}), NoJournal())
    assert kinds(result) == [kind, kind]
    assert isinstance(result.outcomes[0], Rejected | Deferred | Blocked)
    assert result.outcomes[0].reason is reason
    assert result.outcomes[0].vendor_code == str(status)
    assert (result.bisect, alone.bisect) == (bisect, False)
    assert len(receiver.bodies) == 2


async def test_a_conflict_counts_as_delivered_by_setting(receiver: Receiver) -> None:
    receiver.answers = [Response("", 409)]
    async with connected(receiver.port, conflict_is_success=True) as connector:
        assert kinds(await connector.send(call({}), NoJournal())) == [Delivered]


@pytest.mark.parametrize(
    "value", ["120", lambda now: (now + dt.timedelta(seconds=120)).strftime("%a, %d %b %Y %H:%M:%S GMT")]
)
async def test_retry_after_is_passed_on_in_both_forms(
    receiver: Receiver, value: str | Callable[[dt.datetime], str]
) -> None:
    text = value if isinstance(value, str) else value(dt.datetime.now(dt.UTC))
    receiver.answers = [Response("", 429, {"Retry-After": text})]
    async with connected(receiver.port) as connector:
        (outcome,) = (await connector.send(call({}), NoJournal())).outcomes
    assert isinstance(outcome, Deferred)
    assert outcome.scope is Scope.CONNECTION
    assert outcome.retry_after is not None
    assert 100 < outcome.retry_after.total_seconds() <= 120


async def test_a_forbidden_message_is_held_and_a_forbidden_connection_is_blocked(receiver: Receiver) -> None:
    no, yes = Response("", 403), Response("")
    receiver.answers = [no, no, yes, no, no, no, no]
    async with connected(receiver.port) as connector:
        results = [kinds(await connector.send(call({}), NoJournal()))[0] for _ in range(7)]
    assert results == [Deferred, Deferred, Delivered, Deferred, Deferred, Blocked, Blocked]


async def test_what_cannot_be_written_is_refused_alone(receiver: Receiver) -> None:
    bad: list[dict[str, Json]] = [{"a": "\ud800"}, {"a": 1}, {"b": ["\udfff"]}]
    async with connected(receiver.port) as connector:
        result = await connector.send(call(*bad), NoJournal())
        nothing = await connector.send(call(bad[0]), NoJournal())
    assert kinds(result) == [Rejected, Delivered, Rejected]
    assert kinds(nothing) == [Rejected]
    assert receiver.bodies == [b'{"records":[{"a":1}]}']


async def test_a_body_over_the_limit_is_not_sent(receiver: Receiver) -> None:
    async with connected(receiver.port) as connector:
        result = await connector.send(call({"a": "x" * 4_000_000}, {"a": "x" * 4_000_000}), NoJournal())
    assert kinds(result) == [Rejected, Rejected]
    assert result.bisect
    assert receiver.bodies == []


async def test_what_is_kept_of_an_exchange_holds_no_secret(receiver: Receiver) -> None:
    canary = "canary-3f9a7c"
    secrets = {"token": canary, "signing_secret": SECRET}
    echo = f"you sent Authorization: Bearer {canary} and {SECRET}, \x1b[31mBearer another-long-token\x00"
    receiver.answers = [Response(echo.replace("\x00", ""), 400), Response("a" * 100_000, 400)]
    url = f"http://127.0.0.1:{receiver.port}/hook?key={canary}"
    async with connected(receiver.port, secrets, auth="bearer", url=url) as connector:
        results = [await connector.send(call({"a": 1}), NoJournal()) for _ in range(2)]
    assert canary not in repr(results)
    assert SECRET not in repr(results)
    assert "another-long-token" not in repr(results)
    assert "\x1b" not in results[0].exchange.response
    assert len(results[1].exchange.response) == 16 * 1024


async def test_an_unknown_effect_is_uncertain_and_a_missing_server_is_not() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connected(port) as connector:
            lost = await connector.send(call({}), NoJournal())
    async with connected(port) as connector:
        absent = await connector.send(call({}), NoJournal())
    assert kinds(lost) == [Uncertain]
    assert isinstance(absent.outcomes[0], Deferred)
    assert absent.outcomes[0].reason is Reason.NETWORK


async def test_an_address_that_is_no_longer_allowed_blocks_the_connection(receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{receiver.port}/hook"
    guard = Guard()
    http = HttpClients(guard)
    equipment = Equipment(
        settings={"url": url}, secrets={}, account="a", guard=guard, http=http, clock=RealClock()
    )
    connector = WebhookConnector(equipment)
    result, report = await connector.send(call({}), NoJournal()), await connector.check()
    await http.close()
    assert isinstance(result.outcomes[0], Blocked)
    assert result.outcomes[0].reason is Reason.ADDRESS_NOT_ALLOWED
    assert "127.0.0.1" not in result.outcomes[0].message
    assert not report.passed
    assert receiver.bodies == []


@pytest.mark.parametrize(
    ("status", "passed"),
    [(200, True), (204, True), (404, True), (405, True), (401, False), (410, False), (302, False)],
)
async def test_check_asks_without_sending_a_message(receiver: Receiver, status: int, passed: bool) -> None:
    receiver.answers = [Response("", status)]
    async with connected(receiver.port, {"token": "abc"}, auth="bearer") as connector:
        report = await connector.check()
    assert report.passed is passed
    assert [step.name for step in report.steps] == ["address", "request"]
    assert (receiver.methods, receiver.bodies) == (["OPTIONS"], [b""])
    assert receiver.headers[0]["authorization"] == "Bearer abc"


async def test_a_call_with_any_field_is_what_is_offered(receiver: Receiver) -> None:
    async with connected(receiver.port) as connector:
        (offered,) = await connector.objects()
        assert (offered.name, offered.open_fields, list(await connector.fields("call"))) == ("call", True, [])
