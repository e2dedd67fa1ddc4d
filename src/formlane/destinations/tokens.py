"""Access tokens: how a person grants them, what a connector holds of one, and who keeps it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from formlane.domain.outcomes import Blocked, Deferred, Uncertain
from formlane.domain.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token. `expires_at` is wall time, None when unknown. `extra`: what else the answer said.

    Its text form hides it.
    """

    access: str = field(repr=False)
    expires_at: dt.datetime | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """What a token request gave: the token, and a refresh token if a new one came with it."""

    token: Token
    refresh: str | None = field(default=None, repr=False)


Style: TypeAlias = Literal["form", "json", "basic"]
"""Where a client shows its id and secret: in the form, in a JSON body, or in the Authorization header."""

Obtain: TypeAlias = "Callable[[str | None], Awaitable[Obtained | Blocked | Deferred | Uncertain]]"
"""Asks for a token; given the refresh token that is in force, if there is one."""


AHEAD = dt.timedelta(minutes=1)
"""A token is renewed so long before its end, or after four fifths of a shorter life."""


def renewal_of(token: Token, now: dt.datetime) -> dt.datetime | None:
    """When a token obtained now is to be renewed; None: once it is refused."""
    if token.expires_at is None:
        return None
    return token.expires_at - min(AHEAD, (token.expires_at - now) / 5)


def is_refused(token: Token, refused: Token | None) -> bool:
    """Whether this is the very token that the destination turned down."""
    return refused is not None and token.access == refused.access


class TokenKeeper(Protocol):
    """The access token of one account, shared by all processes, sealed and committed.

    Asks for a new one ahead of its expiry, at most one process at a time, with no transaction open
    meanwhile; a refresh token that came with it is committed before the token is given out.
    """

    async def get(
        self, obtain: Obtain, *, refused: Token | None = None
    ) -> Token | Blocked | Deferred | Uncertain:
        """A token that is good for a minute at least, never `refused`, which the destination turned down."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How a person lets us act for an account in a browser: OAuth's authorization code with PKCE.

    Each takes a connection's settings and says where; None when they call for no consent. `secret` names the
    secret that takes the refresh token; `client_id` and `client_secret` name those of our app. `style`: how
    the code is exchanged.
    """

    authorize_url: Callable[[Mapping[str, Json]], str | None]
    token_url: Callable[[Mapping[str, Json]], str]
    scopes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    style: Style = "form"
    client_id: str = "client_id"
    client_secret: str = "client_secret"  # noqa: S105 - the name of a setting
    secret: str = "refresh_token"  # noqa: S105 - likewise
