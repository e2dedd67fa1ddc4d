"""`formlane push`: the records of a file into a form or a flow."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from formlane.cli.client import DEFAULT_URL, AsJson, Key, Url, open_client
from formlane.cli.output import print_json, say, warn
from formlane.cli.pushing.files import Format, RecordFile, format_of
from formlane.cli.pushing.run import Plan, Summary, Watch, push_file, rejects_beside
from formlane.cli.pushing.sending import Patience
from formlane.errors import FormlaneError

app = typer.Typer()

SHOWN_WARNINGS = 10
INTERRUPTED = 130


@app.command("push")
def push(  # noqa: PLR0913, PLR0917 - one parameter per option
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or JSON file.", show_default=False)],
    form: Annotated[str | None, typer.Option(help="Form to push to: its id.")] = None,
    flow: Annotated[str | None, typer.Option(help="Flow to push to: its id.")] = None,
    format: Annotated[  # noqa: A002 - the option's name
        Format | None, typer.Option(help="Unless the file's name shows it.", show_default=False)
    ] = None,
    delimiter: Annotated[str, typer.Option(help="Of CSV; one character, or tab.")] = "",
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Records of one request.")] = 100,
    parallel: Annotated[
        int, typer.Option(min=1, max=32, help="Requests at the same time; more than one gives up the order.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run of this file stopped.")
    ] = False,
    retry_for: Annotated[
        int, typer.Option(min=0, help="Seconds that a request waits for a server that is away or busy.")
    ] = 600,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Push the records of a file. Exit code 1 if any record was rejected.

    CSV has a header row and is UTF-8. Rejected records are written to FILE.rejected.ndjson. A repeated run
    of the same file accepts nothing twice, for 24 hours.
    """
    if (form is None) == (flow is None):
        raise typer.BadParameter("Give either --form or --flow.")
    chosen = format or format_of(file)
    plan = Plan(
        source=RecordFile(path=file, format=chosen, delimiter=_delimiter(delimiter, file)),
        target=f"/forms/{form}/batches" if form is not None else f"/flows/{flow}/batches",
        batch=batch,
        parallel=parallel,
        resume=resume,
    )
    summary = _run(plan, url=url, key=key, patience=float(retry_for))
    _tell(summary, plan, as_json=as_json)
    if summary.rejected:
        raise typer.Exit(1)


def _run(plan: Plan, *, url: str, key: str, patience: float) -> Summary:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    task = bar.add_task("Reading", total=None, counts="")

    def total(records: int) -> None:
        bar.update(task, total=records, description="Pushing")

    def moved(summary: Summary) -> None:
        counts = f"{summary.accepted} accepted, {summary.rejected} rejected"
        bar.update(task, completed=summary.records, counts=counts, description="Pushing")

    def waiting(seconds: float, reason: str) -> None:
        if bar.disable:
            warn(f"Waiting {seconds:.0f} s: {reason}")
        bar.update(task, description=f"Waiting {seconds:.0f} s")

    async def pushed() -> Summary:
        async with open_client(url, key) as client:
            return await push_file(
                client,
                plan,
                patience=Patience(seconds=patience, waiting=waiting),
                watch=Watch(total=total, moved=moved),
            )

    try:
        with bar:
            return asyncio.run(pushed())
    except KeyboardInterrupt:
        warn("Interrupted. The same command with --resume goes on.")
        raise typer.Exit(INTERRUPTED) from None
    except FormlaneError:
        warn("The push did not finish. Once the cause is mended, the same command with --resume goes on.")
        raise


def _delimiter(given: str, file: Path) -> str:
    if given.lower() in ("tab", "\\t", "\t") or (not given and file.suffix.lower() == ".tsv"):
        return "\t"
    delimiter = given or ","
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise typer.BadParameter("--delimiter is one character, or tab.")
    return delimiter


def _tell(summary: Summary, plan: Plan, *, as_json: bool) -> None:
    rejects = rejects_beside(plan)
    if as_json:
        told = {**asdict(summary), "warnings": sorted(summary.warnings)}
        print_json({**told, "rejected_file": str(rejects) if summary.rejected else None})
        return
    parts = [f"{summary.records} records: {summary.accepted} accepted"]
    if summary.repeated:
        parts.append(f"{summary.repeated} of them before")
    parts.append(f"{summary.rejected} rejected" + (f", see {rejects}" if summary.rejected else ""))
    say(", ".join(parts) + ".")
    for text in sorted(summary.warnings)[:SHOWN_WARNINGS]:
        warn(f"Warning: {text}")
    if len(summary.warnings) > SHOWN_WARNINGS:
        warn(f"… and {len(summary.warnings) - SHOWN_WARNINGS} more.")
