"""`formlane connection`: accounts at destinations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

import typer

from formlane.cli.client import DEFAULT_URL, AsJson, Key, Limit, OnlyId, Url, ask
from formlane.cli.documents import DocumentFile, read_document
from formlane.cli.looking import entries
from formlane.cli.output import print_json, print_made, print_rows, print_thing, say
from formlane.domain.types import Json

app = typer.Typer(help="Set up, try and pause connections.", no_args_is_help=True)

Connection = Annotated[str, typer.Argument(help="Its id, conn_….", show_default=False)]
Unchecked = Annotated[bool, typer.Option("--no-check", help="Keep it without trying it first.")]
COLUMNS = ["id", "kind", "name", "checked_at", "health.failures", "pauses"]


@app.command("create")
def create(
    file: DocumentFile,
    unchecked: Unchecked = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
    only_id: OnlyId = False,
) -> None:
    """Make a connection from {"name", "kind", "settings", "secrets", "limits"}; it is tried first."""
    document = read_document(file)
    path = "/connections?check=false" if unchecked else "/connections"
    made = ask(url, key, lambda client: client.post(path, document))
    print_made(made, as_json=as_json, only_id=only_id)


@app.command("update")
def update(
    connection: Connection,
    file: DocumentFile,
    unchecked: Unchecked = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Change what the file names; secrets only those given, null removes one."""
    document = read_document(file)
    path = f"/connections/{connection}"
    reply = ask(
        url,
        key,
        lambda client: client.request(
            "PATCH",
            path,
            body=document,
            headers={"if-match": "*"},
            query={"check": "false" if unchecked else None},
        ),
    )
    print_thing(reply.body, as_json=as_json)


@app.command("list")
def list_(limit: Limit = 200, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """List connections by name."""
    found = ask(url, key, lambda client: client.all("/connections", limit=limit))
    print_rows(found, COLUMNS, as_json=as_json)


@app.command("show")
def show(connection: Connection, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Show one with its health and every reason why it waits."""
    found = ask(url, key, lambda client: client.get(f"/connections/{connection}"))
    print_thing(found, as_json=as_json)


@app.command("delete")
def delete(connection: Connection, url: Url = DEFAULT_URL, key: Key = "") -> None:
    """Forget a connection that no flow is on, and its secrets."""
    ask(url, key, lambda client: client.request("DELETE", f"/connections/{connection}"))
    say(f"{connection} is gone.")


@app.command("check")
def check(connection: Connection, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Try a connection step by step, leaving nothing behind. Exit code 1 if a step fails."""
    report = ask(url, key, lambda client: client.post(f"/connections/{connection}/check"))
    assert isinstance(report, Mapping)
    if as_json:
        print_json(report)
    else:
        steps = cast("list[Json]", report["steps"])
        print_rows(steps, ["name", "passed", "milliseconds", "message"], as_json=False)
    if not report["passed"]:
        raise typer.Exit(1)


@app.command("objects")
def objects(connection: Connection, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """List what can be written to through a connection, asked now."""
    found = entries(ask(url, key, lambda client: client.get(f"/connections/{connection}/objects")))
    print_rows(found, ["name", "label", "operations", "open_fields"], as_json=as_json)


@app.command("fields")
def fields(
    connection: Connection,
    name: Annotated[str, typer.Argument(metavar="OBJECT", help="The object's name.", show_default=False)],
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List the fields of an object, asked now; none when it takes any field."""
    path = f"/connections/{connection}/objects/{name}/fields"
    found = entries(ask(url, key, lambda client: client.get(path)))
    columns = ["name", "label", "type", "required", "unique", "max_length", "choices"]
    print_rows(found, columns, as_json=as_json)


@app.command("pause")
def pause(
    connection: Connection,
    message: Annotated[str, typer.Option(help="Why, for those who look.")] = "",
    until: Annotated[str | None, typer.Option(help="As 2026-01-31T12:00:00Z; until resumed.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Hold everything back that goes through a connection."""
    body: dict[str, Json] = {"message": message, "until": until}
    print_thing(
        ask(url, key, lambda client: client.post(f"/connections/{connection}/pause", body)), as_json=as_json
    )


@app.command("resume")
def resume(
    connection: Connection,
    reason: Annotated[list[str] | None, typer.Option(help="Reasons to end; 'user' unless given.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Let it go on, if no other reason is left."""
    body: dict[str, Json] = {"reasons": reason} if reason else {}
    print_thing(
        ask(url, key, lambda client: client.post(f"/connections/{connection}/resume", body)), as_json=as_json
    )
