"""Lookups: the keys of issues by a field's value, the accounts of users by address or name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from formlane.destinations.lookups import Lookup, LookupAnswer
from formlane.domain.outcomes import Blocked, Reason, Rejected, Scope

from .client import JiraClient, Refused
from .fields import KEY, USER
from .screens import Screens, decoded
from .search import ISSUE_KEY, Searcher, canonical
from .sentences import missing_fields
from .trace import Trace
from .users import find_user

_TOO_MANY = Blocked(
    scope=Scope.FLOW_OBJECT,
    reason=Reason.CONFIGURATION,
    message="Too many issues have the values that are looked up. Look up by a field that tells them apart.",
)


class IssueKey(Struct):
    """An issue, reduced to its key."""

    key: str


class Looker:
    """Answers lookups of one connection."""

    def __init__(self, client: JiraClient, screens: Screens, searcher: Searcher, *, cloud: bool) -> None:
        self._client = client
        self._screens = screens
        self._searcher = searcher
        self._cloud = cloud

    async def answer(self, lookup: Lookup) -> LookupAnswer:
        """By value, in the site's own order; issues eldest first."""
        trace = Trace()
        values = list(dict.fromkeys(lookup.values))
        if lookup.object == USER:
            found = await self._each(values, trace, users=True)
        elif lookup.field == KEY:
            found = await self._each(values, trace, users=False)
        else:
            found = await self._issues(lookup, values, trace)
        if not isinstance(found, Refused):
            return LookupAnswer(
                found={value: ids for value, ids in found.items() if ids}, exchange=trace.exchange()
            )
        trouble = _TOO_MANY if isinstance(found.outcome, Rejected) else found.outcome
        return LookupAnswer(trouble=trouble, exchange=trace.exchange())

    async def _issues(
        self, lookup: Lookup, values: Sequence[str], trace: Trace
    ) -> Mapping[str, Sequence[str]] | Refused:
        screen = await self._screens.screen(lookup.object, trace)
        if isinstance(screen, Refused):
            return screen
        field = screen.fields.get(lookup.field)
        if field is None:
            return Refused(outcome=missing_fields([lookup.field]))
        forms = {value: form for value in values if (form := canonical(field, value)) is not None}
        if not forms:
            return {}
        found = await self._searcher.find(screen.place, field, list(forms.values()), trace)
        if isinstance(found, Refused):
            return found
        return {value: [hit.key for hit in found.get(form, ())] for value, form in forms.items()}

    async def _each(
        self, values: Sequence[str], trace: Trace, *, users: bool
    ) -> Mapping[str, Sequence[str]] | Refused:
        found: dict[str, Sequence[str]] = {}
        for value in filter(None, values):
            ids = await (self._user(value, trace) if users else self._key(value, trace))
            if isinstance(ids, Refused):
                return ids
            found[value] = ids
        return found

    async def _user(self, text: str, trace: Trace) -> Sequence[str] | Refused:
        return await find_user(self._client, text, trace, cloud=self._cloud)

    async def _key(self, key: str, trace: Trace) -> Sequence[str] | Refused:
        """A query for a key that is not there would be refused as a whole, so each is asked for itself."""
        if ISSUE_KEY.fullmatch(key) is None:
            return []
        answer = await self._client.ask("GET", f"issue/{key}", trace, query={"fields": "summary"}, reads=True)
        if isinstance(answer, Refused) and answer.status == 404:
            return []
        issue = answer if isinstance(answer, Refused) else decoded(answer, IssueKey)
        return issue if isinstance(issue, Refused) else [issue.key]
