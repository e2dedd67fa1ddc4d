"""`formlane form`: sources with typed fields and a hosted page."""

from __future__ import annotations

from typing import Annotated

import typer

from formlane.cli.client import DEFAULT_URL, AsJson, Key, Limit, OnlyId, Url, ask
from formlane.cli.documents import DocumentFile, read_document
from formlane.cli.output import print_made, print_rows, print_thing
from formlane.domain.types import Json

app = typer.Typer(help="Make and look at forms.", no_args_is_help=True)

Form = Annotated[str, typer.Argument(help="Its id, form_….", show_default=False)]
Name = Annotated[str | None, typer.Option(help="For lists; the title unless given.")]


@app.command("create")
def create(
    file: DocumentFile,
    name: Name = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
    only_id: OnlyId = False,
) -> None:
    """Make a form from its definition."""
    body = _body(file, name)
    made = ask(url, key, lambda client: client.post("/forms", body))
    print_made(made, as_json=as_json, only_id=only_id)


@app.command("update")
def update(
    form: Form,
    file: DocumentFile,
    name: Name = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Replace a form's definition."""
    body = _body(file, name)
    reply = ask(
        url,
        key,
        lambda client: client.request("PUT", f"/forms/{form}", body=body, headers={"if-match": "*"}),
    )
    print_thing(reply.body, as_json=as_json)


@app.command("list")
def list_(limit: Limit = 200, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """List forms, oldest first."""
    found = ask(url, key, lambda client: client.all("/forms", limit=limit))
    print_rows(found, ["id", "name", "address", "created_at"], as_json=as_json)


@app.command("show")
def show(form: Form, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Show a form with its definition."""
    print_thing(ask(url, key, lambda client: client.get(f"/forms/{form}")), as_json=as_json)


def _body(file: str, name: str | None) -> dict[str, Json]:
    """What is sent: the file holds a definition, or `{"name", "definition"}` as the API takes it."""
    document = read_document(file)
    body: dict[str, Json] = document if "definition" in document else {"definition": document}
    return {**body, "name": name} if name is not None else body
