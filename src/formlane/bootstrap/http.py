"""The HTTP side of a hub: API, PUSH API and hosted pages."""

from __future__ import annotations

import asyncio
import contextlib

import uvicorn
from starlette.types import ASGIApp

from formlane.api.app import create_app, management_later
from formlane.api.options import ApiServices, ApiSettings
from formlane.bootstrap.hub import Hub
from formlane.bootstrap.stopping import until
from formlane.errors import Unavailable
from formlane.telemetry.metrics import render_metrics
from formlane.web.app import page_routes
from formlane.web.options import PageServices

MANAGEMENT_AFTER = 0.3
"""Seconds after which the management API is made, so that the port is open before."""


def new_app(hub: Hub) -> ASGIApp:
    """The HTTP side of a hub. Call it in the event loop that serves it."""
    settings = hub.settings

    async def ready() -> None:
        try:
            async with asyncio.timeout(5), hub.pool.acquire() as connection:
                await connection.fetchval("SELECT 1")
        except Exception as error:
            raise Unavailable("The database does not answer.") from error

    services = ApiServices(
        intake=hub.intake,
        tenants=hub.tenants,
        keys=hub.keys,
        connections=hub.connections,
        consents=hub.consents,
        forms=hub.forms,
        flows=hub.flows,
        routes=hub.routes,
        records=hub.records,
        ledger=hub.ledger,
        replays=hub.replays,
        ready=ready,
        metrics=render_metrics,
        failpoints=hub.failpoints,
    )
    options = ApiSettings(
        base_url=settings.base_url,
        max_request_bytes=settings.max_request_bytes,
        max_request_records=settings.max_request_records,
        secure=settings.base_url.startswith("https://"),
    )
    management = management_later(services, options)
    asyncio.get_running_loop().call_later(MANAGEMENT_AFTER, management.begin)
    return create_app(
        services,
        options,
        management=management,
        pages=page_routes(
            PageServices(forms=hub.forms, intake=hub.intake, consents=hub.consents, failpoints=hub.failpoints)
        ),
    )


async def serve_api(hub: Hub, stop: asyncio.Event) -> None:
    """Serves HTTP until `stop` is set; requests under way are answered."""
    settings = hub.settings
    server = uvicorn.Server(
        uvicorn.Config(
            new_app(hub),
            host=settings.host,
            port=settings.port,
            loop="none",
            http="httptools",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            ssl_certfile=settings.tls_cert_file,
            ssl_keyfile=settings.tls_key_file,
            timeout_graceful_shutdown=int(settings.shutdown_seconds),
            limit_concurrency=4096,
        )
    )
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment]  # signals are ours
    await hub.intake.start()
    try:

        def end() -> None:
            server.should_exit = True

        await until(stop, server.serve(), end)
    finally:
        await hub.intake.stop()
