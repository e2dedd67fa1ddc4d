"""What may be kept of an exchange: printable, short, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from formlane.destinations.base import Exchange
from formlane.destinations.http import Answer, Failure

KEPT: Final = 4 * 1024
"""Characters of an answer that are kept with the attempt, unless a kind says otherwise."""

KEPT_OF_SUCCESS: Final = 512
"""The same of an answer that says all is well."""

SHORT: Final = 200
"""Characters of a destination's own words that are kept with an outcome, unless a kind says otherwise."""

MARGIN: Final = 1024
"""Characters (bytes of bytes) beyond what is kept that are searched for secrets."""

_TAIL: Final = 32
"""Characters of a credential that show it to be one, at least."""

_MARKS: Final = ("bearer", "basic", "eyj", "whsec_", "v1,")
_CREDENTIAL: Final = re.compile(
    r"((?i:(?:bearer|basic)\s+|whsec_|v1,))[A-Za-z0-9._~+/=-]{8,}|eyJ[A-Za-z0-9._-]{16,}"
)
"""Header fields, Standard Webhooks' secrets and signatures, and JSON Web Tokens (RFC 7519)."""

_UNPRINTABLE: Final = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


def kept_text(text: str | bytes, secrets: Collection[str], *, most: int = SHORT) -> str:
    """The start of a text, with `secrets` and what looks like a credential blacked out.

    `most` characters at the most. More is searched, and its end dropped, so that no secret is cut in half
    and then missed.
    """
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    tail = max(_TAIL, *map(len, longest_first[:1]), 0)
    start = text[: most + MARGIN + tail]
    shown = start.decode("utf-8", errors="replace") if isinstance(start, bytes) else start
    for secret in longest_first:
        shown = shown.replace(secret, "***")
    lower = shown.lower()
    if any(mark in lower for mark in _MARKS):
        shown = _CREDENTIAL.sub(r"\1***", shown)
    if len(text) > len(start):
        shown = shown[:-tail]
    if not (shown.isascii() and shown.isprintable()):
        shown = _UNPRINTABLE.sub(" ", shown)
    return shown[:most]


def exchange_of(
    request: str, result: Answer | Failure, secrets: Collection[str], *, good: bool, most: int = KEPT
) -> Exchange:
    """The trace of one request, whose line is redacted already. `good`: its answer was a success."""
    if isinstance(result, Failure):
        return Exchange(request=request, status=result.status, response=result.text)
    kept = kept_text(result.body, secrets, most=KEPT_OF_SUCCESS if good else most)
    return Exchange(request=request, status=result.status, response=kept)
