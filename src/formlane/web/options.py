"""What bootstrap hands to the pages."""

from __future__ import annotations

from dataclasses import dataclass, field

from formlane.services.consents import Consents
from formlane.services.forms import Forms
from formlane.services.intake import Intake
from formlane.telemetry.failpoints import Failpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class PageServices:
    """What the hosted pages call. `max_bytes` bounds a post."""

    forms: Forms
    intake: Intake
    consents: Consents
    failpoints: Failpoints = field(default_factory=Failpoints)
    max_bytes: int = 2 * 1024 * 1024
