"""Jira: issues of a simulated Cloud site whose search lags."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira.settings import API_TOKEN, EMAIL, Deployment, Limits, usual
from formlane_sandbox.jira.simulator import JiraSimulator
from formlane_sandbox.server import running
from tests.e2e.destinations.place import FAST, LATER
from tests.e2e.destinations.submissions import Held
from tests.e2e.product import TIME_SCALE

INDEX_LAG = 20.0
BULK = "*/issue/bulk"


@dataclass(slots=True)
class JiraPlace:
    """Tasks; the id of a submission is a label in a field of labels, since only such can be searched."""

    kind: str = "jira"
    object: str = "HELP/10001"
    lines: Mapping[str, str] = field(
        default_factory=lambda: {
            "customfield_10211": "id",
            "customfield_10203": "email",
            "summary": "name",
            "customfield_10206": "amount",
            "duedate": "day",
            "customfield_10209": '=IF(consent, "High", "Low")',
            "description": "message",
        }
    )
    match_field: str | None = "customfield_10211"
    tracking_field: str | None = "labels"
    limits: Mapping[str, Any] = field(default_factory=lambda: FAST)
    simulator: JiraSimulator = field(init=False)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        settings = usual(Deployment.CLOUD, index_lag=INDEX_LAG, limits=Limits(burst=None))
        async with running(JiraSimulator(settings, clock=Clock(time_scale=TIME_SCALE))) as self.simulator:
            yield

    @property
    def ports(self) -> Sequence[int]:
        return [urlsplit(self.simulator.url).port or 0]

    def settings(self) -> Mapping[str, Any]:
        return {
            "site_url": self.simulator.base_url,
            "user": EMAIL,
            "api_url": self.simulator.url,
            "auth_url": self.simulator.url,
            "allow_http": True,
        }

    def secrets(self) -> Mapping[str, str]:
        return {"token": API_TOKEN}

    def options(self) -> Mapping[str, Any]:
        return {}

    def issues(self, kind: str) -> list[Mapping[str, Any]]:
        """Issues of `PROJECT/Type`, each as the site shows it."""
        return [self.simulator.document(one.key) for one in self.simulator.objects().get(kind, [])]

    def held(self) -> list[Held]:
        return [_held(issue["fields"]) for issue in self.issues("HELP/Task")]

    def pass_time(self) -> None:
        self.simulator.clock.shift(LATER)

    def lose_answers(self, share: float, *, seed: int) -> None:
        self.simulator.faults.arm(
            Fault(kind=Kind.RESET, commit=True, share=share, seed=seed, method="POST", path=BULK)
        )

    def lost_answers(self) -> int:
        return int(str(self.simulator.stats()["faults_fired"]))


def _held(fields: Mapping[str, Any]) -> Held:
    amount = fields["customfield_10206"]
    return {
        "id": fields["customfield_10211"][0],
        "email": fields["customfield_10203"],
        "name": fields["summary"],
        "amount": None if amount is None else Decimal(str(amount)),
        "day": fields["duedate"],
        "consent": fields["customfield_10209"]["value"] == "High",
        "message": _text(fields["description"]),
    }


def _text(document: Mapping[str, Any]) -> str:
    """The lines of an Atlassian document: one per paragraph, more where a line is broken."""
    return "\n".join(
        "".join(
            "\n" if node["type"] == "hardBreak" else node["text"] for node in paragraph.get("content", ())
        )
        for paragraph in document["content"]
    )
