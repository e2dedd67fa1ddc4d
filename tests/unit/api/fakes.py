"""Stand-ins for the services behind the routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from starlette.types import ASGIApp

from formlane.api.app import create_app
from formlane.api.options import ApiServices, ApiSettings
from formlane.domain.ids import new_id
from formlane.errors import NotAuthenticated
from formlane.services.keys import Caller
from formlane.services.ports.tenancy import KeyScope

TENANT = new_id(0)
FORM = new_id(0)
FLOW = new_id(0)
KEY = "key-of-the-test"
FORM_PATH = f"/v1/forms/form_{FORM.hex}/batches"
FLOW_PATH = f"/v1/flows/flow_{FLOW.hex}/batches"


class FakeKeys:
    """Knows one key."""

    def __init__(self, scopes: Sequence[KeyScope] = (KeyScope.PUSH,)) -> None:
        self.scopes = frozenset(scopes)

    async def authenticate(self, token: str) -> Caller:
        if token != KEY:
            raise NotAuthenticated("The API key is unknown, expired or revoked.")
        return Caller(tenant=TENANT, key=new_id(0), scopes=self.scopes)


class FakeReceipt:
    repeated = False

    def body(self) -> bytes:
        return b'{"batch":"bat_1"}'


class FakeIntake:
    """Keeps what it was handed; raises `trouble` if there is one."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.accepted: list[tuple[UUID, UUID, list[object], str | None, str]] = []

    async def accept(
        self, tenant: UUID, source: UUID, records: list[object], *, key: str | None, at: str, kind: str
    ) -> FakeReceipt:
        if self.trouble is not None:
            raise self.trouble
        self.accepted.append((tenant, source, records, key, at))
        return FakeReceipt()


class FakeFailpoints:
    def __init__(self) -> None:
        self.reached: list[str] = []

    def reach(self, name: str) -> None:
        self.reached.append(name)


class FakeServices:
    """As much of `ApiServices` as a test needs; the rest is missing and would be noticed."""

    def __init__(self, *, intake: FakeIntake | None = None, scopes: Sequence[KeyScope] = (KeyScope.PUSH,)):
        self.intake = intake or FakeIntake()
        self.keys = FakeKeys(scopes)
        self.failpoints = FakeFailpoints()
        self.away: Exception | None = None

    async def ready(self) -> None:
        if self.away is not None:
            raise self.away

    def metrics(self) -> bytes:
        return b"up 1\n"

    def app(self, settings: ApiSettings | None = None) -> ASGIApp:
        return create_app(cast(ApiServices, self), settings or ApiSettings())


def push_headers(**more: str) -> dict[str, str]:
    """Headers of a good request; `more` with underscores for hyphens."""
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    return headers | {name.replace("_", "-"): value for name, value in more.items()}
