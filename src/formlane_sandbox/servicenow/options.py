"""Command-line options of the ServiceNow instance."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from formlane_sandbox.clock import Clock
from formlane_sandbox.options import HOST, STATE, Host, Port, State, TimeScale
from formlane_sandbox.servicenow.seed_rows import ADMIN, API_KEY, CLIENT, INTEGRATION, SEED_SETTINGS
from formlane_sandbox.servicenow.simulator import ServiceNow


def build(
    *,
    host: Host = HOST,
    port: Port = 8713,
    state: State = STATE,
    time_scale: TimeScale = 1.0,
    user: Annotated[str, typer.Option(help="Name of the integration user.")] = INTEGRATION.name,
    password: Annotated[str, typer.Option(help="Its password.")] = INTEGRATION.password,
    client_id: Annotated[str, typer.Option(help="OAuth client id.")] = CLIENT.id,
    client_secret: Annotated[str, typer.Option(help="OAuth client secret.")] = CLIENT.secret,
    api_key: Annotated[str, typer.Option(help="Value of x-sn-apikey.")] = API_KEY,
) -> ServiceNow:
    """Imitate a ServiceNow instance."""
    settings = msgspec.structs.replace(
        SEED_SETTINGS,
        users=(ADMIN, msgspec.structs.replace(INTEGRATION, name=user, password=password)),
        clients=(msgspec.structs.replace(CLIENT, id=client_id, secret=client_secret, user=user),),
        api_keys={api_key: user},
    )
    return ServiceNow(settings, clock=Clock(time_scale=time_scale))
