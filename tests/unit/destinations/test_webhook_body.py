from __future__ import annotations

import json
from types import MappingProxyType
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from formlane.destinations.base import Call, CallRecord
from formlane.destinations.webhook.body import encode, message_of
from formlane.destinations.webhook.config import Body
from formlane.domain.flows import Operation
from formlane.domain.types import Json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def call(records: list[dict[str, Json]]) -> Call:
    return Call(
        id=UUID(int=1),
        object="call",
        operation=Operation.INSERT,
        records=[CallRecord(id=str(at), tracking_key="", fields=fields) for at, fields in enumerate(records)],
        columns=(),
    )


@given(st.dictionaries(st.text(), VALUES, max_size=6))
def test_a_record_is_read_back_as_it_was_or_left_out(fields: dict[str, Json]) -> None:
    text = encode(fields)
    if text is not None:
        assert json.loads(text) == fields
        assert encode(dict(fields)) == text
    else:
        assert "\\ud" in json.dumps(fields)


def test_read_only_mappings_and_sequences_are_written_too() -> None:
    assert encode(MappingProxyType({"a": MappingProxyType({"b": range(2)})})) == b'{"a":{"b":[0,1]}}'
    assert encode(MappingProxyType({"a": 2**64, "b": (1,)})) == b'{"a":18446744073709551616,"b":[1]}'


def test_what_is_no_json_is_left_out() -> None:
    assert encode({"a": {1, 2}}) is None  # type: ignore[dict-item] # a bug upstream must not stop the lane
    assert encode({"a": 2**64, "b": float("nan")}) is None


@given(st.integers(1, 40), st.sampled_from([Body.ARRAY, Body.WRAPPED]))
def test_a_call_is_one_message_with_every_record_in_order(count: int, body: Body) -> None:
    records: list[dict[str, Json]] = [{"n": number} for number in range(count)]
    message = message_of(call(records), body)
    assert message == message_of(call(records), body)
    assert list(message.positions) == list(range(count))
    sent = json.loads(message.body)
    assert (sent if body is Body.ARRAY else sent["records"]) == records
