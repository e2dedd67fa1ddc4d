"""What bootstrap hands to the API: values of settings, and the services behind the routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from formlane.domain.secrets import Secret
from formlane.services.connections import Connections
from formlane.services.consents import Consents
from formlane.services.flows import Flows
from formlane.services.forms import Forms
from formlane.services.intake import Intake
from formlane.services.keys import ApiKeys
from formlane.services.ledger import Ledger
from formlane.services.records import Records
from formlane.services.replays import Replays
from formlane.services.routes import Routes
from formlane.services.tenants import Tenants
from formlane.telemetry.failpoints import Failpoints

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Values, sizes in bytes. `base_url` is the public address without a final slash.

    `budget_bytes`: what the bodies of all requests under way may hold. `operator_token`: opens the
    routes about tenants; None closes them. `secure`: served over HTTPS, so browsers are told to stay there.
    """

    base_url: str = "http://127.0.0.1:8080"
    max_request_bytes: int = 10 * MEGABYTE
    max_request_records: int = 10_000
    max_record_bytes: int = MEGABYTE
    budget_bytes: int = 64 * MEGABYTE
    operator_token: Secret | None = None
    secure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """What the routes call. `ready` raises `Unavailable` when the store is away; `metrics` is a page."""

    intake: Intake
    tenants: Tenants
    keys: ApiKeys
    connections: Connections
    consents: Consents
    forms: Forms
    flows: Flows
    routes: Routes
    records: Records
    ledger: Ledger
    replays: Replays
    ready: Callable[[], Awaitable[None]]
    metrics: Callable[[], bytes]
    failpoints: Failpoints = field(default_factory=Failpoints)
