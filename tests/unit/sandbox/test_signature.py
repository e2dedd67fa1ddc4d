"""Verification by the specification; the vectors were made with independent libraries."""

from __future__ import annotations

import pytest

from formlane_sandbox.webhook.signature import TOLERANCE, Verdict, Verifier

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PUBLIC = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
V1 = b"v1,AMaOha7DUT/0J0JMycRuYOBSvbx3WtwLd2khXXbaVj4="
V1A = b"v1a,DA+4m4VqA33Hm9Wlha/1LaJIOTEvbTa2btJ5gtcP1KIJ83aMbtlDaDEj9gW4UzCjPd9EMUgy41eDWvfIiFddCQ=="
NOW = 1_700_000_000
BODY = b'{"a":1}'


def headers(signature: bytes, *, timestamp: bytes = b"1700000000") -> dict[bytes, bytes]:
    return {b"webhook-id": b"msg_1", b"webhook-timestamp": timestamp, b"webhook-signature": signature}


@pytest.mark.parametrize(
    "signature", [V1, V1A, V1A + b" " + V1, b"v1,AAAA " + V1, b"nonsense " + V1, b"v9,x " + V1]
)
def test_vectors_fit(signature: bytes) -> None:
    verifier = Verifier([SECRET], [PUBLIC])
    assert verifier.verify(headers(signature), BODY, now=NOW) == (Verdict.OK, "")


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), SECRET.rstrip("=")])
def test_secret_with_or_without_prefix_and_padding(secret: str) -> None:
    assert Verifier([secret], []).verify(headers(V1), BODY, now=NOW)[0] is Verdict.OK


def test_any_of_several_secrets_fits() -> None:
    other = "whsec_" + "QUJD" * 8
    assert Verifier([other, SECRET], []).verify(headers(V1), BODY, now=NOW)[0] is Verdict.OK
    assert Verifier([other], []).verify(headers(V1), BODY, now=NOW)[0] is Verdict.BAD


def test_one_flipped_bit_is_noticed() -> None:
    verifier = Verifier([SECRET], [PUBLIC])
    for position in range(len(BODY) * 8):
        flipped = bytearray(BODY)
        flipped[position // 8] ^= 1 << position % 8
        assert verifier.verify(headers(V1 + b" " + V1A), bytes(flipped), now=NOW)[0] is Verdict.BAD


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (NOW + TOLERANCE, Verdict.OK),
        (NOW - TOLERANCE, Verdict.OK),
        (NOW + TOLERANCE + 1, Verdict.BAD),
        (NOW - TOLERANCE - 1, Verdict.BAD),
    ],
)
def test_time_window(now: int, verdict: Verdict) -> None:
    assert Verifier([SECRET], []).verify(headers(V1), BODY, now=now)[0] is verdict


@pytest.mark.parametrize("missing", [b"webhook-id", b"webhook-timestamp", b"webhook-signature"])
def test_all_three_headers_are_needed(missing: bytes) -> None:
    given = {name: value for name, value in headers(V1).items() if name != missing}
    assert Verifier([SECRET], []).verify(given, BODY, now=NOW)[0] is Verdict.BAD


@pytest.mark.parametrize("timestamp", [b"1700000000.5", b"-1", b"now", b" 1700000000"])
def test_the_timestamp_is_a_whole_number(timestamp: bytes) -> None:
    given = headers(V1, timestamp=timestamp)
    verdict, reason = Verifier([SECRET], []).verify(given, BODY, now=NOW)
    assert (verdict, "whole number" in reason) == (Verdict.BAD, True)


def test_without_keys_nothing_is_checked() -> None:
    assert Verifier([], []).verify({}, BODY, now=NOW) == (Verdict.NOT_CHECKED, "")


@pytest.mark.parametrize(("secrets", "keys"), [(["whsec_"], []), (["whsec_*"], []), ([], ["whpk_AAAA"])])
def test_a_wrong_key_is_refused(secrets: list[str], keys: list[str]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Verifier(secrets, keys)
