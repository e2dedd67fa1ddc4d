"""A request as the handlers see it, and the three hosts of an account.

Source: Marketing Cloud API guide, "Your Subdomain and Your Tenant's Endpoints".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from urllib.parse import unquote

import msgspec

from formlane_sandbox.sfmc.answers import FORMAT, MESSAGE_FORMAT, refused
from formlane_sandbox.sfmc.credentials import Token

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_VENDOR_HOST = re.compile(r"([a-z0-9-]+)\.(auth|rest|soap)\.(.+)", re.IGNORECASE)


class Role(StrEnum):
    """The host a request came to."""

    AUTH = "auth"
    REST = "rest"
    SOAP = "soap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `path` is raw (not decoded), `query` by lower-case name, `bases` the URL of each host."""

    role: Role
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    body: bytes
    bases: Mapping[Role, str]
    token: Token | None = None

    @property
    def account(self) -> str:
        """The business unit of the token."""
        assert self.token is not None, "checked before a handler is called"
        return self.token.account

    def content(self) -> object:
        """The JSON body, fractions as Decimal; RefusedError (415, 400) if it is none."""
        kind = self.headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
        if kind != b"application/json" or self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise refused(415, "Unsupported Media Type", None)
        try:
            return _decoder.decode(self.body)
        except msgspec.DecodeError as error:
            raise refused(400, f"Unable to parse the request body: {error}", MESSAGE_FORMAT) from error

    def number(self, name: str, usual: int, *, most: int) -> int:
        """A paging parameter of at least 1, cut to `most`; RefusedError if it is no number."""
        text = self.query.get(name, "")
        if not text:
            return usual
        if not text.isdecimal() or int(text) < 1:
            raise refused(400, f"The request parameter {name} could not be resolved", FORMAT)
        return min(int(text), most)


def query_of(raw: str) -> dict[str, str]:
    """Parameters by lower-case name. A `+` stays a plus sign: the vendor does not read it as a space."""
    pairs = (part.partition("=") for part in raw.split("&") if part)
    return {unquote(name).lower(): unquote(value) for name, _, value in pairs}


def vendor_host(host: str) -> tuple[str, Role, str] | None:
    """Subdomain, role, and domain with port of `{subdomain}.{auth|rest|soap}.{domain}`; else None."""
    match = _VENDOR_HOST.fullmatch(host)
    return (match[1], Role(match[2].lower()), match[3]) if match else None
