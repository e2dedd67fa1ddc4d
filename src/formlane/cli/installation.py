"""Commands about an installation as a whole: its settings, the schema of its database."""

from __future__ import annotations

import asyncio

import typer

from formlane.bootstrap.operating import migrate_installation
from formlane.cli.client import AsJson
from formlane.cli.output import print_json, print_rows, say
from formlane.domain.types import Json
from formlane.settings import load_settings

app = typer.Typer()


@app.command("config")
def config(as_json: AsJson = False) -> None:
    """Show the settings of this environment, secrets as ***."""
    shown = load_settings().redacted()
    if as_json:
        print_json(shown)
        return
    rows: list[Json] = [{"variable": name, "value": value} for name, value in shown.items()]
    print_rows(rows, ["variable", "value"], as_json=False)


@app.command("migrate")
def migrate() -> None:
    """Bring the database to the schema of this release. Repeating it changes nothing.

    With DATABASE_URL it needs FORMLANE_MIGRATOR_URL, a role that may create schema and roles.
    """
    applied = asyncio.run(migrate_installation(load_settings()))
    say(f"Applied: {', '.join(applied)}." if applied else "The database is up to date.")
