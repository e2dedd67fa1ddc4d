"""`formlane batch`: accepted requests."""

from __future__ import annotations

from typing import Annotated

import typer

from formlane.cli.client import DEFAULT_URL, ApiClient, AsJson, Key, Limit, Url, ask
from formlane.cli.output import print_rows, print_thing
from formlane.domain.types import Json

app = typer.Typer(help="Look at what was accepted.", no_args_is_help=True)

Batch = Annotated[str, typer.Argument(help="Its id, bat_….", show_default=False)]


@app.command("list")
def list_(
    source: Annotated[str | None, typer.Option(help="Only of this form, flow or replay.")] = None,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List batches, newest first."""
    found = ask(url, key, lambda client: client.all("/batches", limit=limit, source=source))
    print_rows(found, ["id", "accepted_at", "source_name", "records", "invalid"], as_json=as_json)


@app.command("show")
def show(
    batch: Batch, limit: Limit = 200, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False
) -> None:
    """Show a batch and where each of its records stands."""

    async def read(client: ApiClient) -> tuple[Json, list[Json]]:
        path = f"/batches/{batch}"
        return await client.get(path), await client.all(f"{path}/records", limit=limit)

    found, records = ask(url, key, read)
    if as_json:
        print_thing({"batch": found, "records": records}, as_json=True)
        return
    print_thing(found, as_json=False)
    print_rows([_standing(one) for one in records], ["id", "status", "reason"], as_json=False)


def _standing(record: Json) -> Json:
    """A record's line: its status and reason in each flow."""
    assert isinstance(record, dict)
    states = record["states"]
    return {
        "id": record["id"],
        "status": [state["status"] for state in states],
        "reason": [state["reason"] for state in states if state["reason"]],
    }
