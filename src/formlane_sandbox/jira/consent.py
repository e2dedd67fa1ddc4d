"""The OAuth pages of `auth.atlassian.com` and `api.atlassian.com`, on the simulator's own address."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from formlane_sandbox.jira.calls import Reply
from formlane_sandbox.jira.oauth import GrantError, Grants
from formlane_sandbox.jira.received import Received
from formlane_sandbox.jira.site import Site


def token(grants: Grants, request: Received) -> Reply:
    """`POST /oauth/token`, JSON or a form."""
    try:
        if b"urlencoded" in request.headers.get(b"content-type", b""):
            asked: object = dict(parse_qsl(request.content.decode(errors="replace")))
        else:
            asked = orjson.loads(request.content)
    except orjson.JSONDecodeError:
        asked = None
    if not isinstance(asked, dict):
        document = {"error": "invalid_request", "error_description": "Invalid JSON body"}
        return Reply(status=400, document=document)
    try:
        return Reply(document=grants.exchange(asked), headers={"cache-control": "no-store"})
    except GrantError as error:
        return Reply(status=error.status, document=error.document)


def resources(site: Site, grants: Grants, request: Received) -> Reply:
    """`GET /oauth/token/accessible-resources`: the site, for a good access token."""
    grant = grants.access(request.authorization.partition(" ")[2].strip())
    if grant is None:
        return Reply(status=401, document={"code": 401, "message": "Unauthorized"})
    scopes = [scope for scope in grant.scopes if scope != "offline_access"]
    entry = {
        "id": site.settings.cloud_id,
        "name": "sandbox",
        "url": request.base,
        "scopes": scopes,
        "avatarUrl": f"{request.base}/avatar.png",
    }
    return Reply(document=[entry])


def authorize(site: Site, grants: Grants, request: Received) -> Reply:
    """`GET /authorize`: consents at once, or denies if the settings say so, and sends the browser back."""
    asked = dict(parse_qsl(request.query))
    client, target = grants.client(asked.get("client_id", "")), asked.get("redirect_uri", "")
    wrong = (
        client is None
        or not urlsplit(target).scheme
        or asked.get("response_type") != "code"
        or asked.get("audience") != "api.atlassian.com"
    )
    if wrong or client is None:
        return Reply(status=400, document=b"<h1>Something went wrong</h1>", media="text/html;charset=UTF-8")
    answer = {"state": asked["state"]} if "state" in asked else {}
    if site.settings.deny_consent:
        answer |= {"error": "access_denied", "error_description": "User did not authorize the request"}
    else:
        scopes = tuple(scope for scope in asked.get("scope", "").split() if scope in client.scopes)
        answer["code"] = grants.code(client, scopes=scopes, redirect_uri=target)
    joint = "&" if urlsplit(target).query else "?"
    return Reply(status=302, headers={"location": f"{target}{joint}{urlencode(answer)}"})
