"""Command line: `python -m formlane_sandbox webhook`, `… sftp`, `… all`."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import signal
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

import typer
import uvloop

from formlane_sandbox.catalogue import CATALOGUE, Entry
from formlane_sandbox.options import HOST, STATE, CaFile, Host, State, TimeScale, Tls
from formlane_sandbox.server import Simulator, all_running
from formlane_sandbox.tls import Authority

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
_TLS_OPTIONS = {
    "tls": inspect.Parameter("tls", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Tls),
    "ca_file": inspect.Parameter("ca_file", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=CaFile),
}


@app.command("all")
def serve_all(
    host: Host = HOST,
    state: State = STATE,
    time_scale: TimeScale = 1.0,
    tls: Tls = False,
    ca_file: CaFile = None,
) -> None:
    """Start every simulator on its usual port."""
    simulators = [
        (entry.build(host=host, port=entry.port, state=state, time_scale=time_scale), entry.port)
        for entry in CATALOGUE
    ]
    context = _secured(host, ca_file or state / "all-ca.pem") if tls else None
    uvloop.run(_serve(simulators, host, context))


def main() -> None:
    """Run the command line."""
    app()


def _command(entry: Entry) -> Callable[..., None]:
    """A command with the options of `entry.build`, `--tls` and `--ca-file` that serves one simulator."""

    @functools.wraps(entry.build)
    def serve(*, tls: bool, ca_file: Path | None, **options: object) -> None:
        host, port, state = options["host"], options["port"], options["state"]
        assert isinstance(host, str)
        assert isinstance(port, int)
        assert isinstance(state, Path)
        context = _secured(host, ca_file or state / f"{entry.name}-ca.pem") if tls else None
        try:
            uvloop.run(_serve([(entry.build(**options), port)], host, context))
        except OSError as fault:
            typer.echo(f"{entry.name} cannot listen on {host}:{port}: {fault.strerror}", err=True)
            raise typer.Exit(1) from None

    parameters = {**inspect.signature(entry.build, eval_str=True).parameters, **_TLS_OPTIONS}
    vars(serve)["__signature__"] = inspect.Signature(list(parameters.values()))
    serve.__annotations__ = {name: option.annotation for name, option in parameters.items()}
    return serve


def _secured(host: str, ca_file: Path) -> ssl.SSLContext:
    """A context for `host`; the certificate to trust is in `ca_file` from now on."""
    authority = Authority()
    ca_file.parent.mkdir(parents=True, exist_ok=True)
    ca_file.write_text(authority.pem)
    return authority.server_context(host)


async def _serve(simulators: Sequence[tuple[Simulator, int]], host: str, tls: ssl.SSLContext | None) -> None:
    """Serve until SIGINT or SIGTERM; says where on standard output, one address a line."""
    gc.set_threshold(100_000, 50, 100)  # the indexes only grow: walking them often finds nothing
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    async with all_running(simulators, host=host, tls=tls) as started:
        for simulator in started:
            for word, address in simulator.addresses.items():
                typer.echo(f"{simulator.name} {word} {address}")
        await done.wait()


for _entry in CATALOGUE:
    app.command(_entry.name)(_command(_entry))
