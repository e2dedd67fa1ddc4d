"""Command-line options of the SFTP server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formlane_sandbox.clock import Clock
from formlane_sandbox.options import HOST, STATE, Host, Port, State, TimeScale
from formlane_sandbox.sftp.accounts import Account
from formlane_sandbox.sftp.simulator import DEMO_USER, DEMO_WORD, SftpServer, SftpSettings


def build(
    *,
    host: Host = HOST,
    port: Port = 8722,
    page_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page.")] = 8723,
    state: State = STATE,
    time_scale: TimeScale = 1.0,
    root: Annotated[Path | None, typer.Option(help="Where files go; default STATE/sftp.")] = None,
    user: Annotated[str, typer.Option(help="Who may log in.")] = DEMO_USER,
    password: Annotated[str, typer.Option(help="Password.", envvar="SANDBOX_SFTP_PASSWORD")] = DEMO_WORD,
    authorized_key: Annotated[list[Path] | None, typer.Option(help="File with a public key.")] = None,
) -> SftpServer:
    """Take files over SFTP and show what arrived."""
    keys = tuple(path.read_text().strip() for path in authorized_key or ())
    return SftpServer(
        root or state / "sftp",
        keys=state / "keys",
        settings=SftpSettings(accounts={user: Account(password=password, public_keys=keys)}),
        page_port=page_port,
        clock=Clock(time_scale=time_scale),
    )
