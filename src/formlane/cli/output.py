"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from formlane.domain.types import Json

Column: TypeAlias = str
"""A key of a row, dots leading into objects (`health.failures`); its last part is the heading."""

UNBOUNDED: Final = 100_000
"""Characters of a line when nobody looks at a screen: nothing is cut or wrapped."""


def print_json(value: Json) -> None:
    """The value on standard output as indented JSON."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def print_rows(rows: Sequence[Json], columns: Sequence[Column], *, as_json: bool) -> None:
    """A list: as JSON all of it, as a table these columns."""
    if as_json:
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(_heading(column), overflow="fold", no_wrap=column == "id")
    for row in rows:
        table.add_row(*(Text(cell(_at(row, column))) for column in columns))
    _print(table)
    if not rows:
        sys.stderr.write("Nothing there.\n")


def print_thing(thing: Json, *, as_json: bool, leave_out: Sequence[str] = ()) -> None:
    """One thing: as JSON all of it, for people a line per key."""
    if as_json or not isinstance(thing, Mapping):
        print_json(thing)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in thing.items():
        if key not in leave_out:
            table.add_row(key.replace("_", " "), Text(cell(value)))
    _print(table)


def print_made(thing: Json, *, as_json: bool, only_id: bool) -> None:
    """A thing just made; with `only_id` a line with its id and nothing else."""
    if only_id and isinstance(thing, Mapping):
        say(str(thing["id"]))
    else:
        print_thing(thing, as_json=as_json)


def say(text: str) -> None:
    """A line for people on standard output."""
    sys.stdout.write(harmless(text) + "\n")


def warn(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(harmless(text) + "\n")


def cell(value: Json) -> str:
    """A value in a table: lists by commas, objects as compact JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return harmless(value)
        case list() | tuple() if all(isinstance(one, str | int) for one in value):
            return harmless(", ".join(map(str, value)))
        case Mapping() | list() | tuple():
            return harmless(orjson.dumps(value).decode()) if value else ""
        case _:
            return str(value)


def harmless(text: str) -> str:
    """Text of others without characters that would steer a terminal."""
    return (
        text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
    )


def _heading(column: Column) -> str:
    return column.rpartition(".")[2].replace("_", " ")


def _at(row: Json, column: Column) -> Json:
    for key in column.split("."):
        row = row.get(key) if isinstance(row, Mapping) else None
    return row


def _print(table: Table) -> None:
    """With colours and the width of the screen on a terminal; with neither where a program reads."""
    if sys.stdout.isatty():
        Console().print(table)
        return
    console = Console(no_color=True, width=UNBOUNDED, highlight=False)
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))
