"""Connections: validated, sealed, checked, paused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from formlane.domain.types import Json
from formlane.errors import Conflict, InvalidInput, NotFound
from formlane.services.connections import ConnectionChange
from formlane.services.ports.connections import PauseScope
from formlane.store.connect import Pool
from tests.integration.services.world import WEBHOOK, World

SECRET = WEBHOOK.secrets["signing_secret"]


async def test_what_was_entered_comes_back_without_its_secrets(world: World, alice: UUID) -> None:
    view = await world.connections.create(alice, "webhook", WEBHOOK, check=False)
    connection = view.connection
    assert connection.settings["url"] == "https://example.com/hook"
    assert connection.secrets == {"signing_secret": f"***{str(SECRET)[-4:]}"}
    assert str(SECRET) not in repr(view)
    assert (view.health.pace.rate, view.health.paused, view.pauses) == (50.0, False, [])
    assert [one.connection.id for one in await world.connections.list(alice)] == [connection.id]


async def test_secrets_are_sealed_where_they_lie_and_opened_for_a_call_only(
    world: World, alice: UUID, admin_pool: Pool
) -> None:
    connection = (await world.connections.create(alice, "webhook", WEBHOOK, check=False)).connection
    row = await admin_pool.fetchrow(
        "SELECT string_agg(s::text, '') FROM formlane.secrets s WHERE connection_id = $1", connection.id
    )
    assert str(SECRET).encode().hex() not in str(row)
    assert world.opened == []
    account = await world.accounts.get(alice, connection.id)
    assert (await account.secrets())["signing_secret"] == SECRET
    await account.secrets()
    assert [(one.connection, one.field) for one in world.opened] == [(connection.id, "signing_secret")]


@pytest.mark.parametrize(
    ("settings", "secrets", "limits", "pointer"),
    [
        ({}, {}, {}, "/settings/url"),
        ({"url": "https://example.com", "colour": "red"}, {}, {}, "/settings/colour"),
        ({"url": "https://127.0.0.1/"}, {}, {}, "/settings/url"),
        ({"url": "https://example.com"}, {"password": "x"}, {}, "/secrets/password"),
        ({"url": "https://example.com"}, {}, {"rate": 0}, "/limits/rate"),
        ({"url": "https://example.com"}, {}, {"concurrency": True}, "/limits/concurrency"),
        ({"url": "https://example.com"}, {}, {"speed": 1}, "/limits/speed"),
    ],
)
async def test_bad_entries_are_told_by_name_and_nothing_is_kept(
    world: World,
    alice: UUID,
    settings: Mapping[str, Json],
    secrets: Mapping[str, str | None],
    limits: Mapping[str, Json],
    pointer: str,
) -> None:
    change = ConnectionChange(name="Bad", settings=settings, secrets=secrets, limits=limits)
    with pytest.raises(InvalidInput) as refusal:
        await world.connections.create(alice, "webhook", change, check=False)
    assert pointer in {problem.pointer for problem in refusal.value.problems}
    assert await world.connections.list(alice) == []


async def test_saving_is_gated_by_the_check(world: World, alice: UUID) -> None:
    settings: Mapping[str, Json] = {"url": "http://127.0.0.1:1/", "allow_http": True}
    change = replace(WEBHOOK, settings=settings)
    with pytest.raises(InvalidInput) as refusal:
        await world.connections.create(alice, "webhook", change)
    assert refusal.value.problems[0].code == "check_failed"
    assert await world.connections.list(alice) == []
    report = await world.connections.check_unsaved(alice, "webhook", change)
    assert not report.passed
    saved = await world.connections.create(alice, "webhook", change, check=False)
    assert not (await world.connections.check(alice, saved.connection.id)).passed
    kept = await world.connections.get(alice, saved.connection.id)
    assert kept.connection.check_report is not None
    assert kept.connection.check_report["passed"] is False


async def test_names_are_unique_per_tenant(world: World, alice: UUID, charlie: UUID) -> None:
    await world.connections.create(alice, "webhook", WEBHOOK, check=False)
    await world.connections.create(charlie, "webhook", WEBHOOK, check=False)
    with pytest.raises(Conflict):
        await world.connections.create(alice, "webhook", WEBHOOK, check=False)


async def test_a_change_keeps_the_secrets_that_were_not_given(world: World, alice: UUID) -> None:
    first = (await world.connections.create(alice, "webhook", WEBHOOK, check=False)).connection
    change = replace(WEBHOOK, settings={"url": "https://example.org/"}, secrets={}, limits={"rate": 5})
    view = await world.connections.update(alice, first.id, change, check=False)
    assert view.connection.revision == first.revision + 1
    assert view.health.pace.rate == 5.0
    account = await world.accounts.get(alice, first.id)
    assert account.settings["url"] == "https://example.org/"
    assert (await account.secrets())["signing_secret"] == SECRET


async def test_two_who_change_the_same_are_told(world: World, alice: UUID) -> None:
    first = (await world.connections.create(alice, "webhook", WEBHOOK, check=False)).connection
    await world.connections.update(alice, first.id, WEBHOOK, revision=first.revision, check=False)
    with pytest.raises(Conflict) as refusal:
        await world.connections.update(alice, first.id, WEBHOOK, revision=first.revision, check=False)
    assert refusal.value.code == "changed"


async def test_a_secret_can_be_taken_away(world: World, alice: UUID) -> None:
    secrets = {"signing_secret": SECRET, "token": "bearer-token-of-some-length"}
    change = replace(WEBHOOK, settings={"url": "https://example.com/", "auth": "bearer"}, secrets=secrets)
    first = (await world.connections.create(alice, "webhook", change, check=False)).connection
    assert set(first.secrets) == {"signing_secret", "token"}
    less = replace(WEBHOOK, secrets={"token": None})
    view = await world.connections.update(alice, first.id, less, check=False)
    assert set(view.connection.secrets) == {"signing_secret"}


async def test_new_credentials_end_what_waited_for_them_and_leave_what_a_person_asked(
    world: World, alice: UUID
) -> None:
    first = (await world.connections.create(alice, "webhook", WEBHOOK, check=False)).connection
    async with world.store.tenant(alice) as unit:
        await unit.pauses.add(PauseScope.CONNECTION, first.id, "credentials", until=None, message="401")
    await world.connections.pause(alice, first.id, message="Holidays")
    view = await world.connections.update(alice, first.id, WEBHOOK, check=False)
    assert [pause.reason for pause in view.pauses] == ["user"]
    assert view.health.paused
    view = await world.connections.resume(alice, first.id)
    assert (view.pauses, view.health.paused) == ([], False)


async def test_a_paused_connection_holds_its_lanes_and_resuming_lets_them_go(
    world: World, alice: UUID
) -> None:
    flow = await world.published(alice, key=["email"], shards=4)
    await world.connections.pause(alice, flow.connection)
    records = [{"email": f"p{index}@example.com"} for index in range(40)]
    await world.intake.accept(alice, flow.id, records)
    assert await world.deliver() == 0
    await world.connections.resume(alice, flow.connection)
    assert await world.deliver() == 4
    assert await world.ledger.misbalances(alice, flow.id) == []


async def test_a_connection_in_use_stays(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    with pytest.raises(Conflict):
        await world.connections.delete(alice, flow.connection)
    change = replace(WEBHOOK, name="Spare")
    spare = (await world.connections.create(alice, "webhook", change, check=False)).connection
    await world.connections.delete(alice, spare.id)
    with pytest.raises(NotFound):
        await world.connections.get(alice, spare.id)


async def test_the_connection_of_another_tenant_does_not_exist(
    world: World, alice: UUID, charlie: UUID
) -> None:
    mine = (await world.connections.create(alice, "webhook", WEBHOOK, check=False)).connection
    with pytest.raises(NotFound):
        await world.connections.get(charlie, mine.id)
    with pytest.raises(NotFound):
        await world.connections.update(charlie, mine.id, WEBHOOK, check=False)
    with pytest.raises(NotFound):
        await world.connections.pause(charlie, mine.id)
    with pytest.raises(NotFound):
        await world.accounts.get(charlie, mine.id)


async def test_objects_and_fields_are_asked_of_the_engine(world: World, alice: UUID) -> None:
    mine = (await world.connections.create(alice, "webhook", WEBHOOK, check=False)).connection
    assert [one.name for one in await world.connections.objects(alice, mine.id)] == ["call"]
    assert await world.connections.fields(alice, mine.id, "call") == []
    assert {one.kind for one in world.connections.destinations()} >= {"salesforce", "sftp", "webhook"}
    with pytest.raises(NotFound):
        world.connections.destination("carrier pigeon")
