"""Handlers of the hosted page: read, hand to intake, choose a template."""

from __future__ import annotations

import secrets

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from formlane.domain.forms import FormDefinition
from formlane.errors import Conflict, FormlaneError, InvalidInput, NotFound, Problem, TooLarge, Unavailable
from formlane.services.ports.flows import KnownForm
from formlane.web.forms.controls import controls_of, summary_of
from formlane.web.forms.posts import Post, Unreadable, read_post
from formlane.web.forms.values import values_of
from formlane.web.options import PageServices
from formlane.web.rendering import page

RETRY_AFTER_SECONDS = 5

_log = structlog.get_logger()


class FormPages:
    """The pages of one form."""

    def __init__(self, services: PageServices) -> None:
        self._services = services

    async def show(self, request: Request) -> Response:
        """The empty form, with a new one-time token."""
        try:
            form = await self._form(request)
        except FormlaneError as error:
            return _trouble(error)
        return _form_page(form.definition, Post.empty(new_token()))

    async def submit(self, request: Request) -> Response:
        """Stores the answers and leads to the thank-you page, or shows them again with what is wrong."""
        try:
            form = await self._form(request)
            post = await read_post(request, form.definition, self._services.max_bytes)
        except FormlaneError as error:
            return _trouble(error)
        if post.token is None:
            post = post.with_token(new_token())
        try:
            values = values_of(form.definition, post)
            await self._services.intake.submit(form.tenant, form.form, values, token=post.token or "")
        except InvalidInput as fault:
            return _form_page(form.definition, post, problems=fault.problems, status=422)
        except Unavailable:
            return _form_page(form.definition, post, away=True, status=503)
        except FormlaneError as error:
            return _trouble(error)
        self._services.failpoints.reach("accepted")
        return RedirectResponse(
            f"/f/{request.path_params['form_key']}/thank-you",
            303,
            headers={"cache-control": "no-store"},
        )

    async def thank(self, request: Request) -> Response:
        """The form's own words of thanks."""
        try:
            form = await self._form(request)
        except FormlaneError as error:
            return _trouble(error)
        return page("forms/thank_you.html", title=form.definition.title, text=form.definition.thank_you)

    async def _form(self, request: Request) -> KnownForm:
        return await self._services.forms.at_address(request.path_params["form_key"])


def new_token() -> str:
    """A one-time token: whoever sends the page twice is counted once."""
    return secrets.token_urlsafe(18)


def _form_page(
    definition: FormDefinition,
    post: Post,
    *,
    problems: tuple[Problem, ...] = (),
    away: bool = False,
    status: int = 200,
) -> Response:
    controls = controls_of(definition, post, problems)
    return page(
        "forms/show.html",
        status=status,
        headers={"retry-after": str(RETRY_AFTER_SECONDS)} if away else None,
        title=definition.title,
        controls=controls,
        summary=summary_of(controls, problems),
        token=post.token,
        away=away,
        has_files=any(control.kind == "file" for control in controls),
        has_required=any(control.required for control in controls),
    )


def _trouble(error: FormlaneError) -> Response:
    match error:
        case NotFound():
            return _message(404, "This form does not exist", "Check the address that you were given.")
        case Unreadable():
            return _message(400, "The answers could not be read", str(error))
        case TooLarge():
            return _message(413, "The answers are too large", "Shorten the answers and send them again.")
        case Conflict(code="idempotency_mismatch"):
            text = "Your first answers were received. To send other ones, open the form anew."
            return _message(409, "This form was sent already", text)
        case Conflict():
            text = "It is not connected to anything yet, so nothing was stored. Try again later."
            return _message(409, "This form takes no answers at the moment", text)
        case Unavailable():
            text = "Nothing was stored. Please try again in a minute."
            return _message(503, "This does not work at the moment", text)
        case _:
            _log.error("A page failed.", error=type(error).__name__)
            return _message(500, "A fault of ours", "Nothing was stored. Please tell the form's owner.")


def _message(status: int, title: str, text: str) -> Response:
    headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if status == 503 else None
    return page("forms/message.html", status=status, headers=headers, title=title, text=text)
