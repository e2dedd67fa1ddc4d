"""Settings of the instance, as the control API takes and shows them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

KEEP_DEFAULT = 1000
_Seconds = Annotated[float, Meta(ge=0, le=86_400)]
_Count = Annotated[int, Meta(ge=0, le=10_000_000)]
_Positive = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class _Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class User(_Document, frozen=True):
    """Who may log in. `time_zone` (IANA) is how display values show times."""

    name: str
    password: str = ""
    full_name: str = ""
    email: str = ""
    sys_id: str = ""
    active: bool = True
    locked_out: bool = False
    time_zone: str = "America/Los_Angeles"


class Client(_Document, frozen=True):
    """An OAuth registry entry; `user` is its OAuth Application User (client credentials, needed for that)."""

    id: str
    secret: str
    user: str = ""


class OAuthSettings(_Document, frozen=True):
    """The token endpoint. Life times in documented seconds (scaled); `jwts`: an accepted JWT and its user."""

    password_grant: bool = True
    client_credentials: bool = True
    post_body_only: bool = False
    access_seconds: Annotated[float, Meta(gt=0)] = 1800
    refresh_seconds: Annotated[float, Meta(gt=0)] = 8_640_000
    jwts: dict[str, str] = {}


class Acl(_Document, frozen=True):
    """What callers may do with a table and what extends it.

    `rest` false: closed to REST. `read_back` false: a create is stored, but answered 403 (KB2697679).
    `unreadable` columns cannot be queried by and are left out; rows that match the query `hidden` are left
    out after the limit was applied.
    """

    rest: bool = True
    insert: bool = True
    update: bool = True
    delete: bool = True
    read: bool = True
    read_back: bool = True
    unreadable: tuple[str, ...] = ()
    hidden: str = ""


class BusinessRule(_Document, frozen=True):
    """Aborts a write of which the record matches the encoded query `when` (empty: every write)."""

    table: str
    name: str
    when: str = ""
    insert: bool = True
    update: bool = True


class DataPolicy(_Document, frozen=True):
    """Columns that must have a value in every record that matches `when` (empty: in all)."""

    table: str
    mandatory: tuple[str, ...]
    when: str = ""


class TransformMap(_Document, frozen=True):
    """How rows of a staging table become records; `fields`: staging column to target column.

    `error_when` and `skip_when` are encoded queries on the staging row: what a script would refuse or skip.
    """

    name: str
    staging: str
    target: str
    fields: dict[str, str]
    coalesce: tuple[str, ...] = ()
    coalesce_empty: bool = False
    case_sensitive: bool = False
    error_when: str = ""
    error_message: str = "Target record not found"
    skip_when: str = ""


class RateRule(_Document, frozen=True):
    """A REST rate limit: requests per hour of a user, on the clock's hours.

    `api` is `Table API`, `Batch API` or `Import Set API`; `table` and `user` empty: any.
    """

    limit: _Count
    api: str = "Table API"
    table: str = ""
    user: str = ""


class Limits(_Document, frozen=True):
    """Limits and lags. Seconds are documented ones, scaled.

    `write_seconds` is how long a write takes; a batch leaves what does not fit in `batch_seconds` unserviced.
    `rate_commit_seconds`: counts are summed up so often (30 on an instance), 0: at once.
    """

    rates: tuple[RateRule, ...] = ()
    rate_commit_seconds: _Seconds = 0
    rate_counts_batch_items: bool = False
    running: _Positive = 4
    queue: _Count = 50
    cookie_queue: _Count = 10
    write_seconds: _Seconds = 0
    batch_seconds: _Seconds = 30
    batch_item_bytes: _Positive = 5 * 1024 * 1024
    body_bytes: _Positive = 10_485_760
    url_bytes: _Positive = 16_384
    page: _Positive = 10_000
    transform_seconds: _Seconds = 5


class Behaviour(_Document, frozen=True):
    """Properties of the instance that administrators set, or that vendor documents leave open."""

    supplied_sys_id: bool = True
    truncate: bool = True
    invalid_query_returns_no_rows: bool = False
    require_headers: bool = True
    shuffle_batch: bool = True
    import_by_name: tuple[str, ...] = ()
    sets_cookies: bool = True


class Settings(_Document, frozen=True):
    """All settings. `keep`: how many requests stay in full."""

    users: tuple[User, ...] = ()
    clients: tuple[Client, ...] = ()
    api_keys: dict[str, str] = {}
    oauth: OAuthSettings = OAuthSettings()
    acls: dict[str, Acl] = {}
    business_rules: tuple[BusinessRule, ...] = ()
    data_policies: tuple[DataPolicy, ...] = ()
    transform_maps: tuple[TransformMap, ...] = ()
    limits: Limits = Limits()
    behaviour: Behaviour = Behaviour()
    keep: _Positive = KEEP_DEFAULT


def changed(settings: Settings, document: bytes) -> Settings:
    """The settings with the parts named in the JSON object `document`; msgspec.ValidationError if wrong.

    `oauth`, `limits` and `behaviour` are changed field by field, lists and tables of rules are replaced.
    """
    change = msgspec.json.decode(document, type=dict[str, object])
    merged: dict[str, object] = msgspec.to_builtins(settings)
    for name, value in change.items():
        old = merged.get(name)
        merged[name] = (
            {**old, **value}
            if name in _BY_FIELD and isinstance(old, dict) and isinstance(value, dict)
            else value
        )
    return msgspec.convert(merged, Settings)


_BY_FIELD = ("oauth", "limits", "behaviour")
