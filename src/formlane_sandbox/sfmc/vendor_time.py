"""Times as the vendor writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

SYSTEM_ZONE = timezone(timedelta(hours=-6))
"""US Central without daylight saving: what accounts are usually seen to use; not documented."""


def stamp(moment: float | datetime) -> str:
    """System time without a zone, trailing zeros of the milliseconds left out: `2024-07-11T22:19:02.04`."""
    aware = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    local = aware.astimezone(SYSTEM_ZONE)
    fraction = f"{local.microsecond // 1000:03}".rstrip("0")
    return f"{local:%Y-%m-%dT%H:%M:%S}" + (f".{fraction}" if fraction else "")


def soap_stamp(moment: float) -> str:
    """UTC with a zone, as in WS-Security timestamps."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
