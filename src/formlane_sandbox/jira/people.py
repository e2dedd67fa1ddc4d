"""Users of the site."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class User(Struct, kw_only=True, forbid_unknown_fields=True):
    """A user; `password` logs in to Data Center, `assignable` False cannot be given issues.

    `locale` is the language messages are written in, unless the request forces another.
    """

    account_id: str
    name: str
    email: str
    display: str
    active: bool = True
    assignable: bool = True
    locale: str = "en_US"
    time_zone: str = "Etc/UTC"
    password: str = ""
    email_hidden: bool = False


class People:
    """Users by what requests name them by."""

    def __init__(self, users: Iterable[User]) -> None:
        self.users = list(users)
        self.by_account = {user.account_id: user for user in self.users}
        self.by_name = {user.name: user for user in self.users}
        self.by_email = {user.email.lower(): user for user in self.users}

    def search(self, text: str) -> list[User]:
        """Active users whose name, or whose e-mail address if it is not hidden, starts with the text."""
        wanted = text.lower()
        return [user for user in self.users if user.active and _fits(user, wanted)]


def _fits(user: User, wanted: str) -> bool:
    words = (user.name, user.display, *user.display.split(), "" if user.email_hidden else user.email)
    return any(word.lower().startswith(wanted) for word in words if word)
