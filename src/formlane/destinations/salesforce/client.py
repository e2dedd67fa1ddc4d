"""Requests to the organisation's API: signed in, on its own host, each with its meaning if it fails."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from yarl import URL

from formlane.destinations.base import Equipment, Exchange
from formlane.destinations.egress import AddressRefused
from formlane.destinations.http import Answer, Failure
from formlane.destinations.oauth import OAuth
from formlane.destinations.redaction import KEPT_OF_SUCCESS, exchange_of, kept_text
from formlane.destinations.tokens import Token
from formlane.domain.outcomes import Blocked, Reason, Scope

from .answers import results_of
from .config import SalesforceSettings
from .judging import Refusal, garbled, judge_answer, judge_failure
from .quota import Quota

JSON: Final = "application/json"
CSV: Final = "text/csv; charset=UTF-8"

MOST_ANSWER: Final = 8 * 1024 * 1024
"""Bytes of an answer that are read: 200 records with long errors, 2,000 rows of a query."""

MOST_DOCUMENT: Final = 64 * 1024 * 1024
"""The same of descriptions and results of bulk jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that its asker takes for one."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    exchange: Exchange


class SalesforceClient:
    """The API of one organisation as one user. Renews the session once when it is refused."""

    def __init__(self, settings: SalesforceSettings, equipment: Equipment) -> None:
        self._settings = settings
        self._equipment = equipment
        self._oauth = OAuth(settings.grant, equipment=equipment)
        self._quota = Quota(settings.quota_percent, equipment.clock, time_scale=equipment.time_scale)
        self._bases: dict[str, str | Refusal] = {}
        self.secrets = settings.secrets
        """Texts to be blacked out of whatever is kept."""

    @property
    def root(self) -> str:
        """The path below which everything but the list of versions lies."""
        return f"/services/data/v{self._settings.api_version}"

    async def sign_in(self) -> Token | Refusal:
        """The access token in force, whose host is one that may be called."""
        token = await self._oauth.token()
        if not isinstance(token, Token):
            return Refusal(outcome=token)
        base = self._base(token)
        return base if isinstance(base, Refusal) else token

    async def read(
        self, path: str, *, headers: Mapping[str, str] | None = None, most: int = MOST_ANSWER
    ) -> Reply | Refusal:
        """Asks for something: below the API's root, or anywhere on the host if the path begins with `/`.

        200 or 304; nothing that fails is ever uncertain.
        """
        return await self.ask("GET", path, headers=headers, most=most, accept=(200, 304), writes=False)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int = MOST_ANSWER,
        accept: tuple[int, ...] = (200, 201, 204),
        rows: int = 0,
        writes: bool = True,
    ) -> Reply | Refusal:
        """One request, sent again only if its session was refused. `writes`: a lost answer leaves doubt.

        The answer is complete and has one of the statuses in `accept`, or holds the results of so many
        `rows`: they may come with 400 if all of them failed.
        """
        if trouble := self._quota.trouble():
            return Refusal(outcome=trouble)
        url = path if path.startswith("/") else f"{self.root}/{path}"
        sent = {"Content-Type": JSON, **(headers or {})} if body is not None else headers or {}
        refused: Token | None = None
        while True:
            token = await self._oauth.token(refused=refused)
            if not isinstance(token, Token):
                return Refusal(outcome=token)
            base = self._base(token)
            if isinstance(base, Refusal):
                return base
            result = await self._request(
                method, f"{base}{url}", {**sent, "Authorization": f"Bearer {token.access}"}, body, most
            )
            if isinstance(result, Answer) and result.status == 401 and refused is None:
                refused = token
                continue
            line = shown(method, url, body)
            hidden = (*self.secrets, token.access)
            return self._judged(result, line, hidden, accept=accept, rows=rows, writes=writes)

    async def close(self) -> None:
        """Closes the connection's pool."""
        await self._equipment.http.forget(self._equipment.account)

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> Answer | Failure:
        client = await self._equipment.http.client(self._equipment.account)
        return await client.request(
            method,
            URL(url, encoded=True),
            headers=headers,
            body=body,
            timeout=self._settings.timeout * self._equipment.time_scale,
            limit_bytes=most,
        )

    def _judged(
        self,
        result: Answer | Failure,
        line: str,
        secrets: Collection[str],
        *,
        accept: tuple[int, ...],
        rows: int,
        writes: bool,
    ) -> Reply | Refusal:
        line = kept_text(line, secrets, most=KEPT_OF_SUCCESS)
        if isinstance(result, Failure):
            exchange = exchange_of(line, result, secrets, good=False)
            return judge_failure(result, writes=writes, exchange=exchange)
        self._quota.note(result.headers)
        good = result.status in accept or (rows > 0 and results_of(result.body, rows) is not None)
        exchange = exchange_of(line, result, secrets, good=good)
        if not good:
            now = self._equipment.clock.now()
            return judge_answer(result, writes=writes, secrets=secrets, exchange=exchange, now=now)
        if result.truncated:
            return garbled(exchange, writes=writes)
        return Reply(status=result.status, body=result.body, headers=result.headers, exchange=exchange)

    def _base(self, token: Token) -> str | Refusal:
        """The host that the token's answer names, checked like one that a customer enters."""
        told = str(token.extra.get("instance_url") or self._settings.login_url)
        if told not in self._bases:
            self._bases = {told: self._checked(told)}
        return self._bases[told]

    def _checked(self, told: str) -> str | Refusal:
        try:
            checked = self._equipment.guard.check_url(told, allow_http=self._settings.allow_http)
        except AddressRefused:
            message = "Salesforce names an address for its API that is not allowed. Check the login address."
            return Refusal(
                outcome=Blocked(scope=Scope.CONNECTION, reason=Reason.ADDRESS_NOT_ALLOWED, message=message)
            )
        return str(checked.url.origin())


def shown(method: str, path: str, body: bytes | None) -> str:
    """A request in one line, without the values in it."""
    start, mark, _ = path.partition("?")
    size = "" if body is None else f" ({len(body)} bytes)"
    return f"{method} {start}{'?***' if mark else ''}{size}"


def escaped(text: str, *, safe: str = "") -> str:
    """A text as one segment of a path, or a value of a query; `safe` characters stay as they are."""
    return quote(text, safe=safe)
