"""The outbound guard: which addresses a tenant can make us call."""

from .blocked import BLOCKED, Address, blocking_row, is_public
from .dial import GuardedResolver, connected_socket, socket_factory
from .guard import CheckedHost, Guard
from .lookup import Lookup, SystemLookup
from .url import AddressRefused, CheckedUrl, UrlFault

__all__ = [
    "BLOCKED",
    "Address",
    "AddressRefused",
    "CheckedHost",
    "CheckedUrl",
    "Guard",
    "GuardedResolver",
    "Lookup",
    "SystemLookup",
    "UrlFault",
    "blocking_row",
    "connected_socket",
    "is_public",
    "socket_factory",
]
