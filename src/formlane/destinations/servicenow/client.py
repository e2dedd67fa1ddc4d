"""Requests to the instance: authenticated, without cookies, alone or as a batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec
from yarl import URL

from formlane.destinations.base import Equipment
from formlane.destinations.http import Answer, Failure
from formlane.domain.outcomes import Blocked, Deferred, Rejected, Uncertain

from .answers import Judge, Trouble, as_reading, row_for
from .config import Account
from .items import BATCH, Item, Reply, batch_body, batch_replies
from .signing_in import SignIn

KEPT: Final = 2048
"""Characters of an answer that are kept with the attempt."""

BATCH_SECONDS: Final = 45.0
READ_SECONDS: Final = 30.0
SINGLE_SECONDS: Final = 75.0
"""Writes get longer than the instance lets them run: a batch 30 s, others 60 s ("Transaction quotas")."""

LARGEST_ANSWER: Final = 8 * 1024 * 1024
LONGEST_PATH: Final = 2000
"""Characters of a request without body; longer ones go into a batch."""

_CLOSED: Final = frozenset({"api_acl", "forbidden", "not_found", "no_record", "invalid_uri", "method"})
"""Rows that, as the answer to a whole batch, mean that there is no Batch API for us."""


class Rows(NamedTuple):
    """What a query found. `total` counts what the instance has, if it says so."""

    rows: Sequence[dict[str, str]]
    total: int | None


class Sent(NamedTuple):
    """The answer to each item, in order; None for items not run. Or the trouble of the whole.

    `status` is that of the answer; `words` may be kept. `bisect`: the whole may be split.
    """

    replies: Sequence[Reply | Trouble | Rejected | None]
    status: int | None
    words: str
    bisect: bool = False


class _Result(msgspec.Struct):
    result: list[dict[str, str]]
    error: object = None


_ROWS: Final = msgspec.json.Decoder(_Result)


class Instance:
    """One account on one instance. Knows requests and answers, but no records."""

    def __init__(self, account: Account, equipment: Equipment) -> None:
        self._account = account
        self._equipment = equipment
        self._sign_in = SignIn(account, equipment)
        self._scale = equipment.time_scale
        self._base = str(account.url).rstrip("/")
        self.judge = Judge(self._hidden, equipment.clock)

    async def request(
        self, item: Item, *, seconds: float = SINGLE_SECONDS
    ) -> Reply | Failure | Blocked | Deferred | Uncertain:
        """One request. A refused access token is replaced, and the request, of no effect, repeated once."""
        result = await self._once(item, seconds)
        if isinstance(result, Reply) and result.status == 401 and self._sign_in.renews:
            self._sign_in.refuse()
            result = await self._once(item, seconds)
        return result

    async def send(self, name: str, items: Sequence[Item]) -> Sent:
        """Makes the requests: as one batch, or one by one where there is no Batch API."""
        if not self._account.batch_api:
            return await self._one_by_one(items)
        result = await self._batch(name, items)
        if isinstance(result, list) and self._sign_in.renews and any(map(_is_refused, result)):
            self._sign_in.refuse()
            if all(map(_is_refused, result)):
                result = await self._batch(name, items)
        if isinstance(result, list):
            return Sent(result, 200, "")
        return self._not_sent(result, len(items))

    async def read(self, paths: Sequence[str]) -> list[Rows] | Deferred | Blocked:
        """The rows of each query, or why there are none: all of them are needed."""
        if self._account.batch_api and (len(paths) > 1 or len(paths[0]) > LONGEST_PATH):
            results = await self._batch("read", [Item("GET", path) for path in paths], headers=True)
            if not isinstance(results, list):
                return self.unread(results, batch=True)
            found = [self._rows(result) for result in results]
        else:
            found = [
                self._rows(await self.request(Item("GET", path), seconds=READ_SECONDS)) for path in paths
            ]
        trouble = next((one for one in found if not isinstance(one, Rows)), None)
        return trouble or [one for one in found if isinstance(one, Rows)]

    async def close(self) -> None:
        """Closes the connection's pool."""
        await self._equipment.http.forget(self._equipment.account)

    @property
    def renews(self) -> bool:
        """Whether refused credentials are replaced by asking."""
        return self._sign_in.renews

    def shown(self, path: str) -> str:
        """An address as it may be kept: without the query's values."""
        return self._base + path.partition("?")[0]

    def _hidden(self) -> Collection[str]:
        return (*self._account.secrets.values(), *self._sign_in.texts)

    async def _once(self, item: Item, seconds: float) -> Reply | Failure | Blocked | Deferred | Uncertain:
        headers = await self._sign_in.headers()
        if not isinstance(headers, dict):
            return headers
        client = await self._equipment.http.client(self._equipment.account)
        answer = await client.request(
            item.method,
            URL(self._base + item.path, encoded=True),
            headers={**headers, "Accept": "application/json", "Content-Type": "application/json"},
            body=item.body,
            timeout=seconds * self._scale,
            limit_bytes=LARGEST_ANSWER,
        )
        return answer if isinstance(answer, Failure) else _reply(answer)

    async def _batch(
        self, name: str, items: Sequence[Item], *, headers: bool = False
    ) -> list[Reply | None] | Reply | Failure | Trouble:
        """The answer to each item, None for those not run; or what came instead of a batch's answer."""
        body = batch_body(name, items, headers=headers)
        result = await self.request(Item("POST", BATCH, body), seconds=BATCH_SECONDS)
        if isinstance(result, Reply) and result.status == 200:
            replies = batch_replies(result.body, len(items))
            return result if replies is None else replies
        return result

    def _not_sent(self, result: Reply | Failure | Trouble, size: int) -> Sent:
        if isinstance(result, Blocked | Deferred | Uncertain):
            return Sent([result] * size, None, result.message)
        if isinstance(result, Failure):
            return Sent([self.judge.writing(result)] * size, result.status, result.text)
        row = row_for(result)
        outcome = (
            self.judge.local("batch_closed", result) if row.code in _CLOSED else self.judge.writing(result)
        )
        words = self.judge.shown(result.body, most=KEPT)
        return Sent([outcome] * size, result.status, words, row.bisect)

    async def _one_by_one(self, items: Sequence[Item]) -> Sent:
        """Stops at the first request without an answer; the rest counts as not run."""
        results: list[Reply | Failure | Trouble | None] = []
        for item in items:
            results.append(await self.request(item) if _is_answered(results) else None)
        replies = [self.judge.writing(one) if isinstance(one, Failure) else one for one in results]
        statuses = [one.status for one in results if isinstance(one, Reply)]
        return Sent(replies, statuses[-1] if statuses else None, "")

    def _rows(self, result: Reply | Failure | Trouble | None) -> Rows | Deferred | Blocked:
        if not isinstance(result, Reply) or result.status != 200:
            return self.unread(result)
        try:
            found = _ROWS.decode(result.body)
        except msgspec.MsgspecError:
            return self.unread(result)
        if found.error is not None:
            return self.unread(result)
        total = result.headers.get("X-Total-Count", "")
        return Rows(found.result, int(total) if total.isascii() and total.isdecimal() else None)

    def unread(self, result: Reply | Failure | Trouble | None, *, batch: bool = False) -> Deferred | Blocked:
        """Why nothing was read, from what came instead."""
        match result:
            case None:
                return self.judge.reading_local("unserviced")
            case Reply() if batch and row_for(result).code in _CLOSED:
                return self.judge.reading_local("batch_closed", result)
            case Reply() | Failure():
                return self.judge.reading(result)
            case _:
                return as_reading(result)


def _is_answered(results: Sequence[object]) -> bool:
    return not results or isinstance(results[-1], Reply)


def _is_refused(reply: Reply | None) -> bool:
    return reply is not None and reply.status == 401


def _reply(answer: Answer) -> Reply:
    body = b"" if answer.truncated else answer.body
    return Reply(status=answer.status, body=body, headers=answer.headers)
