from __future__ import annotations

import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Faults
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.seed_rows import SEED_SETTINGS


@pytest.fixture
def instance() -> Instance:
    return Instance(SEED_SETTINGS, clock=Clock(), faults=Faults())
