from __future__ import annotations

from formlane.destinations.base import Exchange
from formlane.destinations.jira.trace import Trace


def test_the_last_failure_is_what_is_shown() -> None:
    trace = Trace()
    trace.note(Exchange(request="GET a", status=200, response="fine"), failed=False)
    trace.note(Exchange(request="PUT b", status=429, response="slower"), failed=True)
    trace.note(Exchange(request="GET c", status=200, response="fine"), failed=False)
    exchange = trace.exchange()
    assert (exchange.request, exchange.status, exchange.response) == ("GET a; PUT b; GET c", 429, "slower")
