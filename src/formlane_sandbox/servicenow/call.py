"""One request to the instance, from a connection or from inside a batch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from formlane_sandbox.servicenow.settings import User

NO_PARAMETERS: Final[Mapping[str, str]] = {}


class Call(Struct, kw_only=True):
    """`path` is decoded, `headers` by lower-case name, `origin` is scheme and host as the caller wrote it."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = {}
    body: bytes = b""
    origin: str = ""
    user: User | None = None
    in_batch: bool = False

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query string; of a repeated name the last counts."""
        return read_parameters(self.query) if self.query else NO_PARAMETERS

    def flag(self, name: str) -> bool:
        """A boolean parameter; some clients write `True`."""
        return self.parameters.get(name, "").lower() == "true"


@lru_cache(maxsize=4096)
def read_parameters(query: str) -> Mapping[str, str]:
    """A query string or form as a mapping."""
    return dict(parse_qsl(query, keep_blank_values=True))


@lru_cache(maxsize=4096)
def split_url(url: str) -> tuple[str, str]:
    """Decoded path and raw query string of a relative URL."""
    path, _, query = url.partition("?")
    return (unquote(path) if "%" in path else path), query.partition("#")[0]
