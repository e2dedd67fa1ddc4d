"""The command line: `formlane`. Commands live one file per subject, in the modules that the table names."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Final

import typer

from formlane.cli.faults import told
from formlane.errors import FormlaneError

COMMANDS: Final = {
    "push": "push",
    "destinations": "looking",
    "connection": "connection",
    "flow": "flow",
    "form": "form",
    "route": "route",
    "batch": "batch",
    "record": "record",
    "attempts": "looking",
    "ledger": "looking",
    "replay": "replay",
    "serve": "processes",
    "api": "processes",
    "worker": "processes",
    "scheduler": "processes",
    "sandbox": "sandbox",
    "config": "installation",
    "migrate": "installation",
    "tenant": "tenant",
    "key": "key",
    "keys": "vault_keys",
}
"""Every command and the module of this package that holds it.

A module has `app`: either it is the command's own group, or the command is one of several in it.
"""

HELP: Final = "Formlane: every submission delivered, in order, accounted for."


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line. What goes wrong on purpose is told in a line on standard error, exit code 1."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    named = given[:1] if given and given[0] in COMMANDS else list(COMMANDS)
    try:
        command_line(named)(args=given, prog_name="formlane")
    except FormlaneError as fault:
        sys.stderr.write(told(fault))
        sys.exit(1)


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with these commands; only their modules are imported, which halves its start."""
    whole = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    whole.callback()(_no_options)
    for name in names:
        module_name = COMMANDS[name]
        part = import_module(f"formlane.cli.{module_name}").app
        own = [command for command in part.registered_commands if command.name == name]
        whole.registered_commands += own
        if not own:
            whole.add_typer(part, name=name)
    return whole


def _no_options() -> None:
    pass
