"""Stand-ins for the services behind the pages."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from starlette.routing import Router
from starlette.types import ASGIApp

from formlane.api.envelope import Envelope
from formlane.domain.forms import FormDefinition, FormField
from formlane.domain.ids import new_id
from formlane.domain.types import FieldType, Json
from formlane.errors import InvalidInput, NotFound
from formlane.mapping.intake import compile_validator
from formlane.services.consents import Answered
from formlane.services.ports.flows import KnownForm
from formlane.web.app import page_routes
from formlane.web.options import PageServices
from tests.unit.api.asgi import Answer, call
from tests.unit.api.fakes import FakeFailpoints

KEY = "ff_00aaaaaaaaaaaaaaaaaaaaaa"
EVERY_TYPE = FormDefinition(
    title='Tell us "all" <now>',
    thank_you="Thanks & goodbye.\nSee you.",
    fields=(
        FormField(name="first_name", label="First name", required=True, help="As in your passport."),
        FormField(name="message", label="Message", type=FieldType.TEXT, max_length=20),
        FormField(name="people", label="People", type=FieldType.INTEGER),
        FormField(name="price", label="Price", type=FieldType.DECIMAL),
        FormField(name="agreed", label="I agree", type=FieldType.BOOLEAN, required=True),
        FormField(name="news", label="Send news", type=FieldType.BOOLEAN),
        FormField(name="day", label="Day", type=FieldType.DATE),
        FormField(name="at", label="Moment", type=FieldType.DATETIME),
        FormField(name="time", label="Time", type=FieldType.TIME),
        FormField(name="size", label="Size", type=FieldType.ENUM, choices=("S", "M", '"L"')),
        FormField(name="land", label="Land", type=FieldType.ENUM, choices=tuple("ABCDEFGH")),
        FormField(
            name="likes", label="Likes", type=FieldType.MULTI_ENUM, choices=("tea", "coffee"), required=True
        ),
        FormField(name="email", label="Email", type=FieldType.EMAIL, required=True, help="For our answer."),
        FormField(name="phone", label="Phone", type=FieldType.PHONE),
        FormField(name="site", label="Site", type=FieldType.URL),
        FormField(name="ref", label="Reference", type=FieldType.REFERENCE),
        FormField(name="data", label="Data", type=FieldType.JSON),
        FormField(name="file", label="File", type=FieldType.BINARY),
    ),
)
GOOD: Mapping[str, str | list[str]] = {
    "first_name": "Ada",
    "agreed": "true",
    "likes": ["tea", "coffee"],
    "email": "ada@example.org",
}


class FakeForms:
    """One form."""

    def __init__(self, definition: FormDefinition) -> None:
        self.form = KnownForm(tenant=new_id(0), form=new_id(0), definition=definition)

    async def at_address(self, form_key: str) -> KnownForm:
        if form_key != KEY:
            raise NotFound("There is no form at this address.")
        return self.form


class FakeIntake:
    """Checks as intake does, and keeps what passes; raises `trouble` if there is one."""

    def __init__(self, definition: FormDefinition) -> None:
        self.validator = compile_validator(definition)
        self.trouble: Exception | None = None
        self.stored: list[tuple[Mapping[str, Json], str]] = []

    async def submit(self, tenant: UUID, form: UUID, values: Mapping[str, Json], *, token: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        verdict = self.validator.examine(values, "")
        if verdict.problems:
            raise InvalidInput("Please check your answers.", verdict.problems)
        self.stored.append((values, token))


class FakeConsents:
    """Answers with a connection of this name, or raises `trouble`."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.answered: list[Answered] = []

    async def finish(self, answered: Answered) -> object:
        self.answered.append(answered)
        if self.trouble is not None:
            raise self.trouble
        return SimpleNamespace(connection=SimpleNamespace(name="Leads <b>"))


class Site:
    """A form's pages, in the envelope that serves them."""

    def __init__(self, definition: FormDefinition = EVERY_TYPE, *, max_bytes: int = 20_000) -> None:
        self.intake = FakeIntake(definition)
        self.failpoints = FakeFailpoints()
        self.consents = FakeConsents()
        services = PageServices(
            forms=cast("object", FakeForms(definition)),  # type: ignore[arg-type]
            intake=cast("object", self.intake),  # type: ignore[arg-type]
            consents=cast("object", self.consents),  # type: ignore[arg-type]
            failpoints=cast("object", self.failpoints),  # type: ignore[arg-type]
            max_bytes=max_bytes,
        )
        router = Router(page_routes(services), redirect_slashes=False)
        self.app: ASGIApp = Envelope(router, base_url="http://127.0.0.1", secure=False)

    async def get(self, path: str = f"/f/{KEY}") -> Answer:
        return await call(self.app, "GET", path)

    async def post(self, fields: Mapping[str, str | list[str]], *, token: str = "t" * 24) -> Answer:
        body = urlencode({"formlane-token": token, **fields}, doseq=True).encode()
        return await self.post_raw(body, "application/x-www-form-urlencoded")

    async def post_raw(self, body: bytes, content_type: str, **headers: str) -> Answer:
        given = {"content-type": content_type} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await call(self.app, "POST", f"/f/{KEY}", body=body, headers=given)
