"""Command-line options that every simulator has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]
State = Annotated[Path, typer.Option(help="Directory for what outlives a restart.")]
TimeScale = Annotated[float, typer.Option(min=0.001, max=1000, help="Factor for lags and life times.")]
Tls = Annotated[bool, typer.Option("--tls", help="Serve https, by a certificate authority of its own.")]
CaFile = Annotated[
    Path | None,
    typer.Option(help="Where to write the certificate to trust, as PEM; default STATE/NAME-ca.pem."),
]

HOST = "127.0.0.1"
STATE = Path(".sandbox")
