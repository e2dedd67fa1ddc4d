"""Faults that only this vendor has, armed by name, on requests and on items of batches alike.

`{"kind": "named", "name": …}`; `method` and `path` select as ever, and for an item they are the item's. With
`commit` the work is done first, where that makes sense. `detail` gives what a name takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import orjson

from formlane_sandbox.faults import Fault
from formlane_sandbox.servicenow.answers import (
    CANCELLED,
    CANCELLED_DETAIL,
    Answer,
    ApiError,
    failure,
    html,
    operation_failed,
    unauthenticated,
)
from formlane_sandbox.servicenow.call import Call
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.limits import RateLimits, semaphore_refusal
from formlane_sandbox.servicenow.oauth import TOKEN_PATH, denied
from formlane_sandbox.servicenow.rules import aborted
from formlane_sandbox.servicenow.settings import RateRule
from formlane_sandbox.servicenow.tokens import Tokens

UNSERVICED: Final = "unserviced"
IMPORT_ERROR: Final = "import_error"

Work = Callable[[], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One request that met a fault."""

    fault: Fault
    call: Call
    work: Work
    tokens: Tokens
    rates: RateLimits

    @property
    def table(self) -> str:
        """The table of the request."""
        words = self.call.path.split("/")
        return next((after for word, after in pairwise(words) if word in ("table", "import")), "")

    def text(self, name: str, default: str) -> str:
        """A text of the fault's detail."""
        return str(self.fault.detail.get(name) or default)


class VendorFaults:
    """Looks whether a request meets a named fault, and plays it."""

    def __init__(self, instance: Instance, tokens: Tokens, rates: RateLimits) -> None:
        self._instance = instance
        self._tokens = tokens
        self._rates = rates

    def play(self, call: Call, work: Work) -> Answer:
        """The answer: of the first fault that meets the request, else of the work."""
        if not self._instance.faults:
            return work()
        for name, scene in SCENES.items():
            if name in (_API_ONLY if call.path == TOKEN_PATH else _TOKEN_ONLY):
                continue
            fault = self._instance.faults.named(name, method=call.method, path=call.path)
            if fault is not None:
                return scene(
                    _Scene(fault=fault, call=call, work=work, tokens=self._tokens, rates=self._rates)
                )
        return work()

    def unserviced(self, call: Call) -> bool:
        """Whether a batch leaves this item unserviced."""
        return self._instance.faults.named(UNSERVICED, method=call.method, path=call.path) is not None


def _instead(answer: Callable[[_Scene], Answer]) -> Callable[[_Scene], Answer]:
    """Work only if the fault commits, then answer otherwise."""

    def play(scene: _Scene) -> Answer:
        if scene.fault.commit:
            scene.work()
        return answer(scene)

    return play


def _rate_limited(scene: _Scene) -> Answer:
    rule = RateRule(limit=int(scene.text("limit", "100")), api=scene.text("api", "Table API"))
    wait = scene.fault.retry_after
    return scene.rates.exceeded(rule, retry_after=wait).answer


def _token_expired(scene: _Scene) -> Answer:
    scene.tokens.expire_access()
    return unauthenticated(bearer=True).answer


def _credentials_revoked(scene: _Scene) -> Answer:
    scene.tokens.revoke_all()
    return unauthenticated().answer


def _trailing_error(scene: _Scene) -> Answer:
    """A list that was cancelled after rows were sent: 200, rows, then an error."""
    answer = scene.work()
    if answer.status != 200:
        return answer
    document = orjson.loads(answer.body)
    document["error"] = {"message": CANCELLED, "detail": CANCELLED_DETAIL}
    document["status"] = "failure"
    return Answer(200, orjson.dumps(document), answer.headers)


def _read_back_denied(scene: _Scene) -> Answer:
    """Written, and yet 403: the caller may create but not read (KB2697679)."""
    answer = scene.work()
    denial = failure(403, "User Not Authorized", "Failed API level ACL Validation")
    return denial if answer.status in (200, 201) else answer


def _refused(error: Callable[[_Scene], ApiError]) -> Callable[[_Scene], Answer]:
    return _instead(lambda scene: error(scene).answer)


SCENES: Final[Mapping[str, Callable[[_Scene], Answer]]] = {
    "rate_limit": _rate_limited,
    "semaphore": lambda scene: semaphore_refusal(),
    "queued": lambda scene: Answer(202),
    "maintenance": lambda scene: html(503, "Service Unavailable", "The instance is in maintenance."),
    "bad_gateway": _instead(lambda scene: html(502, "Bad Gateway")),
    "gateway_timeout": _instead(lambda scene: html(504, "Gateway Timeout")),
    "hibernating": lambda scene: html(200, "Instance Hibernating page", "Your instance is hibernating"),
    "empty": _instead(lambda scene: Answer(200)),
    "cancelled": _instead(lambda scene: failure(500, CANCELLED, CANCELLED_DETAIL)),
    "server_error": _instead(lambda scene: failure(500, scene.text("message", "Internal server error"))),
    "list_cancelled": _trailing_error,
    "read_back_denied": _read_back_denied,
    "token_expired": _token_expired,
    "credentials_revoked": _credentials_revoked,
    "unauthenticated": lambda scene: unauthenticated().answer,
    "token_denied": lambda scene: denied(),
    "api_acl": lambda scene: failure(403, "User Not Authorized", "Failed API level ACL Validation"),
    "insert_acl": _refused(
        lambda scene: operation_failed("ACL Exception Insert Failed due to security constraints")
    ),
    "update_acl": _refused(
        lambda scene: operation_failed("ACL Exception Update Failed due to security constraints")
    ),
    "business_rule": _refused(
        lambda scene: aborted(scene.table, scene.text("rule", "Sandbox rule"), "f1" * 16)
    ),
    "data_policy": _refused(
        lambda scene: operation_failed(
            "Data Policy Exception: The following fields are mandatory: "
            + scene.text("fields", "Resolution code")
        )
    ),
    "insert_failed": _refused(
        lambda scene: operation_failed(f"Error during insert of {scene.table} ({scene.text('display', '')})")
    ),
}
"""By name, what is answered."""

_TOKEN_ONLY: Final = frozenset({"token_denied"})
_API_ONLY: Final = frozenset(
    {
        "token_expired",
        "credentials_revoked",
        "unauthenticated",
        "queued",
        "read_back_denied",
        "list_cancelled",
    }
)
