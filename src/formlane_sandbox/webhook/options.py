"""Command-line options of the webhook receiver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formlane_sandbox.clock import Clock
from formlane_sandbox.options import HOST, STATE, Host, Port, State, TimeScale
from formlane_sandbox.webhook.settings import KEEP_DEFAULT, HookSettings, ReceiverSettings
from formlane_sandbox.webhook.simulator import WebhookReceiver


def build(
    *,
    host: Host = HOST,
    port: Port = 8700,
    state: State = STATE,
    time_scale: TimeScale = 1.0,
    secret: Annotated[list[str] | None, typer.Option(help="whsec_… that signatures must fit.")] = None,
    keep: Annotated[int, typer.Option(min=1, help="How many requests to keep in full.")] = KEEP_DEFAULT,
    journal: Annotated[Path | None, typer.Option(help="Append accepted requests to this file.")] = None,
    journal_bodies: Annotated[bool, typer.Option(help="With the bodies.")] = False,
) -> WebhookReceiver:
    """Receive webhooks and show what arrived."""
    settings = ReceiverSettings(default=HookSettings(secrets=tuple(secret or ())), keep=keep)
    return WebhookReceiver(
        settings, clock=Clock(time_scale=time_scale), journal=journal, journal_bodies=journal_bodies
    )
