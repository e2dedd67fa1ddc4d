"""From a post to stored, sealed records on a real database."""

from __future__ import annotations

import asyncio
import json

from tests.e2e.api.world import World


async def test_a_post_is_stored_with_a_verdict_per_record(world: World) -> None:
    before = await world.counts()
    sent = [
        {"email": "ada@example.org", "age": 36},
        {"email": "nonsense", "age": "old"},
        {"email": "bob@example.org", "nickname": "Bobby"},
    ]
    answer = await world.push(json.dumps(sent).encode())
    assert answer.status == 202, answer.text
    told = answer.json()
    assert (told["records"], told["accepted"], told["rejected"]) == (3, 2, 1)
    assert [verdict["status"] for verdict in told["results"]] == ["accepted", "rejected", "accepted"]
    assert [fault["pointer"] for fault in told["results"][1]["errors"]] == ["/1/email", "/1/age"]
    assert "nickname" in told["results"][2]["warnings"][0]
    after = await world.counts()
    assert after["batches"] == before["batches"] + 1
    assert (after["accepted"], after["rejected"]) == (before["accepted"] + 3, before["rejected"] + 1)
    shown = (await world.request("GET", f"/v1/records/{told['results'][0]['id']}")).json()
    assert shown["values"] == sent[0]


async def test_a_repeat_is_answered_as_the_first_and_stored_once(world: World) -> None:
    body = b'[{"email": "ada@example.org"}, {"age": 1}]'
    answers = await asyncio.gather(*(world.push(body, idempotency_key="same") for _ in range(5)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body for answer in answers}) == 1
    assert sum(answer.header("idempotent-replayed") is None for answer in answers) == 1
    other = await world.push(b'[{"email": "bob@example.org"}]', idempotency_key="same")
    assert (other.status, other.json()["code"]) == (422, "idempotency_mismatch")
    assert (await world.request("GET", "/v1/batches")).json()["data"][0]["records"] == 2


async def test_when_no_record_is_valid_nothing_is_stored(world: World) -> None:
    before = await world.counts()
    answer = await world.push(b'{"records": [{"email": "x"}, 7]}')
    assert answer.status == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/records/0/email", "/records/1"]
    assert await world.counts() == before


async def test_a_form_without_routes_answers_409_and_stores_nothing(world: World) -> None:
    assert (await world.request("DELETE", f"/v1/routes/{world.route}")).status == 204
    before = await world.counts()
    answer = await world.push(b'[{"email": "ada@example.org"}]')
    assert (answer.status, answer.json()["code"]) == (409, "no_routes")
    assert await world.counts() == before


async def test_a_flow_takes_records_by_its_inputs(world: World) -> None:
    answer = await world.push(b'[{"email": "ada@example.org"}]', path=f"/v1/flows/{world.flow}/batches")
    assert answer.status == 202
    batch = (await world.request("GET", f"/v1/batches/{answer.json()['batch']}")).json()
    assert batch["source"] == world.flow


async def test_another_tenants_form_is_not_found(world: World) -> None:
    other = await world.other_key()
    known = await world.push(b'[{"email": "ada@example.org"}]', authorization=f"Bearer {other}")
    assert (known.status, known.json()["code"]) == (404, "not_found")


async def test_a_revoked_key_is_refused(world: World) -> None:
    made = (await world.request("POST", "/v1/api-keys", {"name": "push", "scopes": ["push"]})).json()
    bearer = f"Bearer {made['token']}"
    assert (await world.push(b'[{"email": "a@example.org"}]', authorization=bearer)).status == 202
    assert (await world.request("GET", "/v1/forms", key=made["token"])).status == 403
    assert (await world.request("DELETE", f"/v1/api-keys/{made['id']}")).status == 204
    assert (await world.push(b'[{"email": "a@example.org"}]', authorization=bearer)).status == 401
