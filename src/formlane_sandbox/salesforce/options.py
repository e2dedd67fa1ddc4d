"""Command-line options of the Salesforce simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formlane_sandbox.clock import Clock
from formlane_sandbox.options import HOST, STATE, Host, Port, State, TimeScale
from formlane_sandbox.salesforce.settings import Settings
from formlane_sandbox.salesforce.simulator import Salesforce

_DEFAULT = Settings()


def build(
    *,
    host: Host = HOST,
    port: Port = 8711,
    state: State = STATE,
    time_scale: TimeScale = 1.0,
    consumer_key: Annotated[str, typer.Option(help="Client id of the app.")] = _DEFAULT.consumer_key,
    consumer_secret: Annotated[
        str, typer.Option(help="Client secret of the app.")
    ] = _DEFAULT.consumer_secret,
    username: Annotated[str, typer.Option(help="The integration user.")] = _DEFAULT.username,
    refresh_token: Annotated[str, typer.Option(help="Valid from the start.")] = _DEFAULT.refresh_token,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM that verifies JWTs; default: a key pair below STATE/keys.")
    ] = None,
) -> Salesforce:
    """Simulate a Salesforce org."""
    settings = Settings(
        consumer_key=consumer_key,
        consumer_secret=consumer_secret,
        username=username,
        refresh_token=refresh_token,
        certificate=certificate.read_text() if certificate else "",
    )
    return Salesforce(settings, clock=Clock(time_scale=time_scale), keys=state / "keys")
