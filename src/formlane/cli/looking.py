"""Commands that only look: kinds of destination, attempts, the books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

import typer

from formlane.cli.client import DEFAULT_URL, AsJson, Key, Limit, Url, ask
from formlane.cli.output import print_json, print_rows, print_thing
from formlane.domain.types import Json

app = typer.Typer()


@app.command("destinations")
def destinations(
    kind: Annotated[str | None, typer.Argument(help="One kind, with the schemas of its settings.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List the kinds of destination, or show what one needs."""
    if kind is not None:
        print_json(ask(url, key, lambda client: client.get(f"/destinations/{kind}")))
        return
    found = entries(ask(url, key, lambda client: client.get("/destinations")))
    print_rows(found, ["kind", "label", "summary"], as_json=as_json)


@app.command("attempts")
def attempts(
    record: Annotated[str | None, typer.Option(help="Attempts that held this record, in full.")] = None,
    flow: Annotated[str | None, typer.Option(help="Attempts of this flow.")] = None,
    connection: Annotated[str | None, typer.Option(help="Attempts of this connection.")] = None,
    attempt: Annotated[str | None, typer.Option("--id", help="This one, with its exchange.")] = None,
    limit: Limit = 50,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List attempts, newest first; those of a record oldest first."""
    columns = ["id", "started_at", "number", "outcome", "reason", "records", "delivered", "milliseconds"]
    if attempt is not None:
        print_thing(ask(url, key, lambda client: client.get(f"/attempts/{attempt}")), as_json=as_json)
        return
    if record is not None:
        found = entries(ask(url, key, lambda client: client.get(f"/records/{record}/attempts")))
    else:
        found = ask(
            url, key, lambda client: client.all("/attempts", limit=limit, flow=flow, connection=connection)
        )
    print_rows(found, [*columns, "message"], as_json=as_json)


@app.command("ledger")
def ledger(
    flow: Annotated[str | None, typer.Option(help="Only this flow.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this form, flow or replay.")] = None,
    since: Annotated[str | None, typer.Option(help="As 2026-01-31T12:00:00Z; 24 hours ago.")] = None,
    until: Annotated[str | None, typer.Option(help="As 2026-01-31T12:00:00Z; now.")] = None,
    by_minute: Annotated[bool, typer.Option("--by-minute", help="Per minute of acceptance.")] = False,
    recount: Annotated[bool, typer.Option("--recount", help="Count a flow's records anew.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Show the books: accepted = delivered + skipped + rejected + parked + in flight.

    With --recount: exit code 1 if they do not balance.
    """
    if recount:
        _recount(flow, url=url, key=key, as_json=as_json)
        return
    query = {"flow": flow, "source": source, "since": since, "until": until}
    found = ask(
        url,
        key,
        lambda client: client.get("/ledger", **query, by_minute="true" if by_minute else None),
    )
    counts = ["accepted", "delivered", "skipped", "rejected", "parked", "in_flight"]
    columns = ["source", "flow", *(["minute"] if by_minute else []), *counts, "p50_milliseconds"]
    if as_json:
        print_json(found)
    else:
        print_rows(entries(found), columns, as_json=False)


def _recount(flow: str | None, *, url: str, key: str, as_json: bool) -> None:
    if flow is None:
        raise typer.BadParameter("--recount needs --flow.")
    found = ask(url, key, lambda client: client.get("/ledger/recount", flow=flow))
    assert isinstance(found, Mapping)
    if as_json:
        print_json(found)
    elif found["balances"]:
        typer.echo("The books balance.")
    else:
        print_rows(entries(found), ["source", "minute", "what", "booked", "counted"], as_json=False)
    if not found["balances"]:
        raise typer.Exit(1)


def entries(answer: Json) -> list[Json]:
    """The entries of a list that comes whole."""
    assert isinstance(answer, Mapping)
    return cast("list[Json]", answer["data"])
