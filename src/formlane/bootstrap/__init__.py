"""The composition root: from settings to services with their ports plugged in, and to running roles.

The only package that knows which store, dispatch and vault are in use.
"""

from formlane.bootstrap.hub import Hub, open_hub
from formlane.bootstrap.installation import (
    Installation,
    KeyRotation,
    add_master_key,
    migrate_installation,
    open_installation,
    rotation_of,
    run_installation,
)
from formlane.bootstrap.roles import Role, new_app, new_worker, run_role

__all__ = [
    "Hub",
    "Installation",
    "KeyRotation",
    "Role",
    "add_master_key",
    "migrate_installation",
    "new_app",
    "new_worker",
    "open_hub",
    "open_installation",
    "rotation_of",
    "run_installation",
    "run_role",
]
