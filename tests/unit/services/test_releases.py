"""Lanes are made to what the steps of a flow promise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from formlane.destinations.catalogue import CATALOGUE
from formlane.domain.flows import FlowDefinition, Step
from formlane.domain.types import Json
from formlane.services.releases import lane_shape

FLOW = FlowDefinition(inputs=(), steps=(Step(name="s", object="Contact", tracking_field="Ext__c"),))
SETTINGS: Mapping[str, Json] = {"client_id": "id", "timeout_seconds": 10}


@pytest.mark.parametrize(("time_scale", "seconds"), [(1.0, 40), (0.1, 4)])
def test_the_quiet_time_of_a_lane_is_scaled(time_scale: float, seconds: float) -> None:
    shape = lane_shape(FLOW, CATALOGUE["salesforce"], SETTINGS, time_scale=time_scale)

    assert shape.quiet == dt.timedelta(seconds=seconds)
