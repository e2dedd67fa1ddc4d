"""`formlane tenant`: for the operator, where the installation runs."""

from __future__ import annotations

from typing import Annotated

import typer

from formlane.cli.client import AsJson
from formlane.cli.local import in_hub
from formlane.cli.output import print_rows, print_thing
from formlane.domain.ids import to_text
from formlane.domain.types import Json
from formlane.services.ports.tenancy import Tenant

app = typer.Typer(help="Make and list tenants (operator).", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Name, unique in the installation.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Make a tenant. Give it a key next: formlane key create."""
    print_thing(_shown(in_hub(lambda hub: hub.tenants.create(name))), as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List all tenants by name."""
    found = in_hub(lambda hub: hub.tenants.list())
    print_rows([_shown(one) for one in found], ["id", "name", "created_at"], as_json=as_json)


def _shown(tenant: Tenant) -> Json:
    return {
        "id": to_text("tenant", tenant.id),
        "name": tenant.name,
        "created_at": tenant.created_at.isoformat(),
    }
