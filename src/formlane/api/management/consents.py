"""Letting a person connect an account in a browser."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter

from formlane.api.management.access import Manager, Services
from formlane.api.management.identifiers import in_path
from formlane.api.management.models import Shown

router = APIRouter(prefix="/v1/connections", tags=["Connections"])


class ConsentShown(Shown):
    """Where to send a person's browser, once, before `expires_at`. It comes back to `/oauth/callback`."""

    authorize_url: str
    expires_at: dt.datetime


@router.post("/{connection}/consent", status_code=201)
async def ask_for_consent(connection: str, services: Services, caller: Manager) -> ConsentShown:
    """A link with which a person lets us use an account; for a new connection, or again for an old one."""
    link = await services.consents.start(caller.tenant, in_path("connection", connection))
    return ConsentShown(authorize_url=link.authorize_url, expires_at=link.expires_at)
