"""Settings of the simulator, as the control API takes and shows them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from formlane_sandbox.salesforce.seed import USERNAME

KEEP_DEFAULT = 500
NEWEST_VERSION = 68
OLDEST_VERSION = 31

NotNegative = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]


class Extent(StrEnum):
    """What one wrong value or column spoils; the documents leave it open for collections."""

    REQUEST = "request"
    RECORD = "record"


class LimitInfo(StrEnum):
    """Forms of the Sforce-Limit-Info header (REST API Developer Guide, Limit Info Header)."""

    PLAIN = "plain"
    BURSTS = "bursts"
    PER_APP = "per_app"
    ALTERNATE = "alternate"
    ABSENT = "absent"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the org is set up. Durations are the vendor's; the clock's time scale shortens them.

    App: `consumer_key` to `refresh_token` are its fixed credentials, `certificate` (PEM, certificate or
    public key) verifies JWTs when it is not the sandbox's own. `redirect_uris`: none means any.
    """

    consumer_key: str = "3MVG9FormlaneSandboxConsumerKey"
    consumer_secret: str = "formlane-sandbox-consumer-secret"  # noqa: S105 - the sandbox's published credentials
    username: str = USERNAME
    password: str = "formlane-sandbox"  # noqa: S105
    security_token: str = "SandboxToken"  # noqa: S105
    refresh_token: str = "5Aep861FormlaneSandboxRefreshToken"  # noqa: S105
    certificate: str = ""
    redirect_uris: tuple[str, ...] = ()
    require_pkce: bool = True
    auto_approve: bool = True
    rotate_refresh_tokens: bool = False
    password_flow: bool = True
    client_credentials_user: bool = True
    jwt_approved: bool = True

    session_seconds: Seconds = 7200
    code_seconds: Seconds = 900
    refresh_takes: Seconds = 0.02

    daily_requests: NotNegative = 5_000_000
    enforce_daily_limit: bool = True
    limit_info: LimitInfo = LimitInfo.ALTERNATE
    compress: bool = True
    maintenance: bool = False

    unknown_column_spoils: Extent = Extent.REQUEST
    wrong_type_spoils: Extent = Extent.REQUEST
    upsert_update_status: Annotated[int, Meta(ge=200, le=204)] = 200
    all_failed_status: Annotated[int, Meta(ge=200, le=400)] = 200

    bulk_starts_after: Seconds = 2.0
    bulk_batch_records: Positive = 10_000
    bulk_batch_takes: Seconds = 5.0
    keep: Positive = KEEP_DEFAULT


def changed(settings: Settings, document: bytes) -> Settings:
    """With what the JSON `document` names replaced; msgspec.ValidationError if that is wrong."""
    change = msgspec.json.decode(document, type=dict[str, object])
    return msgspec.convert({**msgspec.to_builtins(settings), **change}, Settings)
