"""What settling says of connections: unused calls, failures, success, a block."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from formlane.domain.lanes import ConnectionEffect, Settlement
from formlane.memory.pausing import CONNECTION
from formlane.memory.state import NEVER, ConnectionState, LaneState, Pause, State

CIRCUIT = "circuit_open"
CIRCUIT_FAILURES = 10
CIRCUIT_TIME = dt.timedelta(minutes=1)


def settle_connections(
    state: State, settled: Sequence[tuple[LaneState, Settlement]], now: dt.datetime
) -> None:
    """Applies what all settled lanes of each connection say of it, once per connection."""
    grouped: dict[UUID, list[Settlement]] = {}
    for lane, one in settled:
        grouped.setdefault(lane.connection, []).append(one)
    for id_, settlements in sorted(grouped.items()):
        _settle_connection(state, state.connections[id_], settlements, now)


def _settle_connection(
    state: State, connection: ConnectionState, settlements: Sequence[Settlement], now: dt.datetime
) -> None:
    unused = sum(one.unused for one in settlements)
    if unused > 0:
        connection.tokens += unused
        connection.used_today = max(0, connection.used_today - unused)
    failures = [one for one in settlements if one.connection is ConnectionEffect.FAILURE]
    waits = [one.connection_wait for one in failures if one.connection_wait is not None]
    blocked = [one for one in settlements if one.connection is ConnectionEffect.BLOCKED]
    if waits:
        _fail(state, connection, failures[0], max(waits), now)
    elif any(one.connection is ConnectionEffect.SUCCESS for one in settlements):
        _recover(state, connection, now)
    if blocked:
        _block(state, connection, blocked[0])
    if waits:
        _watch_circuit(state, connection, failures[0], now)


def _fail(
    state: State, connection: ConnectionState, first: Settlement, wait: dt.timedelta, now: dt.datetime
) -> None:
    """Pauses the connection; one round of failures counts once, however many lanes met it."""
    connection.failures += connection.paused_until <= now
    connection.failing_since = connection.failing_since or now
    connection.paused_until = max(connection.paused_until, now + wait)
    standing = state.pauses.setdefault(
        (CONNECTION, connection.id, first.pause_reason or ""), Pause(until=now + wait)
    )
    standing.until = max(standing.until, now + wait)
    standing.message = first.pause_message or ""


def _recover(state: State, connection: ConnectionState, now: dt.datetime) -> None:
    if connection.failures == 0:
        return
    connection.failures, connection.failing_since = 0, None
    over = [
        place
        for place, one in state.pauses.items()
        if place[:2] == (CONNECTION, connection.id) and one.until <= now
    ]
    for place in over:
        del state.pauses[place]
    for alert in state.alerts:
        if alert.scope_id == connection.id and alert.reason == CIRCUIT and alert.cleared_at is None:
            alert.cleared_at = now


def _block(state: State, connection: ConnectionState, first: Settlement) -> None:
    """Waits for a person, and says so."""
    reason, message = first.pause_reason or "", first.pause_message or ""
    connection.paused_until = NEVER
    state.pauses[CONNECTION, connection.id, reason] = Pause(until=NEVER, message=message)
    state.open_alert(CONNECTION, connection.id, reason=reason, message=message)


def _watch_circuit(state: State, connection: ConnectionState, first: Settlement, now: dt.datetime) -> None:
    """Ten failures in a row and a minute of failing."""
    since = connection.failing_since
    if connection.failures >= CIRCUIT_FAILURES and since is not None and since <= now - CIRCUIT_TIME:
        state.open_alert(CONNECTION, connection.id, reason=CIRCUIT, message=first.pause_message or "")
