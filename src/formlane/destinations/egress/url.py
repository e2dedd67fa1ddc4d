"""What a web address must look like before it is stored.

One parser reads it (yarl, the one the HTTP client uses), and what is stored is rebuilt from the parsed
parts (OWASP ASVS 1.5.3), so the check and the call cannot read the same text differently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from yarl import URL

from formlane.errors import AddressNotAllowed

LONGEST_URL = 2048
"""Characters of a web address, before and after percent-encoding."""

_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\\s]")


class UrlFault(StrEnum):
    """Which rule a text breaks. Tells nothing that the text itself does not show."""

    SYNTAX = "syntax"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    LENGTH = "length"
    PORT = "port"
    HOST = "host"


class AddressRefused(AddressNotAllowed, OSError):  # noqa: N818 - named like its base
    """The guard's refusal. An `OSError` too, so that it passes through connection code as one.

    The text is always the same; `fault` names the rule of the written form that was broken, and stays
    `host` for everything that depends on an address.
    """

    def __init__(self, fault: UrlFault = UrlFault.HOST) -> None:
        super().__init__("address not allowed")
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedUrl:
    """A web address that kept the policy, in its canonical spelling.

    `listed`: its host is an address on the installation's own allow-list.
    """

    url: URL
    host: str
    port: int
    listed: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it goes out without TLS."""
        return self.url.scheme == "http"

    def __str__(self) -> str:
        return str(self.url)


def read_url(text: str) -> URL:
    """The parsed address: http or https, with a host, without credentials, no longer than the limit."""
    if len(text) > LONGEST_URL:
        raise AddressRefused(UrlFault.LENGTH)
    if _UNSAFE.search(text):
        raise AddressRefused(UrlFault.SYNTAX)
    try:
        url = URL(text)
        authority, port = url.raw_authority, url.port
    except ValueError:
        raise AddressRefused(UrlFault.SYNTAX) from None
    if url.scheme not in {"http", "https"}:
        raise AddressRefused(UrlFault.SCHEME)
    if url.user is not None or url.password is not None or "@" in authority:
        raise AddressRefused(UrlFault.CREDENTIALS)
    if not url.raw_host or not port:
        raise AddressRefused(UrlFault.SYNTAX)
    return url


def rebuild(url: URL, host: str, port: int, *, listed: bool) -> CheckedUrl:
    """The address from its parts, without a fragment, which is never sent."""
    built = URL.build(
        scheme=url.scheme,
        host=f"[{host}]" if ":" in host else host,
        port=None if port == {"http": 80, "https": 443}[url.scheme] else port,
        path=url.raw_path,
        query_string=url.raw_query_string,
        encoded=True,
    )
    if len(str(built)) > LONGEST_URL:
        raise AddressRefused(UrlFault.LENGTH)
    return CheckedUrl(url=built, host=host, port=port, listed=listed)
