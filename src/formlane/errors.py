"""Exceptions of the product. Expected trouble of a delivery is an `Outcome`, not an exception.

FormlaneError
├── ConfigurationError   the installation is set up wrongly; start-up stops
├── InvalidInput         what a person or program sent; carries one `Problem` per fault
├── NotFound             no such thing in this tenant
├── NotAllowed           authenticated, but without the permission
├── NotAuthenticated     no key or session, or one that is unknown, expired or revoked
├── Conflict             the thing's state does not permit this now
├── TooLarge             the request is larger than the stated limit
├── Unavailable          a component we need is away for the moment; try again
├── AddressNotAllowed    the outbound guard refused an address
└── SealBroken           a sealed value was altered, moved, or its key is gone
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of an input.

    `pointer` is a JSON Pointer (RFC 6901) into what was sent, `code` a stable word for programs,
    `message` names the thing, the cause and the next step.
    """

    pointer: str
    code: str
    message: str


class FormlaneError(Exception):
    """Base of every exception that the product raises on purpose."""


class ConfigurationError(FormlaneError):
    """The installation is set up wrongly; the text says which setting and what to do."""


class InvalidInput(FormlaneError):  # noqa: N818 - the family is named for what happened
    """What was sent cannot be taken; nothing was stored."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class NotFound(FormlaneError):  # noqa: N818
    """No such thing in this tenant."""


class NotAllowed(FormlaneError):  # noqa: N818
    """Known caller without the permission; the text names the permission."""


class NotAuthenticated(FormlaneError):  # noqa: N818
    """No credential, or one that is unknown, expired or revoked."""


class Conflict(FormlaneError):  # noqa: N818
    """The present state does not permit this; the text says what would."""

    def __init__(self, message: str, code: str = "conflict") -> None:
        super().__init__(message)
        self.code = code


class TooLarge(FormlaneError):  # noqa: N818
    """The request is larger than the stated limit."""


class Unavailable(FormlaneError):  # noqa: N818
    """A component is away for the moment; nothing was stored; try again."""


class AddressNotAllowed(FormlaneError):  # noqa: N818
    """The outbound guard refused an address. Never says which address answered."""


class SealBroken(FormlaneError):  # noqa: N818
    """A sealed value was altered or moved, or its key is gone."""
