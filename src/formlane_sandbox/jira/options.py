"""Command-line options of Jira."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from formlane_sandbox.clock import Clock
from formlane_sandbox.jira.settings import ApiToken, Deployment, JiraSettings, usual
from formlane_sandbox.jira.simulator import JiraDataCenter, JiraSimulator
from formlane_sandbox.options import HOST, STATE, Host, Port, State, TimeScale

Lag = Annotated[float, typer.Option("--index-lag", min=0, help="Seconds until search sees a write.")]
Token = Annotated[list[str] | None, typer.Option("--token", help="Further EMAIL:TOKEN that may log in.")]
Context = Annotated[str, typer.Option(help="Path of the instance, as /jira.")]


def build(
    *,
    host: Host = HOST,
    port: Port = 8714,
    state: State = STATE,
    time_scale: TimeScale = 1.0,
    deployment: Annotated[Deployment, typer.Option(help="Which product.")] = Deployment.CLOUD,
    index_lag: Lag = 0.0,
    token: Token = None,
    context: Context = "",
) -> JiraSimulator:
    """Jira Cloud (or, by --deployment, Data Center): REST v3 and v2, OAuth, search, limits."""
    settings = _settings(deployment, index_lag, token, context)
    kind = JiraSimulator if settings.cloud else JiraDataCenter
    return kind(settings, clock=Clock(time_scale=time_scale))


def build_data_center(
    *,
    host: Host = HOST,
    port: Port = 8715,
    state: State = STATE,
    time_scale: TimeScale = 1.0,
    index_lag: Lag = 0.0,
    token: Token = None,
    context: Context = "",
) -> JiraDataCenter:
    """Jira Data Center: REST v2."""
    settings = _settings(Deployment.DATA_CENTER, index_lag, token, context)
    return JiraDataCenter(settings, clock=Clock(time_scale=time_scale))


def _settings(
    deployment: Deployment, index_lag: float, token: list[str] | None, context: str
) -> JiraSettings:
    settings = usual(deployment, index_lag=index_lag, context=context.rstrip("/"))
    more = [
        ApiToken(email=email, token=word) for email, _, word in (item.partition(":") for item in token or ())
    ]
    return msgspec.structs.replace(settings, tokens=(*settings.tokens, *more))
