"""Publishing flows of several steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from formlane.destinations.base import Destination
from formlane.destinations.catalogue import CATALOGUE
from formlane.domain.flows import (
    FieldMapping,
    FlowDefinition,
    Input,
    KeyInput,
    LookupSource,
    OnMiss,
    Operation,
    Source,
    SourceKind,
    Step,
    WindowSetting,
)
from formlane.domain.types import FieldType
from formlane.errors import InvalidInput
from formlane.mapping.findings import Severity
from formlane.services.connections import ConnectionChange
from formlane.services.ports.connections import PauseScope
from formlane.services.ports.flows import Flow
from formlane.store.connect import Pool
from tests.integration.services.crm import Crm
from tests.integration.services.world import World

ACCOUNT = LookupSource(object="Account", field="Domain", input="domain", on_miss=OnMiss.CREATE)


def line(target: str, name: str, *, kind: FieldType = FieldType.STRING) -> FieldMapping:
    return FieldMapping(target=target, source=Source(kind=SourceKind.INPUT, input=name), type=kind)


CONTACT = Step(
    name="contact",
    object="Contact",
    operation=Operation.UPSERT,
    match_key=("Email",),
    mapping=(
        line("Email", "email", kind=FieldType.EMAIL),
        FieldMapping(
            target="AccountId",
            source=Source(kind=SourceKind.LOOKUP, lookup=ACCOUNT),
            type=FieldType.REFERENCE,
        ),
        line("Score", "score", kind=FieldType.DECIMAL),
    ),
)
CASE = Step(
    name="case",
    object="Case",
    tracking_field="Ref",
    mapping=(
        FieldMapping(
            target="ContactId",
            source=Source(kind=SourceKind.STEP, step="contact"),
            type=FieldType.REFERENCE,
            required=True,
        ),
        replace(line("Subject", "subject"), max_length=200),
        line("Origin", "origin", kind=FieldType.ENUM),
    ),
)
DRAFT = FlowDefinition(
    inputs=(
        Input(name="email", type=FieldType.EMAIL, required=True),
        Input(name="domain"),
        Input(name="score", type=FieldType.DECIMAL),
        Input(name="subject", required=True),
        Input(name="origin"),
    ),
    steps=(CONTACT, CASE),
    key_input=KeyInput(inputs=("email",)),
    shards=2,
)


def world_of(pool: Pool, destination: Destination) -> World:
    return World(pool, catalogue={**CATALOGUE, "crm": destination})


@pytest.fixture
def crm() -> Crm:
    return Crm()


@pytest.fixture
def world(pool: Pool, crm: Crm) -> World:
    return world_of(pool, crm.destination())


async def drafted(world: World, tenant: UUID, draft: FlowDefinition) -> Flow:
    change = ConnectionChange(name="CRM", settings={}, secrets={}, limits={})
    connection = (await world.connections.create(tenant, "crm", change, check=False)).connection
    return (await world.flows.create(tenant, connection.id, name="Support", draft=draft)).flow


async def refusals(world: World, tenant: UUID, draft: FlowDefinition) -> set[tuple[str, str]]:
    flow = await drafted(world, tenant, draft)
    with pytest.raises(InvalidInput) as refusal:
        await world.flows.publish(tenant, flow.id)
    return {(problem.pointer, problem.code) for problem in refusal.value.problems}


async def test_a_flow_of_several_steps_is_published(
    world: World, alice: UUID, admin_pool: Pool, crm: Crm
) -> None:
    flow = await drafted(world, alice, DRAFT)
    published = await world.flows.publish(alice, flow.id)
    assert {finding.code for finding in published.warnings} <= {
        "too_long",
        "too_many_digits",
        "not_a_choice",
        "may_be_empty",
    }
    assert sorted(crm.asked) == ["Account", "Case", "Contact"]
    rows = await admin_pool.fetch(
        "SELECT DISTINCT call_rows, window_rows, quiet FROM formlane.lanes WHERE flow_id = $1", flow.id
    )
    assert [tuple(row) for row in rows] == [(50, 800, dt.timedelta(seconds=20))]


async def test_a_lookup_that_creates_becomes_a_step_of_its_own(world: World, alice: UUID) -> None:
    flow = await drafted(world, alice, DRAFT)
    await world.flows.publish(alice, flow.id)
    [version] = await world.flows.versions(alice, flow.id)
    created, contact, _case = version.definition.steps
    assert (created.name, created.object, created.operation, created.match_key) == (
        "lookup_1",
        "Account",
        Operation.UPSERT,
        ("Domain",),
    )
    assert [(one.target, one.source.input, one.max_length) for one in created.mapping] == [
        ("Domain", "domain", 40)
    ]
    assert contact.mapping[1].source == Source(kind=SourceKind.STEP, step="lookup_1")
    assert (await world.flows.get(alice, flow.id)).flow.draft == DRAFT


async def test_a_version_keeps_what_the_destination_would_refuse_anyway(world: World, alice: UUID) -> None:
    flow = await drafted(world, alice, DRAFT)
    await world.flows.publish(alice, flow.id)
    [version] = await world.flows.versions(alice, flow.id)
    _, contact, case = version.definition.steps
    assert (contact.mapping[2].digits, contact.mapping[2].decimals) == (5, 2)
    assert (case.mapping[1].max_length, case.mapping[1].required) == (80, True)
    assert case.mapping[2].choices == ("Web", "Mail")
    recipe = await world.recipes.get(alice, flow.id, 1)
    assert [one.object for one in recipe.steps] == ["Account", "Contact", "Case"]


async def test_a_window_without_files_does_nothing(world: World, alice: UUID) -> None:
    flow = await drafted(world, alice, replace(DRAFT, window=WindowSetting(seconds=60)))
    findings = await world.flows.validate(alice, flow.id, describe=False)
    assert ("/window", "no_effect") in {(one.pointer, one.code) for one in findings}


async def test_a_version_goes_live_again_as_it_was(world: World, alice: UUID) -> None:
    flow = await drafted(world, alice, DRAFT)
    await world.flows.publish(alice, flow.id)
    again = await world.flows.rollback(alice, flow.id, 1)
    assert (again.version, again.release) == (1, 2)


async def test_an_object_that_is_not_described_is_a_warning(world: World, alice: UUID, crm: Crm) -> None:
    crm.silent = {"Account", "Case"}
    flow = await drafted(world, alice, DRAFT)
    published = await world.flows.publish(alice, flow.id)
    silent = {finding.pointer for finding in published.warnings if finding.code == "not_described"}
    assert silent == {"/steps/0/mapping/1/source/lookup/object", "/steps/1/object"}
    [version] = await world.flows.versions(alice, flow.id)
    assert [step.mapping[0].max_length for step in version.definition.steps] == [None, None, None]


async def test_a_keyed_insert_without_a_tracking_field_would_park(world: World, alice: UUID) -> None:
    draft = replace(DRAFT, steps=(CONTACT, replace(CASE, tracking_field=None)))
    assert await refusals(world, alice, draft) == {("/key_input", "would_park")}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda crm: crm.destination(upserts=False),
            ("/steps/0/mapping/1/source/lookup/on_miss", "not_offered"),
        ),
        (lambda crm: crm.destination(looks_up=False), ("/steps/0/mapping/1/source/lookup", "not_offered")),
        (lambda crm: crm.destination(upserts=False), ("/steps/0/operation", "not_offered")),
    ],
    ids=["create", "look_up", "upsert"],
)
async def test_what_the_destination_does_not_offer_is_refused(
    pool: Pool, crm: Crm, change: Callable[[Crm], Destination], expected: tuple[str, str]
) -> None:
    world = world_of(pool, change(crm))
    alice = await world.new_tenant(f"Alice {uuid4().hex}")
    assert expected in await refusals(world, alice, DRAFT)


async def test_lookups_may_not_make_a_flow_too_long(world: World, alice: UUID) -> None:
    more = tuple(replace(CASE, name=f"case_{number}") for number in range(9))
    assert await refusals(world, alice, replace(DRAFT, steps=(CONTACT, *more))) == {("/steps", "too_many")}


async def test_a_flow_that_drifted_goes_on_once_its_version_fits_again(
    world: World, alice: UUID, crm: Crm
) -> None:
    flow = await drafted(world, alice, DRAFT)
    await world.flows.publish(alice, flow.id)
    async with world.store.tenant(alice) as unit:
        await unit.pauses.add(PauseScope.FLOW, flow.id, "drift", until=None, message="Subject is gone.")
        await unit.pauses.add(PauseScope.FLOW, flow.id, "user", until=None, message="")

    async def reasons() -> set[str]:
        await world.duties.check_drift()
        return {pause.reason for pause in (await world.flows.get(alice, flow.id)).pauses}

    crm.gone.add("Subject")
    assert await reasons() == {"drift", "user"}
    crm.gone.clear()
    crm.silent.add("Case")
    assert await reasons() == {"drift", "user"}
    crm.silent.clear()
    assert await reasons() == {"user"}


async def test_an_object_that_is_not_listed_is_a_warning_and_an_operation_it_lacks_an_error(
    world: World, alice: UUID, crm: Crm
) -> None:
    crm.unlisted.add("Case")
    crm.read_only.add("Contact")
    flow = await drafted(world, alice, DRAFT)
    findings = {
        (finding.pointer, finding.code, finding.severity)
        for finding in await world.flows.validate(alice, flow.id)
    }
    assert ("/steps/0/operation", "not_offered", Severity.ERROR) in findings
    assert ("/steps/1/object", "unknown_object", Severity.WARNING) in findings
