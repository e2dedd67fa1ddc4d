"""Several requests in one: composite, composite graphs, batch (REST API Developer Guide, Composite)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from formlane_sandbox.salesforce.batches import answer_collections
from formlane_sandbox.salesforce.errors import RequestError, bad_request, not_found
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.wire import Answer, Call, refusal

SUBREQUESTS_MOST = 25
COLLECTIONS_MOST = 5
GRAPHS_MOST = 75
NODES_MOST = 500

Dispatch = Callable[[Call], Answer]

_REFERENCE = re.compile(r"@\{([^}]+)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."


def answer_composite(org: Org, call: Call, rest: list[str], dispatch: Dispatch) -> Answer:
    """Everything below `composite`; `dispatch` answers a subrequest."""
    match rest:
        case ["sobjects", *more]:
            return answer_collections(org, call, more)
        case []:
            call.allow("POST")
            return _composite(org, call, dispatch)
        case ["graph"]:
            call.allow("POST")
            return _graphs(org, call, dispatch)
        case ["batch"]:
            call.allow("POST")
            return _batch(call, dispatch)
    raise not_found()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subrequest:
    method: str
    url: str
    reference: str
    body: object
    headers: Mapping[str, object]


class _UnknownReferenceError(Exception):
    """A reference to something that a former subrequest did not give."""


def _composite(org: Org, call: Call, dispatch: Dispatch) -> Answer:
    document = call.json_object()
    subrequests = _subrequests(document.get("compositeRequest"))
    if len(subrequests) > SUBREQUESTS_MOST:
        raise _limit(f"The maximum of {SUBREQUESTS_MOST} subrequests is exceeded")
    heavy = [one for one in subrequests if re.search(r"/(composite/sobjects|query|queryAll)\b", one.url)]
    if len(heavy) > COLLECTIONS_MOST:
        raise _limit(f"The maximum of {COLLECTIONS_MOST} collection or query subrequests is exceeded")
    answers, _ = _run(org, call, subrequests, dispatch, document.get("allOrNone") is True)
    return Answer(200, {"compositeResponse": answers})


def _graphs(org: Org, call: Call, dispatch: Dispatch) -> Answer:
    """Each graph as a whole or not at all, whatever becomes of the others."""
    graphs = call.json_object().get("graphs")
    if not isinstance(graphs, list) or not graphs:
        raise bad_request("REQUIRED_FIELD_MISSING", "Required fields are missing: [graphs]")
    read = [(_graph_id(graph), _subrequests(graph.get("compositeRequest"))) for graph in graphs]
    if len(read) > GRAPHS_MOST or sum(len(nodes) for _, nodes in read) > NODES_MOST:
        raise _limit(f"The maximum of {GRAPHS_MOST} graphs or {NODES_MOST} nodes is exceeded")
    if len({graph_id for graph_id, _ in read}) < len(read):
        raise bad_request("INVALID_FIELD", "graphId must be unique within the request")
    for _, nodes in read:
        for node in nodes:
            if not re.match(r"/services/data/v\d+\.\d/sobjects/", node.url):
                raise bad_request("INVALID_FIELD", f"This URL cannot be a node of a graph: {node.url}")
    answers = []
    for graph_id, nodes in read:
        responses, good = _run(org, call, nodes, dispatch, True)
        response = {"compositeResponse": responses}
        answers.append({"graphId": graph_id, "graphResponse": response, "isSuccessful": good})
    return Answer(200, {"graphs": answers})


def _graph_id(graph: object) -> str:
    found = graph.get("graphId") if isinstance(graph, dict) else None
    if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z0-9]\w{0,39}", found):
        raise bad_request("INVALID_FIELD", "graphId must begin with a letter or digit and have at most 40")
    return found


def _batch(call: Call, dispatch: Dispatch) -> Answer:
    requests = call.json_object().get("batchRequests")
    if not isinstance(requests, list) or not requests:
        raise bad_request("REQUIRED_FIELD_MISSING", "Required fields are missing: [batchRequests]")
    if len(requests) > SUBREQUESTS_MOST:
        raise _limit(f"The maximum of {SUBREQUESTS_MOST} subrequests is exceeded")
    answers = []
    for request in requests:
        if not isinstance(request, dict) or not isinstance(request.get("url"), str):
            raise bad_request("INVALID_FIELD", "Every subrequest has a url and a method")
        url = request["url"]
        whole = url if url.startswith("/services/data/") else f"/services/data/{url.lstrip('/')}"
        method = str(request.get("method", "GET"))
        answers.append(_answer(call, method, whole, request.get("richInput"), dispatch))
    results = [{"statusCode": answer.status, "result": _body(answer)} for answer in answers]
    return Answer(200, {"hasErrors": any(answer.status >= 400 for answer in answers), "results": results})


def _limit(message: str) -> RequestError:
    return bad_request("LIMIT_EXCEEDED", message)


def _subrequests(listed: object) -> list[_Subrequest]:
    if not isinstance(listed, list) or not listed:
        raise bad_request("REQUIRED_FIELD_MISSING", "Required fields are missing: [compositeRequest]")
    found = [_subrequest(item) for item in listed]
    if len({one.reference for one in found}) < len(found):
        raise bad_request("INVALID_FIELD", "Duplicate ReferenceId provided")
    return found


def _subrequest(item: object) -> _Subrequest:
    if not isinstance(item, dict):
        raise bad_request("JSON_PARSER_ERROR", "A subrequest must be an object at [line:1, column:1]")
    missing = [name for name in ("method", "url", "referenceId") if not isinstance(item.get(name), str)]
    if missing:
        raise bad_request("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]")
    headers = item.get("httpHeaders")
    return _Subrequest(
        method=item["method"],
        url=item["url"],
        reference=item["referenceId"],
        body=item.get("body"),
        headers=headers if isinstance(headers, dict) else {},
    )


def _run(
    org: Org, call: Call, subrequests: Sequence[_Subrequest], dispatch: Dispatch, all_or_none: bool
) -> tuple[list[dict[str, object]], bool]:
    """Answers in order, and whether all went well; otherwise, if so wanted, nothing was written."""
    bodies: dict[str, object] = {}
    answers: list[dict[str, object]] = []
    with org.database.group() as group:
        for one in subrequests:
            answer = _play(call, one, bodies, dispatch)
            if answer.status < 300:
                bodies[one.reference] = _body(answer)
            answers.append(_shown(one, answer))
        good = all(_went_well(answer) for answer in answers)
        if good or not all_or_none:
            return answers, good
        group.undo()
    halted = RequestError(400, "PROCESSING_HALTED", _ROLLED_BACK).document()
    return [
        answer
        if not _went_well(answer)
        else {**answer, "body": halted, "httpHeaders": {}, "httpStatusCode": 400}
        for answer in answers
    ], False


def _went_well(answer: dict[str, object]) -> bool:
    """A collection with a refused record counts as failed although its status is 200."""
    body = answer["body"]
    results = body if isinstance(body, list) else []
    refused = any(isinstance(one, dict) and one.get("success") is False for one in results)
    return str(answer["httpStatusCode"]) < "300" and not refused


def _play(call: Call, one: _Subrequest, bodies: Mapping[str, object], dispatch: Dispatch) -> Answer:
    try:
        url = _resolved(one.url, bodies)
        body = _resolved(one.body, bodies)
    except _UnknownReferenceError as error:
        return Answer(400, RequestError(400, "PROCESSING_HALTED", str(error)).document())
    return _answer(call, one.method, str(url), body, dispatch, one.headers)


def _answer(
    call: Call,
    method: str,
    url: str,
    body: object,
    dispatch: Dispatch,
    headers: Mapping[str, object] | None = None,
) -> Answer:
    parts = urlsplit(url)
    own = {name.lower().encode(): str(value).encode() for name, value in (headers or {}).items()}
    inner = Call(
        method=method.upper(),
        segments=[unquote(segment) for segment in parts.path.split("/") if segment],
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={**call.headers, **own, b"content-type": b"application/json"},
        body=b"" if body is None else orjson.dumps(body),
        path=parts.path,
    )
    try:
        return dispatch(inner)
    except RequestError as error:
        return refusal(error)


def _shown(one: _Subrequest, answer: Answer) -> dict[str, object]:
    locations = [value.decode() for name, value in answer.headers if name == b"location"]
    return {
        "body": _body(answer),
        "httpHeaders": {"Location": locations[0]} if locations else {},
        "httpStatusCode": answer.status,
        "referenceId": one.reference,
    }


def _body(answer: Answer) -> object:
    if isinstance(answer.body, bytes):
        return orjson.loads(answer.body) if answer.body else None
    return answer.body


def _resolved(value: object, bodies: Mapping[str, object]) -> object:
    """With every `@{reference.path}` replaced by what the subrequest of that name gave."""
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole is not None:
            return _looked_up(whole[1], bodies)
        return _REFERENCE.sub(lambda found: str(_looked_up(found[1], bodies)), value)
    if isinstance(value, list):
        return [_resolved(item, bodies) for item in value]
    if isinstance(value, dict):
        return {key: _resolved(item, bodies) for key, item in value.items()}
    return value


def _looked_up(path: str, bodies: Mapping[str, object]) -> object:
    """Names are compared without case, as ids are asked for as `id` and as `Id`."""
    reference, _, rest = path.partition(".")
    reference, bracket, index = reference.partition("[")
    found = bodies.get(reference)
    for name, number in _STEP.findall(bracket + index + ("." if bracket else "") + rest):
        if number and isinstance(found, list) and int(number) < len(found):
            found = found[int(number)]
        elif name and isinstance(found, dict):
            found = next((item for key, item in found.items() if key.lower() == name.lower()), None)
        else:
            found = None
    if found is None:
        raise _UnknownReferenceError(f"Invalid reference specified. No value for {path} found in {reference}")
    return found
