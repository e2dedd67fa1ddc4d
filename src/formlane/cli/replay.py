"""`formlane replay`: sending again."""

from __future__ import annotations

from typing import Annotated

import typer

from formlane.cli.client import DEFAULT_URL, AsJson, Key, Limit, OnlyId, Url, ask
from formlane.cli.output import print_made, print_rows, print_thing
from formlane.domain.types import Json

app = typer.Typer(help="Send records again.", no_args_is_help=True)

Replay = Annotated[str, typer.Argument(help="Its id, rpl_….", show_default=False)]


@app.command("create")
def create(  # noqa: PLR0913, PLR0917 - one parameter per option
    flow: Annotated[str, typer.Option(help="Through this flow: flow_….", show_default=False)],
    record: Annotated[list[str] | None, typer.Option(help="This record; may be repeated.")] = None,
    batch: Annotated[str | None, typer.Option(help="Every settled record of this batch.")] = None,
    failures: Annotated[
        bool, typer.Option("--failures", help="Everything rejected or parked that was not sent again since.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Of the failures, those with this reason.")] = None,
    as_new: Annotated[bool, typer.Option("--as-new", help="Under new tracking keys.")] = False,
    forced: Annotated[
        bool, typer.Option("--forced", help="Also where a later record of the same key was delivered.")
    ] = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
    only_id: OnlyId = False,
) -> None:
    """Send records again, beside what is live: records, a batch, or failures."""
    if sum((bool(record), batch is not None, failures)) != 1:
        raise typer.BadParameter("Give one of --record, --batch and --failures.")
    chosen: dict[str, Json] = {"records": record} if record else {"batch": batch}
    if failures:
        chosen = {"failures": {"reason": reason} if reason else {}}
    body: dict[str, Json] = {"flow": flow, **chosen, "as_new": as_new, "forced": forced}
    made = ask(url, key, lambda client: client.post("/replays", body))
    print_made(made, as_json=as_json, only_id=only_id)


@app.command("list")
def list_(limit: Limit = 50, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """List replays, newest first."""
    found = ask(url, key, lambda client: client.all("/replays", limit=limit))
    print_rows(found, ["id", "flow", "records", "created_at", "cancelled_at"], as_json=as_json)


@app.command("show")
def show(replay: Replay, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Show a replay."""
    print_thing(ask(url, key, lambda client: client.get(f"/replays/{replay}")), as_json=as_json)


@app.command("cancel")
def cancel(replay: Replay, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Take back what no worker has taken yet."""
    print_thing(ask(url, key, lambda client: client.post(f"/replays/{replay}/cancel")), as_json=as_json)
