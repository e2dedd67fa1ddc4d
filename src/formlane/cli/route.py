"""`formlane route`: forms attached to flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

import typer

from formlane.cli.client import DEFAULT_URL, ApiClient, AsJson, Key, Limit, OnlyId, Url, ask
from formlane.cli.output import print_made, print_rows, print_thing, say
from formlane.domain.types import Json
from formlane.errors import InvalidInput

app = typer.Typer(help="Attach forms to flows.", no_args_is_help=True)

FormOption = Annotated[str | None, typer.Option(help="Only this form.")]
FlowOption = Annotated[str | None, typer.Option(help="Only this flow.")]


@app.command("create")
def create(
    form: Annotated[str, typer.Option(help="The form: form_….", show_default=False)],
    flow: Annotated[str, typer.Option(help="The flow: flow_….", show_default=False)],
    bind: Annotated[
        list[str] | None,
        typer.Option(metavar="INPUT=FIELD", help="Fills an input of the flow from a field of the form."),
    ] = None,
    same_names: Annotated[
        bool, typer.Option("--same-names", help="Fill every other input from the field of its name.")
    ] = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
    only_id: OnlyId = False,
) -> None:
    """Attach a form to a flow. All flows of a form are on one connection."""
    given = dict(_pair(text) for text in bind or ())

    async def attach(client: ApiClient) -> Json:
        bindings = {**(await _alike(client, form, flow) if same_names else {}), **given}
        listed: list[Json] = [{"input": input_, "field": field} for input_, field in bindings.items()]
        return await client.post("/routes", {"form": form, "flow": flow, "bindings": listed})

    print_made(ask(url, key, attach), as_json=as_json, only_id=only_id)


@app.command("list")
def list_(
    form: FormOption = None,
    flow: FlowOption = None,
    limit: Limit = 200,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List routes, oldest first."""
    found = ask(url, key, lambda client: client.all("/routes", limit=limit, form=form, flow=flow))
    print_rows(found, ["id", "form", "flow", "created_at"], as_json=as_json)


@app.command("show")
def show(
    route: Annotated[str, typer.Argument(help="Its id, rte_….", show_default=False)],
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Show a route with its bindings."""
    print_thing(ask(url, key, lambda client: client.get(f"/routes/{route}")), as_json=as_json)


@app.command("delete")
def delete(
    route: Annotated[str, typer.Argument(help="Its id, rte_….", show_default=False)],
    url: Url = DEFAULT_URL,
    key: Key = "",
) -> None:
    """End a route; what it accepted before is still delivered."""
    ask(url, key, lambda client: client.request("DELETE", f"/routes/{route}"))
    say(f"{route} is gone.")


def _pair(text: str) -> tuple[str, str]:
    input_, equals, field = text.partition("=")
    if not equals or not input_ or not field:
        raise InvalidInput(f"--bind {text!r} is not INPUT=FIELD.")
    return input_, field


async def _alike(client: ApiClient, form: str, flow: str) -> dict[str, str]:
    """Input → field, for inputs and fields of one name."""
    found_form, found_flow = await client.get(f"/forms/{form}"), await client.get(f"/flows/{flow}")
    fields = _names(found_form, "definition", "fields")
    return {name: name for name in _names(found_flow, "draft", "inputs") if name in set(fields)}


def _names(thing: Json, definition: str, part: str) -> list[str]:
    assert isinstance(thing, Mapping)
    listed = cast("Mapping[str, list[Mapping[str, str]]]", thing[definition]).get(part, [])
    return [one["name"] for one in listed]
