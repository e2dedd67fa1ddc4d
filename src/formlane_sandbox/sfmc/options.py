"""Command-line options of the Marketing Cloud simulator."""

from __future__ import annotations

from typing import Annotated

import typer

from formlane_sandbox.clock import Clock
from formlane_sandbox.options import HOST, STATE, Host, Port, State, TimeScale
from formlane_sandbox.sfmc.settings import (
    CLIENT_ID,
    CLIENT_SECRET,
    HOME_ACCOUNT,
    OTHER_ACCOUNT,
    Client,
    Limits,
    Settings,
)
from formlane_sandbox.sfmc.simulator import MarketingCloudSimulator

CLIENT = f"{CLIENT_ID}:{CLIENT_SECRET}"


def build(
    *,
    host: Host = HOST,
    port: Port = 8712,
    state: State = STATE,
    time_scale: TimeScale = 1.0,
    rest_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the REST host.")] = 8732,
    soap_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the SOAP host.")] = 8742,
    client: Annotated[str, typer.Option(help="ID:SECRET of the installed package.")] = CLIENT,
    account: Annotated[
        list[str] | None, typer.Option(help="A business unit (MID); the first is home.")
    ] = None,
    rate: Annotated[int, typer.Option(min=0, help="REST calls per minute; 0: any number.")] = 2500,
) -> MarketingCloudSimulator:
    """Simulate Salesforce Marketing Cloud Engagement."""
    client_id, _, secret = client.partition(":")
    accounts = tuple(account or (HOME_ACCOUNT, OTHER_ACCOUNT))
    settings = Settings(
        clients={client_id: Client(secret=secret, accounts=accounts)},
        limits=Limits(rest_per_minute=rate or None),
    )
    return MarketingCloudSimulator(
        settings, clock=Clock(time_scale=time_scale), rest_port=rest_port, soap_port=soap_port
    )
