"""A simulator's time."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from formlane_sandbox.clock import Clock


def test_shift_moves_the_wall_clock() -> None:
    clock = Clock()
    clock.shift(3600)
    clock.shift(-600)

    assert 2990 < clock.time() - time.time() < 3010
    assert abs(clock.now().timestamp() - clock.time()) < 10


def test_lags_are_scaled() -> None:
    assert Clock(time_scale=0.1).lag(60) == 6
    assert Clock().lag(60) == 60


def test_http_date_is_readable_and_ahead() -> None:
    ahead = parsedate_to_datetime(Clock().http_date(ahead=3600)).timestamp()

    assert 3590 < ahead - time.time() < 3610
