"""Faults of the vendor's own, armed by name: answers that replace the right one.

Those of writes are in `rowsets.py` and `asynchronous.py`, those of SOAP in `soap/service.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from formlane_sandbox.faults import Fault
from formlane_sandbox.sfmc.answers import (
    NO_PRIVILEGE,
    Answer,
    document,
    not_authorized,
    problem,
    throttled,
)
from formlane_sandbox.sfmc.calls import Call
from formlane_sandbox.sfmc.credentials import CLIENT_NOT_AUTHENTICATED, TokenRefusedError
from formlane_sandbox.sfmc.state import State

_MAINTENANCE = (
    "<html><head><title>Service Unavailable</title></head>"
    "<body><h1>503 - Service Unavailable</h1><p>The system is under maintenance.</p></body></html>"
)
_RETRY_AFTER = 5
Play = Callable[[State, Fault], Answer]


def _throttled(state: State, fault: Fault) -> Answer:
    wait = fault.detail.get("retry_after", _RETRY_AFTER)
    return throttled(int(wait) if isinstance(wait, int | float) else _RETRY_AFTER)


def _expired(state: State, fault: Fault) -> Answer:
    state.tokens.expire()
    return not_authorized()


def _refused_token(state: State, fault: Fault) -> Answer:
    return document(TokenRefusedError(401, "invalid_client", CLIENT_NOT_AUTHENTICATED).body, 401)


ANYWHERE: Mapping[str, Play] = {
    "maintenance": lambda state, fault: Answer(
        status=503, body=_MAINTENANCE.encode(), content_type="text/html"
    ),
    "gateway_busy": lambda state, fault: Answer(
        status=429, body=b"Too Many Requests", content_type="text/plain"
    ),
}
REST: Mapping[str, Play] = {
    "throttled": _throttled,
    "blocked": lambda state, fault: throttled(None),
    "daily_limit": lambda state, fault: throttled(None),
    "server_error": lambda state, fault: document({"message": "An unexpected error occurred."}, 500),
    "forbidden": lambda state, fault: problem(403, "Insufficient Privileges", NO_PRIVILEGE),
    "token_expired": _expired,
    "revoked": _expired,
}
TOKEN: Mapping[str, Play] = {
    "token_blocked": lambda state, fault: throttled(None),
    "blocked": lambda state, fault: throttled(None),
    "revoked": _refused_token,
}
ROUTES: Mapping[str, Mapping[str, Play]] = {
    "results": {"results_error": REST["server_error"]},
    "status": {"status_error": REST["server_error"]},
}


def spoiled(state: State, call: Call, route: str, plays: Mapping[str, Play]) -> Answer | None:
    """The answer of the first armed fault that fits this call, if there is one; it is used up by one."""
    for name, play in {**ANYWHERE, **plays, **ROUTES.get(route, {})}.items():
        fault = state.faults.named(name, method=call.method, path=call.path)
        if fault is not None:
            return play(state, fault)
    return None
