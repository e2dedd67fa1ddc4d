"""Flows, routes, releases and lanes, as they are published and changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import asyncssh
import pytest

from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    KeyInput,
    Source,
    SourceKind,
    Step,
    WindowSetting,
)
from formlane.domain.forms import Binding, FormField
from formlane.domain.ids import new_id
from formlane.domain.lanes import Queue
from formlane.domain.types import FieldType, Json
from formlane.errors import Conflict, InvalidInput, NotFound
from formlane.mapping.findings import Severity
from formlane.services.connections import ConnectionChange
from formlane.services.ports.flows import Flow, OpenLane
from formlane.services.recipes import Recipe
from formlane.store.connect import Pool
from tests.integration.services.world import BINDINGS, FORM, WEBHOOK, World, flow_definition

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
EMAILS = [{"email": f"p{index}@example.com", "name": f"P{index}"} for index in range(20)]


async def open_lanes(world: World, flow: Flow) -> list[OpenLane]:
    tenant = await owner(world, flow)
    async with world.store.tenant(tenant) as unit:
        return list(await unit.lanes.open([flow.id]))


async def owner(world: World, flow: Flow) -> UUID:
    for tenant in await world.tenants.list():
        async with world.store.tenant(tenant.id) as unit:
            if any(one.id == flow.id for one in await unit.flows.all()):
                return tenant.id
    raise AssertionError("nobody's flow")


def mapped(recipe: Recipe, form: UUID, record: Mapping[str, Json]) -> object:
    """What a worker sends of a form's record."""
    map_record, acceptance = recipe.mapper(form, new_id(0), dt.datetime.now(dt.UTC))
    return map_record(record, acceptance, 0, "")


async def change(world: World, tenant: UUID, flow: Flow, draft: FlowDefinition) -> Flow:
    """Publishes another definition."""
    now = (await world.flows.get(tenant, flow.id)).flow
    await world.flows.update_draft(tenant, flow.id, draft=draft, draft_revision=now.draft_revision)
    return (await world.flows.publish(tenant, flow.id)).flow


async def test_publishing_makes_a_version_a_release_and_lanes(
    world: World, alice: UUID, admin_pool: Pool
) -> None:
    flow = await world.published(alice, key=["email"], shards=4)
    assert (flow.version, flow.release, flow.generation) == (1, 1, 1)
    assert [lane.shard for lane in await open_lanes(world, flow)] == [0, 1, 2, 3]
    rows = await admin_pool.fetch(
        "SELECT DISTINCT call_rows, window_rows, window_length FROM formlane.lanes WHERE flow_id = $1",
        flow.id,
    )
    batch_size = flow_batch_size(world)
    assert [tuple(row) for row in rows] == [(batch_size, max(800, 8 * batch_size), None)]


def flow_batch_size(world: World) -> int:
    [declared] = [
        one for one in world.connections.destination("webhook").settings if one.name == "batch_size"
    ]
    assert isinstance(declared.default, int)
    return declared.default


async def test_a_version_never_changes(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    before = (await world.flows.versions(alice, flow.id))[0]
    await change(world, alice, flow, flow_definition(key=["name"]))
    versions = await world.flows.versions(alice, flow.id)
    assert [one.version for one in versions] == [2, 1]
    assert versions[1] == before


async def test_a_draft_has_an_etag(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    await world.flows.update_draft(alice, flow.id, draft=flow.draft, draft_revision=1, name="New name")
    with pytest.raises(Conflict) as refusal:
        await world.flows.update_draft(alice, flow.id, draft=flow.draft, draft_revision=1)
    assert refusal.value.code == "changed"
    view = await world.flows.get(alice, flow.id)
    assert (view.flow.name, view.flow.draft_revision) == ("New name", 2)


@pytest.mark.parametrize(
    ("broken", "pointer"),
    [
        (lambda one: replace(one, key_input=KeyInput(inputs=("nobody",))), "/key_input/inputs/0"),
        (lambda one: replace(one, steps=(*one.steps, one.steps[0])), "/steps/1/name"),
        (lambda one: replace(one, steps=()), "/steps"),
        (
            lambda one: replace(
                one,
                steps=(
                    replace(
                        one.steps[0],
                        mapping=(
                            FieldMapping(
                                target="x", source=Source(kind=SourceKind.FORMULA, formula="UPPER(emial)")
                            ),
                        ),
                    ),
                ),
            ),
            "/steps/0/mapping/0/source/formula",
        ),
        (lambda one: replace(one, steps=(replace(one.steps[0], object="nothing"),)), "/steps/0/object"),
    ],
)
async def test_what_cannot_work_is_not_published(
    world: World, alice: UUID, broken: object, pointer: str
) -> None:
    flow = await world.published(alice)
    assert callable(broken)
    draft = broken(flow.draft)
    await world.flows.update_draft(alice, flow.id, draft=draft, draft_revision=1)
    with pytest.raises(InvalidInput) as refusal:
        await world.flows.publish(alice, flow.id)
    assert pointer in {problem.pointer for problem in refusal.value.problems}
    findings = await world.flows.validate(alice, flow.id)
    assert findings[0].severity is Severity.ERROR
    assert (await world.flows.get(alice, flow.id)).flow.version == 1


async def test_an_input_that_a_route_does_not_bind_stops_publishing(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    await world.attached(alice, flow)
    more = flow_definition(
        inputs=[
            ("email", FieldType.EMAIL, True),
            ("name", FieldType.STRING, False),
            ("age", FieldType.INTEGER, False),
        ]
    )
    with pytest.raises(InvalidInput) as refusal:
        await change(world, alice, flow, more)
    [problem] = refusal.value.problems
    assert (problem.code, "age" in problem.message, "Contact us" in problem.message) == (
        "unbound_input",
        True,
        True,
    )


async def test_the_same_key_keeps_its_lanes(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"])
    before = await open_lanes(world, flow)
    after = await change(world, alice, flow, replace(flow.draft, strict=True))
    assert await open_lanes(world, flow) == before
    assert (after.version, after.release, after.generation) == (2, 2, 1)


async def test_another_key_waits_until_the_old_order_has_drained(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"])
    await world.intake.accept(alice, flow.id, EMAILS)
    old = {lane.lane for lane in await open_lanes(world, flow)}
    after = await change(world, alice, flow, flow_definition(key=["name"], shards=3))
    new = {lane.lane for lane in await open_lanes(world, flow)}
    assert (after.generation, len(new), old & new) == (2, 3, set())
    await world.intake.accept(alice, flow.id, EMAILS)
    await world.duties.release_drained()  # too early for these lanes: only the old ones are leased
    leased = await world.lease()
    assert {lease.lane for lease in leased} <= old
    assert leased
    for lease in leased:
        await world.lanes.settle([await world.settlement(lease)])
    assert await world.deliver() == 0
    await world.duties.release_drained()
    assert await world.deliver() > 0
    stats = await world.flows.stats(alice, flow.id)
    assert (stats.delivered, stats.in_flight, stats.work.queued) == (40, 0, 0)
    assert await world.ledger.misbalances(alice, flow.id) == []


async def test_new_lanes_of_a_paused_flow_stay_paused_once_drained(world: World, alice: UUID) -> None:
    flow = await world.published(alice, key=["email"])
    await world.flows.pause(alice, flow.id)
    await change(world, alice, flow, flow_definition(key=["name"]))
    await world.intake.accept(alice, flow.id, EMAILS)
    await world.duties.release_drained()
    assert await world.deliver() == 0
    await world.flows.resume(alice, flow.id)
    assert await world.deliver() > 0


async def test_rolling_back_is_a_new_release_of_an_old_version(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    await change(world, alice, flow, replace(flow.draft, strict=True))
    back = await world.flows.rollback(alice, flow.id, 1)
    assert (back.version, back.release) == (1, 3)
    await world.intake.accept(alice, flow.id, [{"email": "a@example.com", "unknown": 1}])
    with pytest.raises(NotFound):
        await world.flows.rollback(alice, flow.id, 9)


async def test_a_draft_that_changes_while_it_is_checked_is_not_published(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    asked = world.engine.fields

    async def slow(account: object, name: str) -> object:
        await world.flows.update_draft(alice, flow.id, draft=flow.draft, draft_revision=1)
        return await asked(account, name)  # type: ignore[arg-type]  # passes on what it was given

    world.engine.fields = slow  # type: ignore[method-assign, assignment]  # a person edits meanwhile
    with pytest.raises(Conflict) as refusal:
        await world.flows.publish(alice, flow.id)
    assert refusal.value.code == "changed"


async def test_a_paused_flow_holds_its_records(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    view = await world.flows.pause(alice, flow.id, message="Cut-over")
    assert [(one.reason, one.until, one.message) for one in view.pauses] == [("user", None, "Cut-over")]
    await world.intake.accept(alice, flow.id, EMAILS)
    assert await world.deliver() == 0
    assert (await world.flows.resume(alice, flow.id)).pauses == []
    assert await world.deliver() == 1


async def test_one_reason_less_leaves_the_others(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    await world.flows.pause(alice, flow.id)
    await world.intake.accept(alice, flow.id, EMAILS)
    view = await world.flows.resume(alice, flow.id, reasons=["drift"])
    assert [one.reason for one in view.pauses] == ["user"]
    assert await world.deliver() == 0


async def test_all_flows_of_a_form_are_on_one_connection(world: World, alice: UUID) -> None:
    one, two = await world.published(alice), await world.published(alice, name="Two")
    form = await world.attached(alice, one)
    with pytest.raises(Conflict) as refusal:
        await world.routes.attach(alice, form=form.id, flow=two.id, bindings=BINDINGS)
    assert refusal.value.code == "other_connection"
    with pytest.raises(Conflict) as refusal:
        await world.routes.attach(alice, form=form.id, flow=one.id, bindings=BINDINGS)
    assert refusal.value.code == "attached"


async def test_bindings_must_name_what_exists(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    form = (await world.forms.create(alice, FORM)).form
    with pytest.raises(InvalidInput) as refusal:
        await world.routes.attach(
            alice, form=form.id, flow=flow.id, bindings=[Binding(input="email", field="male")]
        )
    assert {problem.code for problem in refusal.value.problems} == {"unknown_field", "unbound_input"}


async def test_a_release_freezes_its_bindings(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    form = await world.attached(alice, flow)
    [route] = await world.routes.list(alice, form=form.id)
    recipe = await world.recipes.get(alice, flow.id, 2)
    record = {"mail": "a@example.com", "full_name": "A"}
    sent = {"email": "a@example.com", "name": "A"}
    assert mapped(recipe, form.id, record) == sent
    crossed = [Binding(input="email", field="mail"), Binding(input="name", field="mail")]
    await world.routes.rebind(alice, route.id, crossed)
    again = await world.recipes.get(alice, flow.id, 2)
    assert mapped(again, form.id, record) == sent
    newest = await world.recipes.get(alice, flow.id, 3)
    assert mapped(newest, form.id, record) == sent | {"name": "a@example.com"}


async def test_a_detached_form_s_records_still_map(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    form = await world.attached(alice, flow)
    await world.intake.accept(alice, form.id, [{"mail": "a@example.com", "full_name": "A"}])
    [route] = await world.routes.list(alice, flow=flow.id)
    await world.routes.detach(alice, route.id)
    with pytest.raises(Conflict):
        await world.intake.accept(alice, form.id, [{"mail": "b@example.com"}])
    less = flow_definition(inputs=[("email", FieldType.EMAIL, True)])
    await change(world, alice, flow, less)
    [lease] = await world.lease()
    recipe = await world.recipes.get(alice, flow.id, lease.release)
    sent = mapped(recipe, form.id, {"mail": "a@example.com", "full_name": "A"})
    assert (lease.release, lease.queue, sent) == (4, Queue.LIVE, {"email": "a@example.com"})


async def test_a_form_that_changes_takes_its_flows_along(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    form = await world.attached(alice, flow)
    longer = replace(FORM, fields=(*FORM.fields, FormField(name="age", label="Age", type=FieldType.INTEGER)))
    await world.forms.update(alice, form.id, longer)
    assert (await world.flows.get(alice, flow.id)).flow.release == 2
    retitled = replace(longer, title="Write to us")
    await world.forms.update(alice, form.id, retitled)
    assert (await world.flows.get(alice, flow.id)).flow.release == 3
    recipe = await world.recipes.get(alice, flow.id, 3)
    assert recipe.source_names[form.id] == "Write to us"
    without = replace(retitled, fields=FORM.fields[1:])
    with pytest.raises(InvalidInput):
        await world.forms.update(alice, form.id, without)
    kept = await world.forms.get(alice, form.id)
    assert len(kept.definition.fields) == 3
    with pytest.raises(Conflict):
        await world.forms.update(alice, form.id, FORM, revision=1)


async def test_a_form_is_found_by_the_key_in_its_address(world: World, alice: UUID) -> None:
    form = (await world.forms.create(alice, FORM)).form
    known = await world.forms.at_address(form.form_key)
    assert (known.tenant, known.form, known.definition) == (alice, form.id, FORM)
    with pytest.raises(NotFound):
        await world.forms.at_address("ff_" + "0" * 24)
    with pytest.raises(NotFound):
        await world.forms.at_address("x")


async def test_a_recipe_follows_its_connection(world: World, alice: UUID) -> None:
    flow = await world.published(alice)
    recipe = await world.recipes.get(alice, flow.id, 1)
    assert await world.recipes.get(alice, flow.id, 1) is recipe
    now = (await world.connections.get(alice, flow.connection)).connection
    settings = {**now.settings, "body": "single"}
    changed = ConnectionChange(name=now.name, settings=settings, secrets={}, limits={})
    await world.connections.update(alice, flow.connection, changed, check=False)
    after = await world.recipes.get(alice, flow.id, 1)
    assert (after.specs[0].max_records, after.account.revision) == (1, recipe.account.revision + 1)
    assert after.compiled is recipe.compiled


async def test_a_file_flow_has_one_lane_and_a_window(world: World, alice: UUID, admin_pool: Pool) -> None:
    files = ConnectionChange(
        name="Files",
        settings={
            "host": "files.example.com",
            "username": "alice",
            "auth": "password",
            "host_keys": [HOST_KEY],
        },
        secrets={"password": "correct horse battery staple"},
        limits={},
    )
    connection = (await world.connections.create(alice, "sftp", files, check=False)).connection
    step = Step(
        name="file",
        object="csv",
        mapping=(FieldMapping(target="email", source=Source(kind=SourceKind.INPUT, input="email")),),
    )
    draft = replace(
        flow_definition(inputs=[("email", FieldType.EMAIL, True)], key=["email"]),
        steps=(step,),
        window=WindowSetting(seconds=60, rows=500),
    )
    flow = await world.flows.create(alice, connection.id, name="File", draft=draft)
    await world.flows.publish(alice, flow.flow.id, describe=False)
    rows = await admin_pool.fetch(
        "SELECT window_rows, window_length FROM formlane.lanes WHERE flow_id = $1", flow.flow.id
    )
    assert [tuple(row) for row in rows] == [(500, dt.timedelta(seconds=60))]


async def test_flows_of_another_tenant_do_not_exist(world: World, alice: UUID, charlie: UUID) -> None:
    flow = await world.published(alice)
    form = await world.attached(alice, flow)
    theirs = (await world.connections.create(charlie, "webhook", WEBHOOK, check=False)).connection
    for attempt in (
        world.flows.get(charlie, flow.id),
        world.flows.publish(charlie, flow.id),
        world.flows.pause(charlie, flow.id),
        world.flows.stats(charlie, flow.id),
        world.forms.get(charlie, form.id),
        world.routes.attach(charlie, form=form.id, flow=flow.id, bindings=BINDINGS),
        world.flows.create(charlie, flow.connection, name="x", draft=flow.draft),
        world.recipes.get(charlie, flow.id, 1),
        world.ledger.misbalances(charlie, flow.id),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await world.flows.list(charlie) == []
    assert theirs.id != flow.connection
