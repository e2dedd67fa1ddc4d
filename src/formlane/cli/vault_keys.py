"""`formlane keys`: the keys under which everything is sealed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeAlias

import typer

from formlane.bootstrap.hub import Hub
from formlane.bootstrap.operating import KeyRotation, add_master_key, rotation_of
from formlane.cli.local import in_hub
from formlane.cli.output import say
from formlane.domain.ids import TenantId
from formlane.errors import NotFound
from formlane.services.ports.tenancy import Tenant
from formlane.settings import load_settings

app = typer.Typer(help="Rotate the keys of the vault (operator).", no_args_is_help=True)

OneTenant = Annotated[
    str | None, typer.Option("--tenant", help="Name of one tenant; all of them.", show_default=False)
]
Step: TypeAlias = Callable[[KeyRotation, TenantId], Awaitable[str]]


@app.command("add-master-key")
def add() -> None:
    """Add a master key to the key file, from then on the one in use. Restart every process after it."""
    settings = load_settings()
    add_master_key(settings)
    say(f"{settings.key_file} has a new master key.")
    say("Next: restart every process, then run 'formlane keys rewrap --master'.")


@app.command("rotate")
def rotate(tenant: OneTenant = None) -> None:
    """Make the next version of tenants' keys. What the old one wraps stays readable."""

    async def step(rotation: KeyRotation, id_: TenantId) -> str:
        return f"version {await rotation.rotate(id_)}"

    _each(tenant, step)


@app.command("rewrap")
def rewrap(
    tenant: OneTenant = None,
    master: Annotated[
        bool, typer.Option("--master", help="The tenant keys, under the master key in use.")
    ] = False,
) -> None:
    """Wrap everything under the newest tenant key, or the tenant keys under the master key in use."""

    async def step(rotation: KeyRotation, id_: TenantId) -> str:
        count = await (rotation.rewrap_by_master(id_) if master else rotation.rewrap(id_))
        return f"{count} wrapped anew"

    _each(tenant, step)


@app.command("retire")
def retire(tenant: OneTenant = None) -> None:
    """Delete older versions of tenants' keys that wrap nothing any more."""

    async def step(rotation: KeyRotation, id_: TenantId) -> str:
        return f"{await rotation.retire(id_)} retired"

    _each(tenant, step)


def _each(name: str | None, step: Step) -> None:
    """Does the step for one tenant or all, telling as it goes on."""

    async def work(hub: Hub) -> None:
        rotation = rotation_of(hub)
        for tenant in _chosen(await hub.tenants.list(), name):
            say(f"{tenant.name}: {await step(rotation, TenantId(tenant.id))}")

    in_hub(work)


def _chosen(tenants: Sequence[Tenant], name: str | None) -> Sequence[Tenant]:
    if name is None:
        return tenants
    chosen = [tenant for tenant in tenants if tenant.name == name]
    if not chosen:
        raise NotFound(f"There is no tenant {name!r}. See: formlane tenant list.")
    return chosen
