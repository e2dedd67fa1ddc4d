from __future__ import annotations

from formlane.destinations.jira.redaction import Trace, kept_text


def test_what_is_kept_is_printable_short_and_without_secrets() -> None:
    body = "a\x00b\x1b[1m é Basic QWxhZGRpbjpvcGVu secret".encode()
    assert kept_text(body, ["secret", ""], most=100) == "ab[1m é Basic *** ***"
    assert kept_text(b"x" * 100, [], most=10) == "x" * 10


def test_a_secret_is_not_cut_in_half_and_kept() -> None:
    assert kept_text(b"x" * 8 + b"secret", ["secret"], most=10) == "x" * 8 + "**"


def test_the_last_failure_is_what_is_shown() -> None:
    trace = Trace()
    trace.note("GET a", 200, "fine", failed=False)
    trace.note("PUT b", 429, "slower", failed=True)
    trace.note("GET c", 200, "fine", failed=False)
    exchange = trace.exchange()
    assert (exchange.request, exchange.status, exchange.response) == ("GET a; PUT b; GET c", 429, "slower")
