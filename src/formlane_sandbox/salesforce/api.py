"""The REST API below `/services/data`: versions, authorization, quota, and which resource answers."""

from __future__ import annotations

import re

from formlane_sandbox.salesforce.bulk import Jobs
from formlane_sandbox.salesforce.bulk_calls import answer_jobs
from formlane_sandbox.salesforce.bulk_queries import QueryJobs
from formlane_sandbox.salesforce.composite import answer_composite
from formlane_sandbox.salesforce.errors import INVALID_SESSION, RequestError, not_found
from formlane_sandbox.salesforce.mishaps import ANSWERS, REQUEST_ERRORS, request_mishap
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.queries import Queries
from formlane_sandbox.salesforce.sessions import Sessions
from formlane_sandbox.salesforce.settings import NEWEST_VERSION, OLDEST_VERSION
from formlane_sandbox.salesforce.sobjects import answer_sobjects
from formlane_sandbox.salesforce.wire import Answer, Call, refusal

_VERSION = re.compile(r"v(\d{1,3})\.0")
_SEASONS = ("Spring", "Summer", "Winter")
_FIRST_SPRING, _FIRST_YEAR = 66, 26


class Api:
    """Answers requests to the REST API, one at a time."""

    def __init__(self, org: Org, sessions: Sessions) -> None:
        self._org = org
        self._sessions = sessions
        self.jobs = Jobs(org)
        self.queries = Queries(org)
        self.query_jobs = QueryJobs(org, self.queries)

    def answer(self, call: Call, *, foreign_host: bool) -> Answer:
        """A request below `/services/data`; `foreign_host` says that this host is not the org's instance."""
        org = self._org
        if len(call.segments) == 2:
            call.allow("GET")
            return Answer(200, _versions())
        if org.settings.maintenance:
            return ANSWERS["maintenance"]
        self._authorize(call, foreign_host)
        if org.settings.enforce_daily_limit and org.usage.used() >= org.settings.daily_requests:
            return self._limited(refusal(RequestError(*REQUEST_ERRORS["total_requests"])))
        org.usage.add()
        self.jobs.advance()
        return self._limited(self._spoiled(call))

    def _spoiled(self, call: Call) -> Answer:
        """The right answer, or what an armed fault makes of it."""
        org = self._org
        mishap = request_mishap(org.faults, call.method, call.path) if org.faults else None
        if mishap is not None and not mishap.commits:
            assert mishap.answer is not None, "only what commits has an answer to cut"
            return mishap.answer
        try:
            answer = self._dispatch(call)
        except RequestError as error:
            answer = refusal(error)
        if mishap is None:
            return answer
        if mishap.answer is not None:
            return mishap.answer
        whole = answer.encoded()
        return Answer(answer.status, whole[: len(whole) // 2], answer.headers)

    def _limited(self, answer: Answer) -> Answer:
        """With the header that shows the quota."""
        info = self._org.usage.shown(self._org.settings)
        headers = answer.headers if info is None else [*answer.headers, (b"sforce-limit-info", info)]
        return Answer(answer.status, answer.body, headers, answer.content_type)

    def _authorize(self, call: Call, foreign_host: bool) -> None:
        scheme, _, token = call.header(b"authorization").partition(" ")
        if not scheme:
            raise RequestError(401, *INVALID_SESSION)
        if scheme.lower() not in ("bearer", "oauth") or not token:
            raise RequestError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = self._sessions.use(token.strip(), self._org.settings.session_seconds)
        if session is None or foreign_host:
            raise RequestError(401, *INVALID_SESSION)

    def _dispatch(self, call: Call) -> Answer:
        """The resource's answer; subrequests of a composite come here too."""
        if call.segments[:2] != ["services", "data"] or len(call.segments) < 3:
            raise not_found()
        call.version = _version(call.segments[2])
        org, rest = self._org, call.segments[4:]
        match call.segments[3:4]:
            case []:
                call.allow("GET")
                return Answer(200, _resources(call.root))
            case ["sobjects"]:
                return answer_sobjects(org, call, rest)
            case ["composite"]:
                return answer_composite(org, call, rest, self._dispatch)
            case ["query" | "queryAll" as name]:
                return self.queries.answer(call, rest, deleted=name == "queryAll")
            case ["jobs"] if rest[:1] == ["ingest"]:
                return answer_jobs(org, self.jobs, call, rest[1:])
            case ["jobs"] if rest[:1] == ["query"]:
                return self.query_jobs.answer(call, rest[1:])
            case ["limits"] if not rest:
                call.allow("GET")
                return Answer(200, org.usage.document(org.settings, bulk_batches=self.jobs.batches))
        raise not_found()


def _version(segment: str) -> float:
    match = _VERSION.fullmatch(segment)
    number = int(match[1]) if match else 0
    if match is None or number > NEWEST_VERSION:
        raise not_found()
    if number < OLDEST_VERSION:
        message = f"API version {number}.0 is retired"
        raise RequestError(410, "UNSUPPORTED_API_VERSION", message)
    return float(number)


def _versions() -> list[dict[str, str]]:
    return [
        {"label": _label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number in range(OLDEST_VERSION, NEWEST_VERSION + 1)
    ]


def _label(number: int) -> str:
    """Three releases a year, the winter one named after the year to come."""
    years, season = divmod(number - _FIRST_SPRING, len(_SEASONS))
    return f"{_SEASONS[season]} '{_FIRST_YEAR + years + (season == 2):02d}"


def _resources(root: str) -> dict[str, str]:
    names = ("sobjects", "composite", "query", "queryAll", "limits", "jobs")
    return {name: f"{root}/{name}" for name in names}
