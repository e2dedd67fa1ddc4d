"""Comments and remote links of an issue."""

from __future__ import annotations

from formlane_sandbox.jira import render
from formlane_sandbox.jira.adf import document_text, is_document
from formlane_sandbox.jira.calls import Call, Reply, errors
from formlane_sandbox.jira.issues import Issue
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.lookup import MissingError, found
from formlane_sandbox.jira.schema import LONG_TEXT


def new_comments(call: Call, operations: object) -> list[dict[str, object]]:
    """The comments that `update` adds; RefusedError if one is wrong."""
    if not isinstance(operations, list):
        raise RefusedError(Sentence.NOT_LIST)
    return [_new(call, item.get("add") if isinstance(item, dict) else None) for item in operations]


def attach(issue: Issue, entries: list[dict[str, object]]) -> None:
    """Put new comments on an issue."""
    for entry in entries:
        entry["issue"] = str(issue.id)
        issue.comments.append(entry)


def list_comments(call: Call) -> Reply:
    """`GET /issue/{k}/comment`."""
    return Reply(document=render.comments(call, found(call)))


def add_comment(call: Call) -> Reply:
    """`POST /issue/{k}/comment`."""
    issue, asked = found(call), call.asked()
    try:
        entry = _new(call, asked)
    except RefusedError as error:
        return errors(400, [], {"comment": error.text(call.language)})
    attach(issue, [entry])
    call.site.written(issue)
    return Reply(status=201, document=render.comment(call, entry))


def get_comment(call: Call) -> Reply:
    """`GET /issue/{k}/comment/{id}`."""
    return Reply(document=render.comment(call, _comment(call)))


def edit_comment(call: Call) -> Reply:
    """`PUT /issue/{k}/comment/{id}`."""
    issue, entry = found(call), _comment(call)
    try:
        entry["body"] = _new(call, call.asked())["body"]
    except RefusedError as error:
        return errors(400, [], {"comment": error.text(call.language)})
    call.site.written(issue)
    return Reply(document=render.comment(call, entry))


def delete_comment(call: Call) -> Reply:
    """`DELETE /issue/{k}/comment/{id}`."""
    issue = found(call)
    issue.comments.remove(_comment(call))
    call.site.written(issue)
    return Reply(status=204)


def list_links(call: Call) -> Reply:
    """`GET /issue/{k}/remotelink`, all or by `globalId`."""
    issue, wanted = found(call), call.parameter("globalId")
    if wanted:
        entry = issue.links.get(wanted)
        return call.refuse(404, Sentence.NO_ISSUE) if entry is None else Reply(document=entry)
    return Reply(document=list(issue.links.values()))


def put_link(call: Call) -> Reply:
    """`POST /issue/{k}/remotelink`: 201 for a new one, 200 for a `globalId` that is there."""
    issue, asked = found(call), call.asked()
    target = asked.get("object")
    if not isinstance(target, dict) or not target.get("url") or not target.get("title"):
        return errors(400, [], {"object": call.say(Sentence.BAD_PAYLOAD)})
    identity = asked.get("globalId")
    known = issue.links.get(str(identity)) if identity else None
    number = str(known["id"]) if known else call.site.issues.next_comment()
    link = render.address(call, f"issue/{issue.key}/remotelink/{number}")
    issue.links[str(identity or number)] = {**asked, "id": int(number), "self": link}
    return Reply(status=200 if known else 201, document={"id": int(number), "self": link})


def get_link(call: Call) -> Reply:
    """`GET /issue/{k}/remotelink/{id}`."""
    return Reply(document=found(call).links[_link(call)])


def edit_link(call: Call) -> Reply:
    """`PUT /issue/{k}/remotelink/{id}`."""
    issue, name = found(call), _link(call)
    issue.links[name] = {**call.asked(), "id": issue.links[name]["id"], "self": issue.links[name]["self"]}
    return Reply(status=204)


def delete_link(call: Call) -> Reply:
    """`DELETE /issue/{k}/remotelink/{id}`."""
    del found(call).links[_link(call)]
    return Reply(status=204)


def _comment(call: Call) -> dict[str, object]:
    for entry in found(call).comments:
        if entry["id"] == call.words[1]:
            return entry
    raise MissingError(Sentence.NO_COMMENT, value=call.words[1])


def _link(call: Call) -> str:
    """By what the issue knows a remote link."""
    for name, entry in found(call).links.items():
        if str(entry["id"]) == call.words[1]:
            return name
    raise MissingError(Sentence.NO_LINK, value=call.words[1])


def _new(call: Call, asked: object) -> dict[str, object]:
    body = asked.get("body") if isinstance(asked, dict) else None
    if call.documents:
        if not is_document(body):
            raise RefusedError(Sentence.NOT_DOCUMENT)
        assert isinstance(body, dict)
        text = document_text(body)
    else:
        if not isinstance(body, str):
            raise RefusedError(Sentence.NOT_TEXT)
        text = body
    if len(text) > LONG_TEXT:
        raise RefusedError(Sentence.TEXT_LONG, limit=f"{LONG_TEXT:,}")
    number, now = call.site.issues.next_comment(), call.site.clock.time()
    return {"id": number, "issue": "", "author": call.identity.user, "body": body, "created": now}
