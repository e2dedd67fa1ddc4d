"""Forms: sources with typed fields and a hosted page."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from formlane.api.management.access import (
    ExpectedRevision,
    Manager,
    Reader,
    Services,
    Settings,
    etag,
)
from formlane.api.management.definitions import FormJson, moved, read_definition, show_definition
from formlane.api.management.identifiers import in_path
from formlane.api.management.models import FindingShown, JsonObject, Name, Page, Sent, Shown, findings_shown
from formlane.api.management.paging import Cursor, Limit, page_of_all
from formlane.domain.forms import FormDefinition
from formlane.domain.ids import to_text
from formlane.errors import InvalidInput
from formlane.services.forms import SavedForm
from formlane.services.ports.flows import Form

router = APIRouter(prefix="/v1/forms", tags=["Forms"])


class FormSent(Sent):
    """A form to be made or replaced. `name` is for lists; the title unless given."""

    name: Name | None = None
    definition: FormJson


class FormShown(Shown):
    """A form. `address` is its hosted page."""

    id: str
    name: str
    form_key: str
    address: str
    definition: JsonObject
    created_at: AwareDatetime
    warnings: list[FindingShown] = Field(default=[], description="Only in answers to changes.")


@router.post("", status_code=201)
async def create_form(
    sent: FormSent, response: Response, services: Services, settings: Settings, caller: Manager
) -> FormShown:
    """A new form, not attached to any flow yet."""
    definition = read_definition(FormDefinition, sent.definition, at="/definition")
    try:
        saved = await services.forms.create(caller.tenant, definition, name=sent.name)
    except InvalidInput as fault:
        raise moved(fault, "/definition") from None
    shown = _saved(saved, response, settings.base_url)
    response.headers["location"] = f"/v1/forms/{shown.id}"
    return shown


@router.get("")
async def list_forms(
    services: Services, settings: Settings, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[FormShown]:
    """All forms, oldest first."""
    return page_of_all(
        await services.forms.list(caller.tenant),
        cursor=cursor,
        limit=limit,
        place=lambda form: form.id.hex,
        show=lambda form: _shown(form, settings.base_url),
    )


@router.get("/{form}")
async def get_form(
    form: str, response: Response, services: Services, settings: Settings, caller: Reader
) -> FormShown:
    """One form."""
    found = await services.forms.get(caller.tenant, in_path("form", form))
    response.headers["etag"] = etag(found.revision)
    return _shown(found, settings.base_url)


@router.put("/{form}")
async def replace_form(
    form: str,
    sent: FormSent,
    response: Response,
    services: Services,
    settings: Settings,
    caller: Manager,
    revision: ExpectedRevision,
) -> FormShown:
    """Replaces the definition; refused where a route binds a field that would be gone."""
    id_ = in_path("form", form)
    definition = read_definition(FormDefinition, sent.definition, at="/definition")
    try:
        saved = await services.forms.update(caller.tenant, id_, definition, name=sent.name, revision=revision)
    except InvalidInput as fault:
        raise moved(fault, "/definition") from None
    return _saved(saved, response, settings.base_url)


def _saved(saved: SavedForm, response: Response, base_url: str) -> FormShown:
    response.headers["etag"] = etag(saved.form.revision)
    shown = _shown(saved.form, base_url)
    return shown.model_copy(update={"warnings": findings_shown(saved.warnings)})


def _shown(form: Form, base_url: str) -> FormShown:
    return FormShown(
        id=to_text("form", form.id),
        name=form.name,
        form_key=form.form_key,
        address=f"{base_url}/f/{form.form_key}",
        definition=show_definition(form.definition),
        created_at=form.created_at,
    )
