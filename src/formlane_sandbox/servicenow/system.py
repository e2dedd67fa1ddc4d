"""The instance behind HTTP: limits before the APIs, headers on what they answer."""

from __future__ import annotations

import zlib
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from formlane_sandbox.newest import Newest
from formlane_sandbox.servicenow.access import authenticate
from formlane_sandbox.servicenow.answers import Answer, ApiError, failure, html
from formlane_sandbox.servicenow.api import PREFIX, Api, check_headers, split_path
from formlane_sandbox.servicenow.batch_api import BatchApi, refuse_other_methods
from formlane_sandbox.servicenow.call import Call
from formlane_sandbox.servicenow.instance import Instance, mint
from formlane_sandbox.servicenow.limits import CookieQueues, RateLimits, Semaphores, semaphore_refusal
from formlane_sandbox.servicenow.oauth import REVOKE_PATH, TOKEN_PATH, OAuth
from formlane_sandbox.servicenow.requests_seen import Seen
from formlane_sandbox.servicenow.tokens import Tokens
from formlane_sandbox.servicenow.vendor_faults import VendorFaults

_ALWAYS: Final = (
    (b"Server", b"ServiceNow"),
    (b"Cache-Control", b"no-cache,no-store,must-revalidate,max-age=-1"),
    (b"Pragma", b"no-store,no-cache"),
    (b"Expires", b"0"),
    (b"Server-Timing", b"sem_wait;dur=0, sesh_wait;dur=0"),
)
_SESSION: Final = "JSESSIONID="


class System:
    """Answers one request (ASGI)."""

    def __init__(self, instance: Instance) -> None:
        self.tokens = Tokens(instance.clock)
        self.rates = RateLimits(instance.clock)
        self.seen = Newest[Seen](instance.settings.keep)
        self._instance = instance
        self._api = Api(instance, self.rates)
        self._faults = VendorFaults(instance, self.tokens, self.rates)
        self._batch = BatchApi(instance, self._api, self._faults)
        self._oauth = OAuth(instance, self.tokens)
        self._semaphores = Semaphores()
        self._cookies = CookieQueues()

    def forget(self) -> None:
        """Forget requests, counts and import sets that wait; tokens stay."""
        self.seen.forget()
        self.rates.forget()
        self._api.imports.forget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, answer, remember, send."""
        call = _call(scope)
        limits = self._instance.settings.limits
        body, size = await _read(receive, limits.body_bytes)
        if size > limits.body_bytes:
            answer = _too_large(size, limits.body_bytes)
        elif len(scope["raw_path"]) + len(scope["query_string"]) > limits.url_bytes:
            answer = html(414, "Request-URI Too Long")
        else:
            call.body = body
            answer = await self._queued(call)
        self._remember(call, answer)
        await _send(send, call, answer, cookies=self._cookies_for(call))

    async def _queued(self, call: Call) -> Answer:
        """One call of a session after the other, and so many of all at once."""
        limits = self._instance.settings.limits
        if not call.path.startswith(PREFIX):
            return self._faults.play(call, lambda: self._outside(call))
        async with self._cookies.turn(_session(call), limits.cookie_queue) as served:
            if not served:
                return Answer(202)
            async with self._semaphores.turn(limits) as running:
                return await self._served(call) if running else semaphore_refusal()

    async def _served(self, call: Call) -> Answer:
        self._api.imports.run_due()
        if not _inflate(call):
            return failure(400, "Exception while reading request", "Unreadable Content-Encoding")
        took: list[float] = []
        answer = self._faults.play(call, lambda: self._work(call, took))
        if took and took[0]:
            await self._instance.clock.sleep(took[0])
        return answer

    def _work(self, call: Call, took: list[float]) -> Answer:
        """Answer a call to an API; puts the documented seconds that its writes take into `took`."""
        try:
            user = authenticate(self._instance, self.tokens, call)
            call.user = user
            if call.method == "POST":
                call.method = call.headers.get("x-http-method-override", "POST").upper()
            _, words = split_path(call.path)
            if tuple(words) != ("batch",):
                took.append(self._instance.settings.limits.write_seconds if call.method != "GET" else 0.0)
                return self._api.handle(call, user)
            refuse_other_methods(call)
            check_headers(self._instance, call)
            limited = self._api.count("batch", "", user)
            answer, seconds = self._batch.handle(call, user)
        except ApiError as error:
            return error.answer
        took.append(seconds)
        answer.headers += limited
        return answer

    def _outside(self, call: Call) -> Answer:
        if call.path in (TOKEN_PATH, REVOKE_PATH):
            return self._oauth.handle(call)
        return html(404, "Page not found")

    def _remember(self, call: Call, answer: Answer) -> None:
        self._instance.counts["requests"] += 1
        self._instance.counts[f"answered {answer.status}"] += 1
        self.seen.newest.append(
            Seen(
                seq=self.seen.next_seq(),
                time=self._instance.clock.time(),
                method=call.method,
                path=call.path,
                query=call.query,
                status=answer.status,
                user=call.user.name if call.user else "",
                body=call.body,
                answer=answer.body,
            )
        )

    def _cookies_for(self, call: Call) -> tuple[str, ...]:
        if not self._instance.settings.behaviour.sets_cookies or _session(call):
            return ()
        return (
            f"JSESSIONID={mint().upper()}; Path=/; HttpOnly;Secure",
            f"glide_user_route=glide.{mint()}; Path=/; HttpOnly;Secure",
            "BIGipServerpool_sandbox=1.1.1.1; path=/; Httponly; Secure",
        )


def _call(scope: Scope) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host") or "{}:{}".format(*scope["server"])
    return Call(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        origin=f"{scope['scheme']}://{host}",
    )


async def _read(receive: Receive, most: int) -> tuple[bytes, int]:
    """The body, and its size; of one that is too large only the size counts."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        piece = message.get("body", b"")
        size += len(piece)
        if size <= most:
            pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces), size


def _inflate(call: Call) -> bool:
    """Decompress a gzip body; False when it is none."""
    if call.headers.get("content-encoding", "identity").lower() == "identity":
        return True
    try:
        call.body = zlib.decompress(call.body, wbits=zlib.MAX_WBITS | 16)
    except zlib.error:
        return False
    return True


def _too_large(size: int, most: int) -> Answer:
    detail = f"Rejected large REST payload with content-length = {size} bytes. Max allowed: {most} bytes."
    return failure(400, "Exception while reading request", detail)


def _session(call: Call) -> str:
    cookie = call.headers.get("cookie", "")
    return cookie.partition(_SESSION)[2].partition(";")[0] if _SESSION in cookie else ""


async def _send(send: Send, call: Call, answer: Answer, *, cookies: tuple[str, ...]) -> None:
    headers = [*_ALWAYS, (b"Content-Length", str(len(answer.body)).encode())]
    if answer.body or answer.status == 200:
        headers.append((b"Content-Type", answer.content_type.encode()))
    headers += [
        (name.encode(), value.encode("latin-1", "replace")) for name, value in answer.headers if value
    ]
    headers += [(b"Set-Cookie", cookie.encode()) for cookie in cookies]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else answer.body})
