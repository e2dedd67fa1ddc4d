"""What to do when a machine lacks a component that a test needs (a browser, an SSH server).

A developer's machine skips the test; CI, which sets `FORMLANE_REQUIRE_COMPONENTS=1`, fails it, so that
no test is lost in silence.
"""

from __future__ import annotations

import os
from typing import Final, NoReturn

import pytest

REQUIRE_COMPONENTS: Final = "FORMLANE_REQUIRE_COMPONENTS"
MISSING: Final = "missing component"
"""How the reason of every such skip begins; `scripts/ci_result.py` looks for it."""


def missing(component: str, hint: str) -> NoReturn:
    """Ends the test: fails it where components are required, skips it elsewhere.

    `hint` says how to get the component, as a command where there is one.
    """
    reason = f"{MISSING}: {component} ({hint})"
    if os.environ.get(REQUIRE_COMPONENTS) == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
