from __future__ import annotations

import pytest

from formlane.destinations.http import Answer, Failure, NetworkFault
from formlane.destinations.redaction import KEPT, KEPT_OF_SUCCESS, MARGIN, SHORT, exchange_of, kept_text


def answer(body: bytes) -> Answer:
    return Answer(status=200, headers={}, body=body, truncated=False, elapsed=0)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("as it is: é\n\t{}", "as it is: é\n\t{}"),
        ("a\x00b\x1b[1m\x01\x02.", "a b [1m ."),
        ("hush, and hush-hush", "***, and ***"),
        ("Basic QWxhZGRpbjpvcGVu, bearer\tabcdefgh", "Basic ***, bearer\t***"),
        ("Basic facts of a bearer", "Basic facts of a bearer"),
        ("v1,c2lnbmF0dXJl whsec_c2VjcmV0cw==", "v1,*** whsec_***"),
        ('{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIi"}', '{"token":"***"}'),
    ],
    ids=["nothing", "plain", "control", "secrets", "fields", "words", "webhooks", "tokens"],
)
def test_what_is_kept_is_printable_and_without_secrets(text: str, kept: str) -> None:
    secrets = ["hush", "hush-hush", ""]
    assert kept_text(text, secrets) == kept
    assert kept_text(text.encode(), secrets) == kept


@pytest.mark.parametrize("most", [10, SHORT, KEPT])
def test_what_is_kept_is_short(most: int) -> None:
    assert kept_text("x" * 9_000, [], most=most) == "x" * most
    assert kept_text(b"\xff" * 9_000, [], most=most) == "\N{REPLACEMENT CHARACTER}" * most
    assert len(kept_text("ä".encode() * 9_000, [], most=most)) <= most


@pytest.mark.parametrize("length", [6, MARGIN + 500], ids=["short", "long"])
@pytest.mark.parametrize("kind", [str, bytes], ids=["text", "bytes"])
def test_no_secret_is_cut_in_half_and_kept(length: int, kind: type) -> None:
    secret = ("s3cret" * length)[:length]
    for before in (0, SHORT - 3, SHORT + MARGIN - 3, SHORT + length - 3, SHORT + MARGIN + length - 3):
        for after in (0, 1, 2 * MARGIN + length):
            text = "x" * before + secret + "y" * after
            kept = kept_text(text if kind is str else text.encode(), [secret])
            assert not {*kept} & {*secret}


def test_a_secret_said_many_times_is_never_seen() -> None:
    assert set(kept_text("s3cret\x00" * 500, ["s3cret"])) == set("* ")


def test_an_exchange_tells_what_was_answered_or_why_nothing_was() -> None:
    lost = Failure(fault=NetworkFault.TIMED_OUT, may_have_arrived=True, text="no answer", elapsed=1)
    body = b"hush " + b"x" * 9_000
    for good, most in ((True, KEPT_OF_SUCCESS), (False, KEPT)):
        kept = exchange_of("GET /", answer(body), ["hush"], good=good)
        assert (kept.request, kept.status) == ("GET /", 200)
        assert kept.response == ("*** " + "x" * most)[:most]
    kept = exchange_of("GET /", lost, [], good=False)
    assert (kept.status, kept.response) == (None, "no answer")
    assert lost.sentence == "No answer."
