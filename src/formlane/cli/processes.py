"""Commands that run: a whole installation, or one of its processes."""

from __future__ import annotations

import asyncio
from typing import Annotated, cast

import typer
import uvloop

from formlane.cli.children import end_with_parent
from formlane.cli.demo.place import PORTS, DemoPlace
from formlane.cli.serve import serve
from formlane.cli.supervisor import until_told_to_end
from formlane.errors import ConfigurationError
from formlane.settings import LogFormat, Settings, load_settings
from formlane.telemetry.logging import configure_logging

app = typer.Typer()


@app.command("serve")
def serve_command(
    demo: Annotated[
        bool, typer.Option("--demo", help="With a sandbox and a demo tenant to look around in.")
    ] = False,
    demo_ports: Annotated[
        str,
        typer.Option(
            help="The sandbox's: receiver of calls, file server, page of the file server.",
            envvar="FORMLANE_DEMO_PORTS",
        ),
    ] = ",".join(map(str, PORTS)),
) -> None:
    """Run a whole installation: API, worker, scheduler, and PostgreSQL unless DATABASE_URL names one."""
    settings = _settings("serve")
    place = _demo_place(settings, demo_ports) if demo else None
    uvloop.run(serve(settings, run, demo=place))


@app.command("api")
def api() -> None:
    """Run one API process: JSON API, PUSH API, pages. Needs DATABASE_URL."""
    run("api")


@app.command("worker")
def worker() -> None:
    """Run one worker process: delivery. Needs DATABASE_URL."""
    run("worker")


@app.command("scheduler")
def scheduler() -> None:
    """Run one scheduler process: what is due by time. Needs DATABASE_URL."""
    run("scheduler")


def run(role: str) -> None:
    """Runs one role in this process, until it is told to end."""
    if role not in ("api", "worker", "scheduler"):
        raise ValueError(f"There is no role {role!r}.")
    # `serve` starts these as processes of their own and does without all that they import.
    from formlane.bootstrap.roles import Role, run_role  # noqa: PLC0415

    settings = _settings(role)

    async def work() -> None:
        stop = asyncio.Event()
        telling = asyncio.ensure_future(until_told_to_end())
        telling.add_done_callback(lambda _: stop.set())
        end_with_parent(stop)
        try:
            await run_role(cast(Role, role), settings, stop=stop)
        finally:
            telling.cancel()

    uvloop.run(work())


def _settings(process: str) -> Settings:
    settings = load_settings()
    as_json = settings.log_format is LogFormat.JSON
    configure_logging(level=settings.log_level.value, as_json=as_json, process=process)
    return settings


def _demo_place(settings: Settings, ports: str) -> DemoPlace:
    if settings.production:
        raise ConfigurationError("The demo delivers to this machine, which production refuses.")
    numbers = [int(text) for text in ports.split(",") if text.strip().isdecimal()]
    if len(numbers) != len(PORTS) or not all(0 < number < 65536 for number in numbers):
        raise ConfigurationError(f"The demo's ports are three numbers with commas, not {ports!r}.")
    receiver, files, page = numbers
    return DemoPlace.of(settings.state_dir, ports=(receiver, files, page))
