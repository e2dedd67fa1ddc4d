"""The reference page lists every code and every request, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from formlane.api.codes import CODES
from tests.unit.api.asgi import call
from tests.unit.api.fakes import FakeServices

PAGE = (Path(__file__).parents[3] / "docs/reference/api.md").read_text(encoding="utf-8")


def test_every_code_has_a_line() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert listed == [(one.code, str(one.status), one.title, one.advice) for one in CODES.values()]


async def test_every_request_has_a_line() -> None:
    document = (await call(FakeServices().app(), "GET", "/openapi.json")).json()
    offered = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert set(re.findall(r"^\| `([A-Z]+ /v1\S+)` \|", PAGE, re.MULTILINE)) == offered


async def test_a_codes_address_explains_it() -> None:
    app = FakeServices().app()
    for code in CODES.values():
        answer = await call(app, "GET", f"/problems/{code.code}")
        assert (answer.status, answer.header("content-type")) == (200, "text/html; charset=utf-8")
        assert str(code.status) in answer.text
    assert (await call(app, "GET", "/problems/x")).status == 404


async def test_the_document_is_openapi_3_1_and_every_reference_leads_somewhere() -> None:
    document = (await call(FakeServices().app(), "GET", "/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    names = set(re.findall(r"#/components/schemas/([\w.-]+)", str(document)))
    assert names <= set(document["components"]["schemas"])
    assert {"FlowDocument", "FormDocument", "Problem"} <= names
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
