"""`formlane key`: API keys, made by the operator where the installation runs."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import typer

from formlane.bootstrap.hub import Hub
from formlane.cli.client import AsJson
from formlane.cli.local import in_hub
from formlane.cli.output import print_json, print_rows, say, warn
from formlane.domain.ids import parse_id, to_text
from formlane.domain.secrets import KeyMode
from formlane.domain.types import Json
from formlane.errors import NotFound
from formlane.services.keys import NewKey
from formlane.services.ports.tenancy import ApiKeyEntry, KeyScope

app = typer.Typer(help="Make, list and revoke API keys (operator).", no_args_is_help=True)

Tenant = Annotated[str, typer.Option("--tenant", help="Its id or its name.", show_default=False)]


@app.command("create")
def create(
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="What the key is for.", show_default=False)],
    scope: Annotated[
        list[KeyScope] | None, typer.Option(help="May be repeated; manage includes the others.")
    ] = None,
    mode: Annotated[KeyMode, typer.Option(help="Prefix of the key.")] = KeyMode.LIVE,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key; push alone unless --scope says otherwise. It is shown this once.

    On standard output is the key and nothing else.
    """
    expires = None if days is None else dt.datetime.now(dt.UTC) + dt.timedelta(days=days)

    async def make(hub: Hub) -> NewKey:
        return await hub.keys.create(
            await _tenant(hub, tenant), name, scopes=scope or [KeyScope.PUSH], mode=mode, expires_at=expires
        )

    made = in_hub(make)
    if as_json:
        print_json({**_shown(made.entry), "token": made.token.reveal()})
        return
    until = f", valid until {_time(made.entry.expires_at)}" if made.entry.expires_at else ""
    scopes = ", ".join(sorted(made.entry.scopes))
    warn(f"{to_text('key', made.entry.id)} may {scopes}{until}. The key itself is shown this once:")
    say(made.token.reveal())


@app.command("list")
def list_(tenant: Tenant, as_json: AsJson = False) -> None:
    """List a tenant's keys, newest first, also the revoked ones."""

    async def read(hub: Hub) -> list[Json]:
        return [_shown(one) for one in await hub.keys.list(await _tenant(hub, tenant))]

    columns = ["id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at"]
    print_rows(in_hub(read), columns, as_json=as_json)


@app.command("revoke")
def revoke(
    tenant: Tenant, key: Annotated[str, typer.Argument(help="Its id, key_….", show_default=False)]
) -> None:
    """End a key: within five seconds it works nowhere."""

    async def end(hub: Hub) -> None:
        await hub.keys.revoke(await _tenant(hub, tenant), parse_id("key", key))

    in_hub(end)
    say(f"{key} is revoked.")


async def _tenant(hub: Hub, text: str) -> UUID:
    """The tenant of this id or name."""
    for tenant in await hub.tenants.list():
        if text in (tenant.name, to_text("tenant", tenant.id)):
            return tenant.id
    raise NotFound(f"There is no tenant {text!r}. See: formlane tenant list.")


def _shown(entry: ApiKeyEntry) -> dict[str, Json]:
    return {
        "id": to_text("key", entry.id),
        "name": entry.name,
        "scopes": sorted(entry.scopes),
        "created_at": _time(entry.created_at),
        "expires_at": _time(entry.expires_at),
        "revoked_at": _time(entry.revoked_at),
        "last_used_at": _time(entry.last_used_at),
    }


def _time(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
