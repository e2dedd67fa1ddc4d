"""`formlane record`: one submission and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

import typer

from formlane.cli.client import DEFAULT_URL, AsJson, Key, Limit, Url, ask
from formlane.cli.output import print_rows, print_thing
from formlane.domain.types import Json

app = typer.Typer(help="Look at records.", no_args_is_help=True)

Record = Annotated[str, typer.Argument(help="Its id, rec_….", show_default=False)]


@app.command("show")
def show(record: Record, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Show a record with its values and where it stands in each flow."""
    found = ask(url, key, lambda client: client.get(f"/records/{record}"))
    print_thing(found, as_json=as_json, leave_out=["states"])
    if not as_json and isinstance(found, Mapping):
        columns = ["flow", "status", "reason", "retry_at", "settled_at", "detail"]
        print_rows(cast("list[Json]", found["states"]), columns, as_json=False)


@app.command("find")
def find(
    value: Annotated[str, typer.Argument(help="Email, phone number, reference or key.", show_default=False)],
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Find the newest records that hold a value."""
    found = ask(url, key, lambda client: client.get("/records", value=value, limit=min(limit, 200)))
    assert isinstance(found, Mapping)
    print_rows(cast("list[Json]", found["data"]), ["id", "accepted_at", "values"], as_json=as_json)


@app.command("receipt")
def receipt(record: Record, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Show what can be shown for a record: ids, flow version, hash, times."""
    print_thing(ask(url, key, lambda client: client.get(f"/records/{record}/receipt")), as_json=as_json)


@app.command("failures")
def failures(
    flow: Annotated[str | None, typer.Option(help="Only this flow.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only with this reason.")] = None,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List records that were not delivered, in order of acceptance."""
    found = ask(url, key, lambda client: client.all("/failures", limit=limit, flow=flow, reason=reason))
    columns = ["record", "state.flow", "state.status", "state.reason", "state.detail"]
    print_rows(found, columns, as_json=as_json)
