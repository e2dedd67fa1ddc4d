"""The site as an ASGI application: who asks, whether he may, what he gets, and the headers around it."""

from __future__ import annotations

import secrets
from itertools import count

from starlette.types import Receive, Scope, Send

from formlane_sandbox.faults import Fault, Kind
from formlane_sandbox.jira import consent
from formlane_sandbox.jira.arrivals import Arrivals
from formlane_sandbox.jira.auth import ANONYMOUS, FAILED, Identity, Login, identify
from formlane_sandbox.jira.bulk import PartlyDoneError
from formlane_sandbox.jira.calls import Call, Reply, errors
from formlane_sandbox.jira.language import RefusedError, Sentence, say
from formlane_sandbox.jira.limits import Limiter, Verdict
from formlane_sandbox.jira.lookup import MissingError, missing
from formlane_sandbox.jira.oauth import Grants
from formlane_sandbox.jira.received import Received, read, received
from formlane_sandbox.jira.routes import PEOPLE, SESSION, Route, Routes
from formlane_sandbox.jira.settings import Unauthenticated
from formlane_sandbox.jira.site import Site
from formlane_sandbox.jira.spoil import scope_mismatch, spoiled
from formlane_sandbox.misbehave import misbehave

_SEQUENCE = count(1)
_START = secrets.token_hex(8)


class Front:
    """Answers every request of the simulated site."""

    def __init__(self, site: Site, grants: Grants, arrivals: Arrivals) -> None:
        self.site = site
        self.grants = grants
        self.arrivals = arrivals
        self.limiter = Limiter(site.clock)
        self._routes = Routes(cloud=site.cloud)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        content = await read(receive)
        if content is None:
            return
        request = received(scope, content)
        try:
            identity, reply = self.answer(request)
        except PartlyDoneError as error:
            self.arrivals.add(request, status=0, user="", now=self.site.clock.time())
            await misbehave(_lost(error.fault), self, scope, receive, send, clock=self.site.clock)
            return
        body = reply.body()
        user = identity.user.name if identity.user else ""
        self.arrivals.add(request, status=reply.status, user=user, now=self.site.clock.time(), answer=body)
        headers = self._headers(identity, reply, body)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def answer(self, request: Received) -> tuple[Identity, Reply]:
        """Who asked, and what he gets; PartlyDoneError if the answer is to be lost."""
        reply = self._spoil(request) or self._consent(request)
        if reply is not None:
            return ANONYMOUS, reply
        placed = self._place(request)
        if isinstance(placed, Reply):
            return ANONYMOUS, placed
        base, words = placed
        gateway = self.site.cloud and request.words[:2] == ["ex", "jira"]
        identity = identify(self.site, self.grants, request.authorization, gateway=gateway)
        if request.authorization and self._fault("revoked", request):
            identity = FAILED
        call = Call(site=self.site, request=request, base=base, identity=identity)
        return identity, self._route(call, words, gateway=gateway)

    def _fault(self, name: str, request: Received) -> bool:
        faults = self.site.faults
        return bool(faults) and faults.named(name, method=request.method, path=request.path) is not None

    def _spoil(self, request: Received) -> Reply | None:
        if not self.site.faults:
            return None
        if self._fault("token_expiry", request):
            self.grants.expire()
        return spoiled(self.site, self.limiter, request.method, request.path)

    def _consent(self, request: Received) -> Reply | None:
        if not self.site.cloud:
            return None
        match request.method, request.words:
            case "POST", ["oauth", "token"]:
                return consent.token(self.grants, request)
            case "GET", ["oauth", "token", "accessible-resources"]:
                return consent.resources(self.site, self.grants, request)
            case "GET", ["authorize"]:
                return consent.authorize(self.site, self.grants, request)
        return None

    def _place(self, request: Received) -> tuple[str, list[str]] | Reply:
        """The address of the site as this request names it, and the rest of the path."""
        settings, words = self.site.settings, request.words
        if settings.cloud and words[:2] == ["ex", "jira"]:
            if words[2:3] != [settings.cloud_id]:
                return Reply(status=404, document={"code": 404, "message": "Not Found"})
            return "/".join((request.base, *words[:3])), words[3:]
        context = [word for word in settings.context.split("/") if word]
        if words[: len(context)] != context:
            return _unknown(request.path)
        return "/".join((request.base, *context)), words[len(context) :]

    def _route(self, call: Call, words: list[str], *, gateway: bool) -> Reply:
        found = self._find(call, words)
        if found is None:
            return _unknown(call.request.path)
        routes, call.words = found
        allowed = {"allow": ", ".join(sorted({*routes, "HEAD", "OPTIONS"}))}
        if call.request.method == "OPTIONS":
            return Reply(status=204, headers=allowed)
        route = routes.get(call.request.method)
        if route is None:
            return Reply(status=405, document={"message": "HTTP 405 Method Not Allowed"}, headers=allowed)
        if (
            route.method in ("POST", "PUT")
            and call.request.content
            and b"json" not in call.request.headers.get(b"content-type", b"")
        ):
            return Reply(
                status=415, document={"message": "HTTP 415 Unsupported Media Type", "status-code": 415}
            )
        return self._admit(call, route, gateway=gateway) or self._limited(call, route)

    def _find(self, call: Call, words: list[str]) -> tuple[dict[str, Route], tuple[str, ...]] | None:
        if words == ["rest", "auth", "1", "session"]:
            return {"GET": SESSION}, ()
        if words[:2] != ["rest", "api"] or len(words) < 4:
            return None
        versions = {"2": 2, "latest": 2, **({"3": 3} if self.site.cloud else {})}
        if words[2] not in versions:
            return None
        call.version = versions[words[2]]
        found = self._routes.find(words[3:])
        call.route = "/".join(words[3:])
        return found

    def _admit(self, call: Call, route: Route, *, gateway: bool) -> Reply | None:
        """A refusal, if the sender may not do this."""
        identity, settings = call.identity, self.site.settings
        if identity.login is Login.DENIED:
            reply = errors(403, ["Login denied"])
            reply.headers = _login(identity, captcha=f"{call.base}/login.jsp")
            return reply
        if gateway and identity.login is not Login.OK:
            return Reply(
                status=401, document={"code": 401, "message": "Unauthorized"}, headers=_login(identity)
            )
        if route.open:
            return None
        if identity.login is Login.FAILED and not (settings.anonymous_fallback and not route.private):
            return self._unauthenticated(call)
        if identity.login is Login.NONE and route.private:
            return self._unauthenticated(call)
        if identity.scopes is not None and route.scope not in identity.scopes:
            return scope_mismatch()
        return None

    def _unauthenticated(self, call: Call) -> Reply:
        text = say(Sentence.UNAUTHENTICATED, "en")
        headers = {"www-authenticate": f'OAuth realm="{call.base}"', **_login(call.identity)}
        if self.site.settings.unauthenticated is Unauthenticated.TEXT:
            return Reply(
                status=401, document=text.encode(), headers=headers, media="text/plain;charset=UTF-8"
            )
        return Reply(status=401, document={"message": text, "status-code": 401}, headers=headers)

    def _limited(self, call: Call, route: Route) -> Reply:
        """The answer, if no limit is met."""
        identity, settings = call.identity, self.site.settings
        user = identity.user.name if identity.user else ""
        verdict = self.limiter.judge(
            settings, method=route.method, route=route.pattern, app=identity.app, user=user
        )
        if not verdict.refused and route.writes and settings.cloud and call.words:
            issue = self.site.issues.find(call.words[0])
            if issue is not None:
                per_issue = self.limiter.write(settings, issue)
                verdict = Verdict(per_issue.refused, {**verdict.headers, **per_issue.headers})
        if verdict.refused:
            reply = errors(429, [say(Sentence.RATE_LIMITED, "en")])
        else:
            reply = _handled(call, route)
            if identity.app:
                self.limiter.charge(identity.app, _points(call, route))
        reply.headers = {**verdict.headers, **_login(identity), **reply.headers}
        return reply

    def _headers(self, identity: Identity, reply: Reply, body: bytes) -> list[tuple[bytes, bytes]]:
        number = next(_SEQUENCE)
        headers = {
            "content-type": reply.media,
            "content-length": str(len(body)),
            "cache-control": "no-cache, no-store, no-transform",
            "x-arequestid": f"{_START}{number:016x}",
            "x-content-type-options": "nosniff",
            **reply.headers,
        }
        if self.site.cloud:
            headers["atl-traceid"] = f"{_START}{number:016x}"
        else:
            headers["x-anodeid"] = "node1"
        if identity.user is not None:
            name = "x-aaccountid" if self.site.cloud else "x-ausername"
            headers[name] = identity.user.account_id if self.site.cloud else identity.user.name
        if not body:
            del headers["content-type"]
        if reply.status in (204, 304):
            del headers["content-length"]
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _handled(call: Call, route: Route) -> Reply:
    try:
        return route.handler(call)
    except MissingError as error:
        return missing(call, error)
    except RefusedError as error:
        return call.refuse(400, error.sentence, **error.parts)


def _points(call: Call, route: Route) -> int:
    """What a request costs an OAuth app (Jira Cloud, "Rate limiting": points)."""
    if route.writes:
        return max(1, call.objects)
    return 1 + call.objects * (2 if route.scope == PEOPLE else 1)


def _login(identity: Identity, *, captcha: str = "") -> dict[str, str]:
    if identity.login in (Login.NONE, Login.OK):
        return {}
    headers = {"x-seraph-loginreason": identity.login.value}
    if captcha:
        headers["x-authentication-denied-reason"] = f"CAPTCHA_CHALLENGE; login-url={captcha}"
    return headers


def _unknown(path: str) -> Reply:
    return Reply(status=404, document={"message": f"null for uri: {path}", "status-code": 404})


def _lost(fault: Fault) -> Fault:
    """How an answer is lost after part of the work: `then` is `reset`, `close`, `timeout` or a status."""
    then = fault.detail.get("then", "reset")
    if isinstance(then, int):
        return Fault(kind=Kind.STATUS, status=then, early=True)
    return Fault(kind=Kind(str(then)), early=True)
