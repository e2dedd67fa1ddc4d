"""Who and what a fresh instance knows: credentials, people, groups, transform maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from formlane_sandbox.servicenow.schema import stable_id
from formlane_sandbox.servicenow.settings import Client, Settings, TransformMap, User

ADMIN: Final = User(
    name="admin",
    password="admin-password",  # noqa: S106 - a sandbox's, printed on its page
    full_name="System Administrator",
    email="admin@example.com",
    sys_id="6816f79cc0a8016401c5a33be04be441",
)
INTEGRATION: Final = User(
    name="formlane.integration",
    password="integration-password",  # noqa: S106 - as above
    full_name="Formlane Integration",
    email="integration@example.com",
    sys_id=stable_id("sys_user", "formlane.integration"),
    time_zone="UTC",
)
CLIENT: Final = Client(
    id="d4f7c1a09b5e4c2f8a6e3b1d7c905e42",
    secret="sandbox-client-secret",  # noqa: S106 - as above
    user=INTEGRATION.name,
)
API_KEY: Final = "now_sandbox-api-key"

SEED_SETTINGS: Final = Settings(
    users=(ADMIN, INTEGRATION),
    clients=(CLIENT,),
    api_keys={API_KEY: INTEGRATION.name},
    transform_maps=(
        TransformMap(
            name="User",
            staging="imp_user",
            target="sys_user",
            fields={
                "u_user_id": "user_name",
                "u_first_name": "first_name",
                "u_last_name": "last_name",
                "u_email": "email",
                "u_title": "title",
            },
            coalesce=("user_name",),
        ),
        TransformMap(
            name="Form submission",
            staging="u_imp_form_submission",
            target="incident",
            fields={
                "u_external_id": "correlation_id",
                "u_short_description": "short_description",
                "u_description": "description",
                "u_caller": "caller_id",
            },
            coalesce=("correlation_id",),
        ),
    ),
)

_FINANCE: Final = "a581ab703710200044e0bfc8bcbe5de8"
_HEAD: Final = "46c5bf6ca9fe1981010713e3ac7d3384"

SEED_ROWS: Final[Mapping[str, tuple[Mapping[str, str], ...]]] = {
    "sys_user": (
        {
            "sys_id": _HEAD,
            "user_name": "natasha.ingram",
            "name": "Natasha Ingram",
            "first_name": "Natasha",
            "last_name": "Ingram",
            "email": "natasha.ingram@example.com",
            "department": _FINANCE,
            "active": "true",
        },
        {
            "sys_id": "5137153cc611227c000bbd1bd8cd2005",
            "user_name": "fred.luddy",
            "name": "Fred Luddy",
            "first_name": "Fred",
            "last_name": "Luddy",
            "email": "fred.luddy@example.com",
            "active": "true",
        },
        {
            "sys_id": "26fbff173b331300ad3cc9bb34efc4bd",
            "user_name": "problem.admin",
            "name": "Problem Admin",
            "first_name": "Problem",
            "last_name": "Admin",
            "active": "true",
        },
    ),
    "sys_user_group": (
        {"sys_id": "287ebd7da9fe198100f92cc8d1d2154e", "name": "Network", "manager": _HEAD, "active": "true"},
        {"sys_id": "d625dccec0a8016700a222a0f7900d06", "name": "Service Desk", "active": "true"},
    ),
    "cmn_department": ({"sys_id": _FINANCE, "name": "Finance", "dept_head": _HEAD},),
    "core_company": (
        {"sys_id": "31bea3d53790200044e0bfc8bcbe5dec", "name": "ACME North America", "city": "Berkeley"},
    ),
    "cmn_location": (
        {"sys_id": stable_id("cmn_location", "Vienna"), "name": "Vienna", "country": "Austria"},
    ),
}
