"""Sets the demo tenant up, or finds it as an earlier start left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, TypeVar
from uuid import UUID

import orjson

from formlane.bootstrap.hub import Hub
from formlane.cli.demo.login import DemoLogin
from formlane.cli.demo.place import HOST, SFTP_USER, DemoPlace
from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import Binding, FormDefinition
from formlane.domain.ids import to_text
from formlane.domain.secrets import KeyMode
from formlane.domain.types import Json
from formlane.errors import NotAuthenticated
from formlane.mapping.codec import definition_from_json
from formlane.services.connections import ConnectionChange
from formlane.services.ports.flows import Flow, Form
from formlane.services.ports.tenancy import KeyScope

TENANT: Final = "Demo"
Definition = TypeVar("Definition", FlowDefinition, FormDefinition)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """A connection of the demo."""

    kind: str
    name: str
    settings: Mapping[str, Json]
    secrets: Mapping[str, str]


async def prepare_demo(hub: Hub, place: DemoPlace) -> DemoLogin:
    """The demo tenant with two forms, each with a flow and a connection. Repeating it changes nothing.

    Connections are tried before they are kept; only then the sandbox must answer.
    """
    tenant = await _tenant(hub)
    await _api_key(hub, tenant, place)
    signed = await _connection(hub, tenant, place, _receiver(place))
    filed = await _connection(hub, tenant, place, _file_server(place))
    place.keep()
    forms = [
        await _form_with_flow(hub, tenant, signed, name="Contact requests", subject="contact"),
        await _form_with_flow(hub, tenant, filed, name="Workshop registrations", subject="workshop"),
    ]
    place.secrets.tenant = to_text("tenant", tenant)
    place.secrets.forms = {form.definition.title: f"/f/{form.form_key}" for form in forms}
    place.secrets.ports = (place.receiver_port, place.sftp_port, place.page_port)
    place.keep()
    login = place.login(hub.settings.base_url)
    assert login is not None
    return login


def definition_of(kind: type[Definition], name: str) -> Definition:
    """One of the demo's definitions, as it stands in its JSON file."""
    raw = files("formlane.cli.demo").joinpath(f"definitions/{name}.json").read_bytes()
    return definition_from_json(kind, orjson.loads(raw))


async def _tenant(hub: Hub) -> UUID:
    for tenant in await hub.tenants.list():
        if tenant.name == TENANT:
            return tenant.id
    return (await hub.tenants.create(TENANT)).id


async def _api_key(hub: Hub, tenant: UUID, place: DemoPlace) -> None:
    """Keeps a key that works: the one of an earlier start if it still does."""
    try:
        if (await hub.keys.authenticate(place.secrets.api_key)).tenant == tenant:
            return
    except NotAuthenticated:
        pass
    made = await hub.keys.create(tenant, "Demo", scopes=[KeyScope.MANAGE], mode=KeyMode.TEST)
    place.secrets.api_key = made.token.reveal()


def _receiver(place: DemoPlace) -> _Account:
    return _Account(
        kind="webhook",
        name="Demo receiver",
        settings={"url": f"{place.receiver_page}hook/contact", "allow_http": True, "body": "wrapped"},
        secrets={"signing_secret": place.secrets.signing_secret},
    )


def _file_server(place: DemoPlace) -> _Account:
    return _Account(
        kind="sftp",
        name="Demo file server",
        settings={
            "host": HOST,
            "port": place.sftp_port,
            "username": SFTP_USER,
            "auth": "password",
            "host_keys": [place.secrets.host_key],
        },
        secrets={"password": place.secrets.sftp_password},
    )


async def _connection(hub: Hub, tenant: UUID, place: DemoPlace, account: _Account) -> UUID:
    """The connection, changed where ports, host key or secrets are no longer those it was made with."""
    change = ConnectionChange(
        name=account.name, settings=account.settings, secrets=account.secrets, limits={}
    )
    written = place.secrets.written_to
    for view in await hub.connections.list(tenant):
        kept = view.connection
        if kept.name != account.name:
            continue
        is_same = all(kept.settings.get(name) == value for name, value in account.settings.items())
        if not is_same or written.get(account.name) != kept.id.hex:
            await place.until_answering()
            await hub.connections.update(tenant, kept.id, change)
            written[account.name] = kept.id.hex
        return kept.id
    await place.until_answering()
    made = (await hub.connections.create(tenant, account.kind, change)).connection
    written[account.name] = made.id.hex
    return made.id


async def _form_with_flow(hub: Hub, tenant: UUID, connection: UUID, *, name: str, subject: str) -> Form:
    """A form, its flow and the route between them, published. Goes on where an earlier start was cut off."""
    form = await _form(hub, tenant, definition_of(FormDefinition, f"{subject}-form"))
    flow = await _flow(hub, tenant, connection, name, definition_of(FlowDefinition, f"{subject}-flow"))
    if not await hub.routes.list(tenant, form=form.id, flow=flow.id):
        bindings = [Binding(input=one.name, field=one.name) for one in flow.draft.inputs]
        await hub.routes.attach(tenant, form=form.id, flow=flow.id, bindings=bindings)
    if flow.release is None:
        await hub.flows.publish(tenant, flow.id, note="Made for the demo")
    return form


async def _form(hub: Hub, tenant: UUID, definition: FormDefinition) -> Form:
    for form in await hub.forms.list(tenant):
        if form.definition.title == definition.title:
            return form
    return (await hub.forms.create(tenant, definition)).form


async def _flow(hub: Hub, tenant: UUID, connection: UUID, name: str, draft: FlowDefinition) -> Flow:
    for view in await hub.flows.list(tenant):
        if view.flow.name == name and view.flow.connection == connection:
            return view.flow
    return (await hub.flows.create(tenant, connection, name=name, draft=draft)).flow
