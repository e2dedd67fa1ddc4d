"""A server that takes batches as the PUSH API does, and clients for it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from formlane.cli.client import ApiClient, open_client


@dataclass(slots=True)
class Intake:
    """Keeps what was accepted, once per idempotency key. `troubles` are answers to give first."""

    accepted: list[dict[str, object]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    troubles: list[Callable[[web.Request, bytes], web.StreamResponse | None]] = field(default_factory=list)
    answers: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/{forms,flows}/{id}/batches`."""
        body = await request.read()
        key = request.headers["idempotency-key"]
        self.keys.append(key)
        self.bodies.append(body)
        if self.troubles and (trouble := self.troubles.pop(0)(request, body)):
            return trouble
        digest = sha256(body).digest()
        if key in self.answers:
            kept, answer = self.answers[key]
            if kept != digest:
                return problem(422, "idempotency_mismatch", "The key was used for another body.")
            return web.Response(body=answer, status=202, headers={"idempotent-replayed": "true"})
        if b"poison" in body:
            return problem(400, "number_out_of_range", "A number does not fit into 64 bits.")
        records = orjson.loads(body)
        results = [self._verdict(index, record) for index, record in enumerate(records)]
        if all(one["status"] == "rejected" for one in results):
            errors = [
                {**error, "pointer": f"/{i}/bad"} for i, one in enumerate(results) for error in one["errors"]
            ]
            return problem(422, "invalid_input", "No record is valid.", errors=errors)
        answer = orjson.dumps({"batch": "bat_1", "records": len(records), "results": results})
        self.answers[key] = (digest, answer)
        self.accepted += [
            record for record, one in zip(records, results, strict=True) if one["status"] == "accepted"
        ]
        return web.Response(body=answer, status=202)

    @staticmethod
    def _verdict(index: int, record: dict[str, object]) -> dict[str, Any]:
        verdict: dict[str, Any] = {"id": f"rec_1_{index}", "status": "accepted"}
        if "bad" in record:
            fault = {"pointer": f"/{index}/bad", "code": "invalid", "message": "bad is not good."}
            verdict |= {"status": "rejected", "errors": [fault]}
        if "odd" in record:
            verdict["warnings"] = ["The field odd is not expected here; it is kept, and not delivered."]
        return verdict


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: object = (),
    headers: dict[str, str] | None = None,
) -> web.Response:
    """A problem document."""
    document = {"code": code, "detail": detail, "status": status, "errors": errors}
    return web.Response(
        body=orjson.dumps(document), status=status, content_type="application/problem+json", headers=headers
    )


@pytest.fixture
def intake() -> Intake:
    """What the server keeps."""
    return Intake()


@pytest.fixture
async def server(intake: Intake) -> AsyncIterator[TestServer]:
    """The server, on a free port of this machine."""
    app = web.Application()
    app.router.add_post("/v1/{kind}/{id}/batches", intake.take)
    started = TestServer(app)
    async with started:
        yield started


@pytest.fixture
async def client(server: TestServer) -> AsyncIterator[ApiClient]:
    """A client of it."""
    async with open_client(str(server.make_url("")), "fl_test_key") as opened:
        yield opened


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
