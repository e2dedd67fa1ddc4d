"""`formlane sandbox`: stand-ins for destinations."""

from __future__ import annotations

import os
import sys

import typer

app = typer.Typer()


@app.command(
    "sandbox",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def sandbox(context: typer.Context) -> None:
    """Run stand-ins for destinations; arguments go to 'python -m formlane_sandbox'."""
    sys.stdout.flush()
    command = [sys.executable, "-m", "formlane_sandbox", *context.args]
    os.execv(sys.executable, command)  # noqa: S606 - its signals and exit code are then the sandbox's own
