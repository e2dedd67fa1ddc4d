from __future__ import annotations

import base64
import datetime as dt
import json
import random
import time

import pytest
import standardwebhooks
import svix
from svix.webhooks import WebhookVerificationError as SvixError

from formlane.destinations.webhook.signing import SigningKeys, new_secret, read_secret, signed_headers

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def now_in_seconds() -> dt.datetime:
    """What the libraries compare with: they refuse what is five minutes old."""
    return dt.datetime.fromtimestamp(int(time.time()), dt.UTC)


SIGNS = 'aZ09 "\\/\n\u00e4\u20ac\u4e2d\U0001f600\u0000\u200d'


def test_the_published_vector_is_met() -> None:
    now = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
    headers = signed_headers(SigningKeys(current=KEY), message="msg_1", body=b'{"a":1}', now=now)
    assert headers == {
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1,AMaOha7DUT/0J0JMycRuYOBSvbx3WtwLd2khXXbaVj4=",
    }


def test_a_thousand_bodies_are_accepted_by_two_libraries_and_a_flipped_bit_by_none() -> None:
    chance = random.Random(7)
    secret = new_secret()
    keys = SigningKeys(current=read_secret(secret))
    verifiers = [standardwebhooks.Webhook(secret).verify, svix.Webhook(secret).verify]
    refusals = (standardwebhooks.WebhookVerificationError, SvixError, UnicodeDecodeError)
    for number in range(1000):
        value = {"text": "".join(chance.choices(SIGNS, k=chance.randrange(200))), "n": number}
        body = json.dumps(value, ensure_ascii=False).encode()
        headers = {"webhook-id": f"msg_{number}"} | signed_headers(
            keys, message=f"msg_{number}", body=body, now=now_in_seconds()
        )
        at = chance.randrange(len(body))
        flipped = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        for verify in verifiers:
            verify(body, headers)
            with pytest.raises(refusals):
                verify(flipped, headers)


def test_during_rotation_both_secrets_verify_and_afterwards_the_new_one_only() -> None:
    new, old = new_secret(), new_secret()
    now = now_in_seconds()
    until = now + dt.timedelta(hours=24)
    keys = SigningKeys(current=read_secret(new), previous=read_secret(old), previous_until=until)
    during = signed_headers(keys, message="msg_1", body=b"{}", now=now)
    alone = signed_headers(SigningKeys(current=read_secret(new)), message="msg_1", body=b"{}", now=now)
    after = signed_headers(keys, message="msg_1", body=b"{}", now=until)
    for secret in (new, old):
        standardwebhooks.Webhook(secret).verify(b"{}", {"webhook-id": "msg_1"} | during)
        svix.Webhook(secret).verify(b"{}", {"webhook-id": "msg_1"} | during)
    entries = during["webhook-signature"].split(" ")
    assert entries[0] == alone["webhook-signature"]
    assert len(entries) == 2
    assert len(after["webhook-signature"].split(" ")) == 1


@pytest.mark.parametrize("text", [SECRET, SECRET.removeprefix("whsec_"), SECRET.rstrip("="), f" {SECRET}\n"])
def test_a_secret_is_read_in_its_usual_spellings(text: str) -> None:
    assert read_secret(text) == KEY


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "whsec_c2hvcnQ=", "whsec_***", "whsec_ä", "whsec_" + "A" * 100, "whsec_" + "A" * 37],
)
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64|length"):
        read_secret(text)
