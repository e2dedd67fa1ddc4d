"""`formlane flow`: recipes on a connection, drafted, checked, published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

import typer

from formlane.cli.client import DEFAULT_URL, AsJson, Key, Limit, OnlyId, Url, ask
from formlane.cli.documents import DocumentFile, read_document
from formlane.cli.output import print_json, print_made, print_rows, print_thing, say
from formlane.domain.types import Json
from formlane.errors import InvalidInput

app = typer.Typer(help="Draft, check, publish and pause flows.", no_args_is_help=True)

Flow = Annotated[str, typer.Argument(help="Its id, flow_….", show_default=False)]
Note = Annotated[str, typer.Option(help="Kept with the version.")]
FINDING = ["severity", "pointer", "message", "suggestion"]


@app.command("create")
def create(
    file: DocumentFile,
    connection: Annotated[str | None, typer.Option(help="Where it delivers to, for ever: conn_….")] = None,
    name: Annotated[str | None, typer.Option(help="Its name.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
    only_id: OnlyId = False,
) -> None:
    """Make a flow with a draft, from its definition, or from {"name", "connection", "draft"}."""
    body = _body(file)
    body |= {"connection": connection} if connection is not None else {}
    body |= {"name": name} if name is not None else {}
    for option in ("connection", "name"):
        if option not in body:
            raise InvalidInput(f"The flow's {option} is missing: give --{option}, or name it in the file.")
    made = ask(url, key, lambda client: client.post("/flows", body))
    print_made(made, as_json=as_json, only_id=only_id)


@app.command("update")
def update(
    flow: Flow,
    file: DocumentFile,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Replace a flow's draft; what is live stays live until it is published."""
    body = {word: value for word, value in _body(file).items() if word != "connection"}
    body |= {"name": name} if name is not None else {}
    reply = ask(
        url,
        key,
        lambda client: client.request("PUT", f"/flows/{flow}/draft", body=body, headers={"if-match": "*"}),
    )
    print_thing(reply.body, as_json=as_json)


@app.command("validate")
def validate(
    flow: Flow,
    file: Annotated[str | None, typer.Argument(help="Another draft than the one kept; - reads it.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Tell everything worth telling about a draft. Exit code 1 if it cannot be published."""
    body: dict[str, Json] = {} if file is None else {"draft": _body(file)["draft"]}
    found = ask(url, key, lambda client: client.post(f"/flows/{flow}/validate", body))
    assert isinstance(found, Mapping)
    if as_json:
        print_json(found)
    elif found["findings"]:
        print_rows(cast("list[Json]", found["findings"]), FINDING, as_json=False)
    else:
        say("Nothing to report.")
    if not found["publishable"]:
        raise typer.Exit(1)


@app.command("publish")
def publish(
    flow: Flow, note: Note = "", url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False
) -> None:
    """Make the draft the live version."""
    body: dict[str, Json] = {"note": note}
    _published(ask(url, key, lambda client: client.post(f"/flows/{flow}/publish", body)), as_json=as_json)


@app.command("rollback")
def rollback(
    flow: Flow,
    version: Annotated[int, typer.Argument(min=1, show_default=False)],
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Make an older version live again."""
    body: dict[str, Json] = {"version": version}
    _published(ask(url, key, lambda client: client.post(f"/flows/{flow}/rollback", body)), as_json=as_json)


@app.command("versions")
def versions(
    flow: Flow, limit: Limit = 50, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False
) -> None:
    """List what was published, newest first."""
    found = ask(url, key, lambda client: client.all(f"/flows/{flow}/versions", limit=limit))
    print_rows(found, ["version", "published_at", "note"], as_json=as_json)


@app.command("list")
def list_(limit: Limit = 200, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """List flows, oldest first."""
    found = ask(url, key, lambda client: client.all("/flows", limit=limit))
    print_rows(found, ["id", "name", "connection", "version", "pauses"], as_json=as_json)


@app.command("show")
def show(flow: Flow, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Show a flow with its draft and every reason why it waits."""
    print_thing(ask(url, key, lambda client: client.get(f"/flows/{flow}")), as_json=as_json)


@app.command("stats")
def stats(
    flow: Flow,
    since: Annotated[str | None, typer.Option(help="As 2026-01-31T12:00:00Z; 24 hours ago.")] = None,
    until: Annotated[str | None, typer.Option(help="As 2026-01-31T12:00:00Z; now.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Count records and latency, and what waits now."""
    found = ask(url, key, lambda client: client.get(f"/flows/{flow}/stats", since=since, until=until))
    print_thing(found, as_json=as_json)


@app.command("pause")
def pause(
    flow: Flow,
    message: Annotated[str, typer.Option(help="Why, for those who look.")] = "",
    until: Annotated[str | None, typer.Option(help="As 2026-01-31T12:00:00Z; until resumed.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Hold the flow's records back."""
    body: dict[str, Json] = {"message": message, "until": until}
    found = ask(url, key, lambda client: client.post(f"/flows/{flow}/pause", body))
    print_thing(found, as_json=as_json, leave_out=["draft"])


@app.command("resume")
def resume(flow: Flow, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Let it go on: ends every reason of the flow's own."""
    found = ask(url, key, lambda client: client.post(f"/flows/{flow}/resume", {}))
    print_thing(found, as_json=as_json, leave_out=["draft"])


def _published(found: Json, *, as_json: bool) -> None:
    assert isinstance(found, Mapping)
    if as_json:
        print_json(found)
        return
    say(f"Version {found['version']} is live.")
    if found["warnings"]:
        print_rows(cast("list[Json]", found["warnings"]), FINDING, as_json=False)


def _body(file: str) -> dict[str, Json]:
    """What is sent: the file holds a definition, or `{"draft": …}` with more, as the API takes it."""
    document = read_document(file)
    return document if "draft" in document else {"draft": document}
