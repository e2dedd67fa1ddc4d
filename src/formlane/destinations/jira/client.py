"""One request to Jira, and the first look at its answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yarl import URL

from formlane.destinations.base import Equipment
from formlane.destinations.http import Answer, Failure
from formlane.destinations.redaction import exchange_of, kept_text
from formlane.destinations.retry_after import LONGEST_WAIT, read_retry_after
from formlane.domain.outcomes import Rejected

from .access import Access, Entrance
from .config import JiraSettings
from .errors import ANSWERS, Row, Trouble, failure_row, outcome_of
from .sentences import SHORT, read_complaint
from .trace import Trace

SECONDS: Final = 80.0
"""For one request: fifty creates are made one after another there."""

KEPT: Final = 8 * 1024
"""Characters of a refusal that are kept with the attempt."""

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of an answer that are read: the choices of a create screen can be many."""

_HEADERS: Final[Mapping[str, str]] = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "Formlane",
    "Accept-Language": "en",
    "X-Force-Accept-Language": "true",
}
"""Sentences come in English whatever the user's language is (v3, "Accept-Language")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A call that got no success. `answer` is there when one came at all."""

    outcome: Trouble
    answer: Answer | None = None
    bisect: bool = False

    @property
    def complaint(self) -> bytes | None:
        """The answer's body, if Jira itself found fault with what was sent."""
        if self.answer is None or self.answer.status != 400 or not isinstance(self.outcome, Rejected):
            return None
        return self.answer.body

    @property
    def status(self) -> int | None:
        """The answer's status."""
        return None if self.answer is None else self.answer.status


class JiraClient:
    """Calls of one connection. Knows what every answer of Jira means, but not what was asked."""

    def __init__(self, settings: JiraSettings, equipment: Equipment) -> None:
        self._equipment = equipment
        self._access = Access(settings, equipment)
        self._secrets = tuple(settings.secrets.values())
        self._timeout = SECONDS * equipment.time_scale

    async def ask(
        self,
        method: str,
        path: str,
        trace: Trace,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        reads: bool = False,
        attempt: int = 1,
    ) -> Answer | Refused:
        """Sends it once, and once more if an access token was refused: then nothing had been done.

        `path` is below the API's version. `reads`: it changes nothing, so a lost answer is an outage.
        """
        entrance = await self._access.enter()
        if not isinstance(entrance, Entrance):
            return Refused(outcome=entrance)
        result = await self._send(entrance, method, path, query, body)
        if entrance.token is not None and isinstance(result, Answer) and _code(result, 1) in _RENEWED:
            entrance = await self._access.enter(refused=entrance.token)
            if not isinstance(entrance, Entrance):
                return Refused(outcome=entrance)
            result = await self._send(entrance, method, path, query, body)
        hidden = (*self._secrets, entrance.authorization.partition(" ")[2])
        judged = self._judge(result, hidden, reads=reads, attempt=attempt)
        failed = isinstance(judged, Refused)
        size = f" ({len(body):,} bytes)" if body else ""
        line = f"{method} {entrance.base}/{path}{size}"
        trace.note(exchange_of(line, result, hidden, good=not failed, most=KEPT), failed=failed)
        return judged

    async def close(self) -> None:
        """Closes the connection's pool."""
        await self._equipment.http.forget(self._equipment.account)

    async def _send(
        self,
        entrance: Entrance,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
    ) -> Answer | Failure:
        client = await self._equipment.http.client(self._equipment.account)
        url = URL(f"{entrance.base}/{path}", encoded=True)
        return await client.request(
            method,
            url.with_query(query) if query else url,
            headers={**_HEADERS, "Authorization": entrance.authorization},
            body=body,
            timeout=self._timeout,
            limit_bytes=LARGEST,
        )

    def _judge(
        self, result: Answer | Failure, hidden: Sequence[str], *, reads: bool, attempt: int
    ) -> Answer | Refused:
        if isinstance(result, Failure):
            outcome = outcome_of(failure_row(result), said=result.sentence, reads=reads, code=result.fault)
            return Refused(outcome=outcome)
        code = _code(result, attempt)
        if code is None:
            return result
        row = _row(code)
        outcome = outcome_of(
            row,
            said=f"HTTP {result.status}.",
            reads=reads,
            code=code if row.code == code else str(result.status),
            retry_after=self._wait(result),
            vendor_text=kept_text(read_complaint(result.body).line(), hidden, most=SHORT) or None,
        )
        return Refused(outcome=outcome, answer=result, bisect=row.bisect)

    def _wait(self, answer: Answer) -> dt.timedelta | None:
        """What the answer says on when to come back.

        `X-RateLimit-Reset` is a moment in ISO 8601 here, with or without seconds (Rate limiting, "Headers").
        """
        now = self._equipment.clock.now()
        asked = read_retry_after(answer.headers.get("Retry-After"), now=now)
        if asked is not None:
            return asked
        try:
            moment = dt.datetime.fromisoformat(answer.headers.get("X-RateLimit-Reset", ""))
            return min(LONGEST_WAIT, max(dt.timedelta(0), moment - now))
        except (ValueError, TypeError):
            return None


_RENEWED: Final = frozenset({"401", "AUTHENTICATED_FAILED"})
"""Answers after which a new access token may help."""


def _row(code: str) -> Row:
    return ANSWERS.get(code) or ANSWERS.get(code.partition(" ")[0]) or ANSWERS[f"{code[0]}xx"]


def _code(answer: Answer, attempt: int) -> str | None:
    """The table's code of an answer; None for a success.

    A success that treats us as anonymous is none: it shows an empty site (clients: pycontribs/jira).
    """
    login = answer.headers.get("X-Seraph-LoginReason", "")
    if "AUTHENTICATION_DENIED" in login or "X-Authentication-Denied-Reason" in answer.headers:
        return "AUTHENTICATION_DENIED"
    if "AUTHENTICATED_FAILED" in login:
        return "AUTHENTICATED_FAILED"
    status = answer.status
    if 200 <= status < 300:
        return "unreadable" if answer.truncated else None
    signal = _SIGNALS.get(status)
    return f"{status}{signal(answer, attempt)}" if signal else str(status)


def _denial(answer: Answer, _attempt: int) -> str:
    return " scope" if b"scope does not match" in answer.body else ""


def _edge(answer: Answer, attempt: int) -> str:
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return ""
    return " html" if attempt == 1 else " html again"


def _limit(answer: Answer, _attempt: int) -> str:
    reason = answer.headers.get("RateLimit-Reason") or answer.headers.get("X-Failure-Category")
    return f" {reason}" if reason else ""


def _outage(answer: Answer, _attempt: int) -> str:
    return " Retry-After" if "Retry-After" in answer.headers else ""


_SIGNALS: Final = {400: _edge, 401: _denial, 429: _limit, 503: _outage}
"""Statuses whose meaning hangs on more than the number."""
