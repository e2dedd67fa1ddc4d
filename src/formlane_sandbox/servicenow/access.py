"""Who calls: Basic, Bearer or API key."""

from __future__ import annotations

from formlane_sandbox.servicenow.answers import unauthenticated
from formlane_sandbox.servicenow.call import Call
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.oauth import active_user, basic_credentials, valid_user
from formlane_sandbox.servicenow.settings import User
from formlane_sandbox.servicenow.tokens import Tokens


def authenticate(instance: Instance, tokens: Tokens, call: Call) -> User:
    """The calling user; ApiError 401 for missing, wrong or expired credentials."""
    header = call.headers.get("authorization", "")
    scheme, _, text = header.partition(" ")
    user: User | None = None
    if scheme.lower() == "bearer":
        user = active_user(instance, tokens.user_of(text.strip()) or "")
    elif header:
        user = valid_user(instance, *basic_credentials(header))
    elif key := call.headers.get("x-sn-apikey"):
        user = active_user(instance, instance.settings.api_keys.get(key, ""))
    if user is None:
        raise unauthenticated(bearer=scheme.lower() == "bearer")
    return user
