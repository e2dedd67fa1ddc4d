"""Health, metrics, and answers where there is no route."""

from __future__ import annotations

import structlog
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from formlane.api.options import ApiSettings
from formlane.errors import Unavailable
from tests.unit.api.asgi import call
from tests.unit.api.fakes import FORM_PATH, FakeIntake, FakeServices, push_headers


async def test_alive_does_not_mean_ready() -> None:
    services = FakeServices()
    app = services.app()
    assert [(await call(app, "GET", path)).status for path in ("/healthz", "/readyz")] == [200, 200]
    services.away = Unavailable("The database does not answer.")
    assert (await call(app, "GET", "/healthz")).status == 200
    answer = await call(app, "GET", "/readyz")
    assert (answer.status, answer.json()["code"], answer.header("retry-after")) == (503, "unavailable", "2")


async def test_metrics_are_a_page() -> None:
    answer = await call(FakeServices().app(), "GET", "/metrics")
    assert (answer.status, answer.body) == (200, b"up 1\n")


async def test_requests_are_counted_by_route_and_never_by_path() -> None:
    app = FakeServices().app()
    labels = {"route": "/v1/forms/{id}/batches", "status": "202"}
    before = REGISTRY.get_sample_value("formlane_requests_total", labels) or 0
    await call(app, "POST", FORM_PATH, body=b"[{}]", headers=push_headers())
    await call(app, "GET", "/secret-path-of-a-client")
    assert REGISTRY.get_sample_value("formlane_requests_total", labels) == before + 1
    routes = {
        sample.labels["route"]
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "formlane_requests_total"
    }
    assert not any("secret-path" in route for route in routes)


async def test_no_route_and_no_method_are_problems_too() -> None:
    app = FakeServices().app()
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("POST", "/healthz", 405),
        ("GET", FORM_PATH, 405),
        ("DELETE", "/v1/me", 405),
    ):
        answer = await call(app, method, path)
        assert (answer.status, answer.header("content-type")) == (status, "application/problem+json")
        assert (answer.header("allow") is not None) == (status == 405)


async def test_log_lines_carry_the_request_id_of_the_answer() -> None:
    services = FakeServices(intake=FakeIntake(RuntimeError("broken")))
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        answer = await call(services.app(), "POST", FORM_PATH, body=b"[{}]", headers=push_headers())
    assert [line["event"] for line in lines] == ["A request failed.", "Request answered."]
    assert {line["request_id"] for line in lines} == {answer.header("x-request-id")}
    assert lines[1]["route"] == "/v1/forms/{id}/batches"


async def test_browsers_are_told_to_stay_on_https_only_where_there_is_https() -> None:
    name = "strict-transport-security"
    assert (await call(FakeServices().app(), "GET", "/healthz")).header(name) is None
    secure = FakeServices().app(ApiSettings(secure=True))
    assert (await call(secure, "GET", "/healthz")).header(name) is not None
