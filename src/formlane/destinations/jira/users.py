"""Finding the account of a person by email address or name.

Source: Jira Cloud platform REST API v3, "Find users"; Data Center REST API, "Find users". An email address
that its owner hides is not told, but searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from .client import JiraClient, Refused
from .screens import decoded
from .trace import Trace


class User(Struct, rename="camel"):
    """An account."""

    account_id: str = ""
    name: str = ""
    display_name: str = ""
    email_address: str = ""
    active: bool = True

    def is_meant(self, text: str) -> bool:
        """Whether a text names this account: by address, user name or full name; without regard to case."""
        wanted = text.casefold()
        names = {self.name.casefold(), self.display_name.casefold(), self.email_address.casefold()}
        return wanted in names or ("@" in text and not self.email_address)


async def find_user(client: JiraClient, text: str, trace: Trace, *, cloud: bool) -> Sequence[str] | Refused:
    """What active accounts of this address or name are to be written as, in the site's own order."""
    query = {"query" if cloud else "username": text}
    answer = await client.ask("GET", "user/search", trace, query=query, reads=True)
    users = answer if isinstance(answer, Refused) else decoded(answer, list[User])
    if isinstance(users, Refused):
        return users
    return [one.account_id if cloud else one.name for one in users if one.active and one.is_meant(text)]
