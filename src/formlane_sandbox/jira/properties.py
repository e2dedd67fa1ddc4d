"""Entity properties of issues.

Source: Jira Cloud platform REST API v3, "Issue properties": key at most 255 characters, value a valid,
non-empty JSON of at most 32,768 characters.
"""

from __future__ import annotations

import orjson

from formlane_sandbox.jira import render
from formlane_sandbox.jira.calls import Call, Reply
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.lookup import found

_KEY_MOST, _VALUE_MOST = 255, 32_768


def checked_properties(call: Call, asked: object, wrong: dict[str, str]) -> dict[str, object]:
    """The `properties` of a create or edit by key; what is wrong goes under `properties` in `wrong`."""
    checked: dict[str, object] = {}
    if asked is None:
        return checked
    try:
        if not isinstance(asked, list):
            raise RefusedError(Sentence.NOT_LIST)
        for item in asked:
            if not isinstance(item, dict) or not isinstance(item.get("key"), str) or not item["key"]:
                raise RefusedError(Sentence.BAD_PAYLOAD)
            _check(item["key"], item.get("value"))
            checked[item["key"]] = item["value"]
    except RefusedError as error:
        wrong["properties"] = error.text(call.language)
    return checked


def list_properties(call: Call) -> Reply:
    """`GET /issue/{k}/properties`."""
    issue = found(call)
    keys = [
        {"self": render.address(call, f"issue/{issue.id}/properties/{key}"), "key": key}
        for key in issue.properties
    ]
    return Reply(document={"keys": keys})


def get_property(call: Call) -> Reply:
    """`GET /issue/{k}/properties/{key}`."""
    issue, key = found(call), call.words[1]
    if key not in issue.properties:
        return call.refuse(404, Sentence.NO_PROPERTY, value=key)
    return Reply(document={"key": key, "value": issue.properties[key]})


def put_property(call: Call) -> Reply:
    """`PUT /issue/{k}/properties/{key}`: 201 for a new key, else 200. `updated` stays as it is."""
    issue, key, value = found(call), call.words[1], call.decoded()
    _check(key, value, size=len(call.request.content.decode(errors="replace")))
    new = key not in issue.properties
    issue.properties[key] = value
    return Reply(status=201 if new else 200)


def delete_property(call: Call) -> Reply:
    """`DELETE /issue/{k}/properties/{key}`."""
    issue, key = found(call), call.words[1]
    if key not in issue.properties:
        return call.refuse(404, Sentence.NO_PROPERTY, value=key)
    del issue.properties[key]
    return Reply(status=204)


def _check(key: str, value: object, *, size: int | None = None) -> None:
    if len(key) > _KEY_MOST:
        raise RefusedError(Sentence.PROPERTY_KEY_LONG)
    if value is None or value == "":
        raise RefusedError(Sentence.PROPERTY_EMPTY)
    if (len(orjson.dumps(value).decode()) if size is None else size) > _VALUE_MOST:
        raise RefusedError(Sentence.PROPERTY_LONG)
