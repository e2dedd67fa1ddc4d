"""The management API: set up, changed, looked at; and closed to everybody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.e2e.api.world import OPERATOR, World
from tests.unit.api.asgi import Answer, call

UNKNOWN = "01890000000070008000000000000000"
OPEN_TO_THE_OPERATOR = ("/v1/tenants", "/v1/tenants/{tenant}/api-keys")


async def operations(world: World) -> Iterator[tuple[str, str]]:
    """Method and path of everything in the OpenAPI document."""
    document = (await call(world.app, "GET", "/openapi.json")).json()
    return ((method.upper(), path) for path, item in document["paths"].items() for method in item)


def filled(world: World, path: str, *, unknown: bool = False) -> str:
    """The path with the world's ids, or with ids that nobody has."""
    known = {
        "connection": world.connection,
        "form": world.form,
        "flow": world.flow,
        "route": world.route,
        "tenant": world.tenant,
        "name": "call",
        "kind": "webhook",
    }
    prefixes = {"key": "key", "batch": "bat", "attempt": "att", "replay": "rpl"}

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name == "record":
            return f"rec_{UNKNOWN}_0"
        if name in prefixes:
            return f"{prefixes[name]}_{UNKNOWN}"
        if unknown and name not in ("name", "kind"):
            return f"{known[name].split('_')[0]}_{UNKNOWN}"
        return known[name]

    return re.sub(r"{(\w+)(?::path)?}", value, path)


def body_of(path: str, world: World) -> object:
    """A body that passes the shapes."""
    bodies: dict[str, object] = {
        "batches": [{"email": "ada@example.org"}],
        "credentials": {"secrets": {"bearer_token": "x"}},
        "rollback": {"version": 1},
        "draft": {"draft": {"inputs": [], "steps": []}},
        "api-keys": {"name": "k", "scopes": ["read"]},
        "tenants": {"name": "t"},
        "replays": {"flow": world.flow, "batch": f"bat_{UNKNOWN}"},
        "connections": {"name": "n", "kind": "webhook"},
        "check": {"name": "n", "kind": "webhook"},
        "flows": {"name": "n", "connection": world.connection, "draft": {"inputs": [], "steps": []}},
        "forms": {"definition": {"title": "t", "fields": [{"name": "a", "label": "A"}]}},
        "{form}": {"definition": {"title": "t", "fields": [{"name": "a", "label": "A"}]}},
        "routes": {"form": world.form, "flow": world.flow, "bindings": []},
        "{route}": {"bindings": []},
    }
    return bodies.get(path.rsplit("/", 1)[1], {})


async def ask(world: World, method: str, path: str, template: str, key: str) -> Answer:
    body = None if method == "GET" else body_of(template, world)
    return await world.request(method, path, body, key=key, if_match="*")


async def test_another_tenants_things_are_not_found_just_as_unknown_ones(world: World) -> None:
    other = await world.other_key()
    looked = 0
    for method, template in await operations(world):
        path, nowhere = filled(world, template), filled(world, template, unknown=True)
        if path == nowhere or "tenants" in path:
            continue
        answers = [await ask(world, method, place, template, other) for place in (path, nowhere)]
        assert [answer.status for answer in answers] == [404, 404], (method, template, answers[0].text)
        told = [{**answer.json(), "instance": "", "request_id": ""} for answer in answers]
        assert told[0] == told[1]
        looked += 1
    assert looked > 20


async def test_lists_show_nothing_of_another_tenant(world: World) -> None:
    await world.push(b'[{"email": "ada@example.org"}, {"email": "x"}]')
    other = await world.other_key()
    for method, template in await operations(world):
        if method != "GET" or "{" in template or "tenants" in template:
            continue
        query = {"/v1/records": "?value=ada@example.org", "/v1/ledger/recount": f"?flow={world.flow}"}
        answer = await world.request(method, template + query.get(template, ""), key=other)
        for id_ in (world.form, world.flow, world.connection, world.route, world.tenant):
            assert id_ not in answer.text.replace(template, ""), template


async def test_every_operation_needs_a_key_with_the_scope(world: World) -> None:
    push = (await world.request("POST", "/v1/api-keys", {"name": "p", "scopes": ["push"]})).json()["token"]
    read = (await world.request("POST", "/v1/api-keys", {"name": "r", "scopes": ["read"]})).json()["token"]
    for method, template in await operations(world):
        path = filled(world, template)
        bare = await call(world.app, method, path)
        assert (bare.status, bare.header("www-authenticate")) == (401, 'Bearer realm="formlane"'), path
        if template == "/v1/me" or (template.endswith("/batches") and method == "POST"):
            continue
        assert (await ask(world, method, path, template, push)).status == 403, (method, path)
        if method != "GET":
            assert (await ask(world, method, path, template, read)).status == 403, (method, path)


async def test_only_the_operator_sees_tenants(world: World) -> None:
    assert (await world.request("GET", "/v1/tenants")).status == 403
    names = [
        tenant["id"] for tenant in (await world.request("GET", "/v1/tenants", key=OPERATOR)).json()["data"]
    ]
    assert world.tenant in names
    assert (await world.request("GET", "/v1/forms", key=OPERATOR)).status == 401


async def test_me_says_whose_key_it_is(world: World) -> None:
    me = (await world.request("GET", "/v1/me")).json()
    assert (me["tenant"], me["scopes"]) == (world.tenant, ["manage"])


async def test_an_edit_needs_the_present_etag(world: World) -> None:
    path = f"/v1/forms/{world.form}"
    shown = await world.request("GET", path)
    etag = shown.header("etag")
    assert etag
    body = {"definition": shown.json()["definition"] | {"title": "Write to us"}}
    assert (await world.request("PUT", path, body)).status == 428
    assert (await world.request("PUT", path, body, if_match='"999"')).status == 412
    changed = await world.request("PUT", path, body, if_match=etag)
    assert (changed.status, changed.json()["definition"]["title"]) == (200, "Write to us")
    assert changed.header("etag") != etag
    stale = await world.request("PUT", path, body, if_match=etag)
    assert (stale.status, stale.json()["code"]) == (412, "precondition_failed")
    assert (await world.request("PUT", path, body, if_match="*")).status == 200


async def test_a_draft_and_a_connection_are_edited_alike(world: World) -> None:
    flow = await world.request("GET", f"/v1/flows/{world.flow}")
    draft = {"draft": flow.json()["draft"], "name": "Renamed"}
    path = f"/v1/flows/{world.flow}/draft"
    assert (await world.request("PUT", path, draft, if_match='"77"')).status == 412
    answer = await world.request("PUT", path, draft, if_match=flow.header("etag") or "")
    assert (answer.status, answer.json()["name"]) == (200, "Renamed")
    path = f"/v1/connections/{world.connection}"
    shown = await world.request("GET", path)
    change = {"name": "Other name"}
    assert (await world.request("PATCH", path + "?check=false", change, if_match='"77"')).status == 412
    answer = await world.request("PATCH", path + "?check=false", change, if_match=shown.header("etag") or "")
    assert (answer.status, answer.json()["name"]) == (200, "Other name")
    assert answer.json()["settings"] == shown.json()["settings"]


async def test_secrets_go_in_and_never_come_out(world: World) -> None:
    path = f"/v1/connections/{world.connection}"
    schema = (await world.request("GET", "/v1/destinations/webhook")).json()["secrets_schema"]
    name = next(iter(schema["properties"]))
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    answer = await world.request("PUT", f"{path}/credentials?check=false", {"secrets": {name: secret}})
    assert answer.status == 200, answer.text
    assert name in answer.json()["secrets"]
    for text in (
        answer.text,
        (await world.request("GET", path)).text,
        (await world.request("GET", "/v1/connections")).text,
    ):
        assert secret not in text
        assert secret[6:30] not in text


async def test_faults_of_a_body_are_told_by_place_and_in_plain_words(world: World) -> None:
    async def errors(method: str, path: str, body: object, **headers: str) -> list[dict[str, Any]]:
        answer = await world.request(method, path, body, **headers)
        assert answer.status == 422, answer.text
        found: list[dict[str, Any]] = answer.json()["errors"]
        return found

    assert await errors("POST", "/v1/forms", {"nam": 1}) == [
        {"pointer": "/definition", "code": "missing", "message": "definition is required."},
        {"pointer": "/nam", "code": "extra_forbidden", "message": "nam is not known here."},
    ]
    deep = {"definition": {"title": "t", "fields": [{"name": "a", "label": "A", "typ": "text"}]}}
    [found] = await errors("POST", "/v1/forms", deep)
    assert (found["pointer"], found["code"]) == ("/definition/fields/0/typ", "unknown_key")
    [found] = await errors(
        "POST",
        "/v1/forms",
        {"definition": {"title": "t", "fields": [{"name": "a", "label": "A", "type": "enum"}]}},
    )
    assert found["pointer"] == "/definition/fields/0/choices"
    [found] = await errors(
        "POST", "/v1/connections", {"name": "x", "kind": "webhook", "settings": {"url": 3}}
    )
    assert found["pointer"] == "/settings/url"
    [found] = await errors("POST", "/v1/routes", {"form": "form_1", "flow": world.flow, "bindings": []})
    assert (found["pointer"], found["code"]) == ("/form", "invalid_id")
    [found] = await errors("POST", "/v1/replays", {"flow": world.flow})
    assert "exactly one of" in found["message"]
    flow = {"name": "n", "connection": world.connection, "draft": {"inputs": [], "steps": [{"name": "s"}]}}
    [found] = await errors("POST", "/v1/flows", flow)
    assert found["pointer"] == "/draft/steps/0/object"


async def test_faults_of_a_query_name_the_parameter(world: World) -> None:
    for query, pointer in (("limit=0", "/limit"), ("limit=x", "/limit"), ("cursor=%21", "/cursor")):
        answer = await world.request("GET", f"/v1/batches?{query}")
        assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    answer = await world.request("GET", f"/v1/flows/{world.flow}/stats?since=2026-01-01T00:00:00")
    assert "time zone" in answer.json()["detail"]


async def test_pages_hold_everything_once(world: World) -> None:
    told = [
        (await world.push(b'[{"email": "ada%d@example.org"}]' % number)).json()["batch"]
        for number in range(5)
    ]
    for path, wanted in (("/v1/batches", told[::-1]), ("/v1/flows?", [world.flow])):
        found: list[str] = []
        cursor = ""
        while True:
            joint = "" if path.endswith("?") else "?"
            page = (await world.request("GET", f"{path}{joint}limit=2{cursor}")).json()
            found += [one["id"] for one in page["data"]]
            assert page["has_more"] == (page["next_cursor"] is not None)
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert found == wanted


async def test_a_record_can_be_followed(world: World) -> None:
    sent = b'[{"email": "ada@example.org"}, {"email": "no"}]'
    told = (await world.push(sent)).json()
    records = (await world.request("GET", f"/v1/batches/{told['batch']}/records?limit=1")).json()
    assert records["has_more"] is True
    good, bad = (verdict["id"] for verdict in told["results"])
    shown = (await world.request("GET", f"/v1/records/{good}")).json()
    assert (shown["source"], shown["states"][0]["flow"], shown["states"][0]["status"]) == (
        world.form,
        world.flow,
        "queued",
    )
    refused = (await world.request("GET", f"/v1/records/{bad}")).json()
    assert refused["states"][0]["status"] == "rejected"
    found = (await world.request("GET", "/v1/records?value=ada@example.org")).json()
    assert good in [record["id"] for record in found["data"]]
    failures = (await world.request("GET", "/v1/failures?limit=1")).json()
    assert failures["data"][0]["record"] == bad
    assert (await world.request("GET", "/v1/error-groups")).json()["data"][0]["records"] == 1
    assert (await world.request("GET", f"/v1/records/{good}/attempts")).json() == {"data": []}
    assert (await world.request("GET", f"/v1/records/{good}/receipt")).status == 200
    sums = (await world.request("GET", f"/v1/ledger?flow={world.flow}")).json()["data"]
    assert [(one["source"], one["accepted"], one["in_flight"]) for one in sums] == [(world.form, 1, 1)]
    assert (await world.request("GET", f"/v1/ledger/recount?flow={world.flow}")).json()["balances"] is True
    stats = (await world.request("GET", f"/v1/flows/{world.flow}/stats")).json()
    assert (stats["accepted"], stats["queued"]) == (1, 1)


async def test_failures_are_paged_without_gaps(world: World) -> None:
    for number in range(5):
        await world.push(b'[{"email": "ada@example.org"}, {"email": "no"}, {"email": "no%d"}]' % number)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await world.request("GET", f"/v1/failures?limit=3{cursor}")).json()
        found += [one["record"] for one in page["data"]]
        cursor = f"&cursor={page['next_cursor']}" if page["has_more"] else None
    assert len(found) == len(set(found)) == 10
    assert found == sorted(found)


async def test_pauses_are_seen_and_ended(world: World) -> None:
    paused = await world.request("POST", f"/v1/flows/{world.flow}/pause", {"message": "Stocktaking"})
    assert paused.json()["pauses"][0]["message"] == "Stocktaking"
    await world.request("POST", f"/v1/connections/{world.connection}/pause", {})
    listed = (await world.request("GET", "/v1/pauses")).json()["data"]
    assert {pause["about"] for pause in listed} == {world.flow, world.connection}
    await world.request("POST", f"/v1/flows/{world.flow}/resume", {})
    await world.request("POST", f"/v1/connections/{world.connection}/resume", {})
    assert (await world.request("GET", "/v1/pauses")).json() == {"data": []}
    assert (await world.request("GET", "/v1/alerts")).status == 200


async def test_versions_are_listed_and_rolled_back_to(world: World) -> None:
    flow = await world.request("GET", f"/v1/flows/{world.flow}")
    draft = flow.json()["draft"] | {"shards": 3}
    await world.request("PUT", f"/v1/flows/{world.flow}/draft", {"draft": draft}, if_match="*")
    checked = (await world.request("POST", f"/v1/flows/{world.flow}/validate", {"describe": False})).json()
    assert checked["publishable"] is True
    published = await world.request(
        "POST", f"/v1/flows/{world.flow}/publish", {"note": "three", "describe": False}
    )
    assert published.json()["version"] == 2
    listed = (await world.request("GET", f"/v1/flows/{world.flow}/versions")).json()["data"]
    assert [one["version"] for one in listed] == [2, 1]
    back = await world.request("POST", f"/v1/flows/{world.flow}/rollback", {"version": 1})
    assert back.json()["version"] in (1, 3)
    assert (await world.request("GET", f"/v1/flows/{world.flow}")).json()["version"] == back.json()["version"]


async def test_text_that_cannot_be_kept_is_refused(world: World) -> None:
    headers = {"authorization": f"Bearer {world.key}", "content-type": "application/json"}
    body = b'{"definition": {"title": "a\\u0000b", "fields": [{"name": "a", "label": "A"}]}}'
    answer = await call(world.app, "POST", "/v1/forms", body=body, headers=headers)
    assert (answer.status, answer.json()["code"]) == (422, "invalid_input")
    literal = body.replace(b"\\u0000", b"\\\\u0000")
    assert (await call(world.app, "POST", "/v1/forms", body=literal, headers=headers)).status == 201


async def test_health_needs_no_key(world: World) -> None:
    assert (await call(world.app, "GET", "/healthz")).status == 200
    assert (await call(world.app, "GET", "/readyz")).status == 200
