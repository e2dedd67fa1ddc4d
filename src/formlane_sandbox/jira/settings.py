"""What a simulated site is like, as options, control API and tests set it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

CLOUD_ID = "7b0f3c52-5f7e-4c4f-9d0a-3f6f0a4f1e11"
EMAIL, API_TOKEN, SCOPED_TOKEN = "mia@example.com", "sandbox-api-token", "sandbox-scoped-token"
CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-client-secret"
REFRESH_TOKEN, PERSONAL_TOKEN = "sandbox-refresh-token", "sandbox-personal-token"
SCOPES = ("read:jira-work", "write:jira-work", "read:jira-user", "offline_access")

Seconds = Annotated[float, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1)]


class Deployment(StrEnum):
    """Which product."""

    CLOUD = "cloud"
    DATA_CENTER = "datacenter"


class ApiToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user's API token (Cloud) or personal access token (Data Center); scopes make it a scoped one."""

    email: str
    token: str
    scopes: tuple[str, ...] = ()


class OAuthClient(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OAuth 2.0 (3LO) app; `refresh_token` is issued at the start, with `scopes`, for `email`."""

    client_id: str
    client_secret: str
    email: str = EMAIL
    scopes: tuple[str, ...] = SCOPES
    refresh_token: str = ""


class Unauthenticated(StrEnum):
    """The two forms of a 401's body."""

    TEXT = "text"
    JSON = "json"


class Burst(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests per second per endpoint and method (Cloud, "Rate limiting": burst API rate limits)."""

    get: Number = 100
    get_issue: Number = 150
    post: Number = 100
    put: Number = 50
    delete: Number = 50


class NodeBucket(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token bucket per user (Data Center, "Improving instance stability with rate limiting")."""

    most: Number = 100
    fill: Number = 10
    interval: Seconds = 1.0


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`burst`, `node`: null is no limit. `points`: an hour, for OAuth apps; only shown if not enforced."""

    burst: Burst | None = Burst()
    issue_writes_2s: Number = 20
    issue_writes_30s: Number = 100
    points: Number = 65_000
    points_enforced: bool = True
    points_reason: str = "jira-quota-global-based"
    node: NodeBucket | None = None
    bulk: Number = 50
    search_page: Number = 5000


class JiraSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The site.

    `index_lag`: seconds until search sees a write. `anonymous_fallback`: rejected credentials are treated as
    none, with X-Seraph-LoginReason on the answer. `captcha`: every log-in is refused until a person acts.
    `indexed_properties`: `key.path` of entity properties that an app declared for search. `language`
    overrides the locale of every user. `context`: path of a Data Center instance, as `/jira`. `keep`: newest
    requests kept in full.
    """

    deployment: Deployment = Deployment.CLOUD
    cloud_id: str = CLOUD_ID
    tokens: tuple[ApiToken, ...] = ()
    clients: tuple[OAuthClient, ...] = ()
    access_seconds: Seconds = 3600.0
    anonymous_fallback: bool = False
    captcha: bool = False
    deny_consent: bool = False
    unauthenticated: Unauthenticated = Unauthenticated.TEXT
    index_lag: Seconds = 0.0
    indexed_properties: tuple[str, ...] = ()
    language: str = ""
    context: str = ""
    limits: Limits = Limits()
    keep: Number = 1000

    @property
    def cloud(self) -> bool:
        """Whether it is Jira Cloud."""
        return self.deployment is Deployment.CLOUD


def usual(deployment: Deployment, **changes: object) -> JiraSettings:
    """The settings of a site of this deployment with the fixed credentials of this page."""
    cloud = deployment is Deployment.CLOUD
    tokens = (
        (
            ApiToken(email=EMAIL, token=API_TOKEN),
            ApiToken(email=EMAIL, token=SCOPED_TOKEN, scopes=SCOPES),
        )
        if cloud
        else (ApiToken(email=EMAIL, token=PERSONAL_TOKEN),)
    )
    client = OAuthClient(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, refresh_token=REFRESH_TOKEN)
    settings = JiraSettings(
        deployment=deployment,
        tokens=tokens,
        clients=(client,) if cloud else (),
        unauthenticated=Unauthenticated.TEXT if cloud else Unauthenticated.JSON,
    )
    return msgspec.structs.replace(settings, **changes)


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the settings: what it does not name stays. The deployment is chosen at the start."""

    tokens: tuple[ApiToken, ...] | UnsetType = UNSET
    clients: tuple[OAuthClient, ...] | UnsetType = UNSET
    access_seconds: Seconds | UnsetType = UNSET
    anonymous_fallback: bool | UnsetType = UNSET
    captcha: bool | UnsetType = UNSET
    deny_consent: bool | UnsetType = UNSET
    unauthenticated: Unauthenticated | UnsetType = UNSET
    index_lag: Seconds | UnsetType = UNSET
    indexed_properties: tuple[str, ...] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET
    keep: Number | UnsetType = UNSET

    def applied(self, settings: JiraSettings) -> JiraSettings:
        """The settings after this change."""
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        return msgspec.structs.replace(
            settings, **{name: value for name, value in named.items() if value is not UNSET}
        )
