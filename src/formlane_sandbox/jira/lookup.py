"""Finding what a path names."""

from __future__ import annotations

from formlane_sandbox.jira.calls import Call, Reply
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.language import RefusedError, Sentence


class MissingError(RefusedError):
    """Something of a path does not exist, or is not to be seen: 404."""


def found(call: Call) -> Issue:
    """The issue that the path names first; MissingError if there is none to see."""
    issue = call.site.issues.find(call.words[0]) if call.identity.user is not None else None
    if issue is None:
        raise MissingError(Sentence.NO_ISSUE)
    return issue


def missing(call: Call, error: MissingError) -> Reply:
    """The 404."""
    return call.refuse(404, error.sentence, **error.parts)
