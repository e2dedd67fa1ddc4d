"""Command line: `python -m formlane_sandbox webhook`, `… sftp`, `… all`."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import signal
from collections.abc import Callable, Sequence

import typer
import uvloop

from formlane_sandbox.catalogue import CATALOGUE, Entry
from formlane_sandbox.options import HOST, STATE, Host, State, TimeScale
from formlane_sandbox.server import Simulator, all_running

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command("all")
def serve_all(host: Host = HOST, state: State = STATE, time_scale: TimeScale = 1.0) -> None:
    """Start every simulator on its usual port."""
    simulators = [
        (entry.build(host=host, port=entry.port, state=state, time_scale=time_scale), entry.port)
        for entry in CATALOGUE
    ]
    uvloop.run(_serve(simulators, host))


def main() -> None:
    """Run the command line."""
    app()


def _command(entry: Entry) -> Callable[..., None]:
    """A command with the options of `entry.build` that builds and serves one simulator."""

    @functools.wraps(entry.build)
    def serve(**options: object) -> None:
        host, port = options["host"], options["port"]
        assert isinstance(host, str)
        assert isinstance(port, int)
        try:
            uvloop.run(_serve([(entry.build(**options), port)], host))
        except OSError as fault:
            typer.echo(f"{entry.name} cannot listen on {host}:{port}: {fault.strerror}", err=True)
            raise typer.Exit(1) from None

    signature = inspect.signature(entry.build, eval_str=True)
    vars(serve)["__signature__"] = signature.replace(return_annotation=None)
    serve.__annotations__ = {name: option.annotation for name, option in signature.parameters.items()}
    return serve


async def _serve(simulators: Sequence[tuple[Simulator, int]], host: str) -> None:
    """Serve until SIGINT or SIGTERM; says where on standard output, one address a line."""
    gc.set_threshold(100_000, 50, 100)  # the indexes only grow: walking them often finds nothing
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    async with all_running(simulators, host=host) as started:
        for simulator in started:
            for word, address in simulator.addresses.items():
                typer.echo(f"{simulator.name} {word} {address}")
        await done.wait()


for _entry in CATALOGUE:
    app.command(_entry.name)(_command(_entry))
