"""The receiver's memory: repeats, order, bounded arrivals, journal."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from formlane_sandbox.clock import Clock
from formlane_sandbox.webhook.journal import Journal
from formlane_sandbox.webhook.receiver import Receiver
from formlane_sandbox.webhook.settings import Change, HookSettings, ReceiverSettings
from formlane_sandbox.webhook.signature import Verdict


def receiver(
    *, keep: int = 100, journal: Journal | None = None, hook: HookSettings | None = None
) -> Receiver:
    settings = ReceiverSettings(default=hook or HookSettings(), keep=keep)
    return Receiver(settings, clock=Clock(), journal=journal)


def post(to: Receiver, body: object, *, message: str = "", name: str = "a", **headers: str) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"webhook-id": message, **headers} if message else headers
    encoded = [(key.replace("_", "-").encode(), value.encode()) for key, value in given.items()]
    return to.take(name, "POST", encoded, raw)[0]


def counts(of: Receiver, name: str = "a") -> dict[str, object]:
    return of.arrivals.hooks[name].document()


def test_a_repeat_is_known_by_its_id_and_compared_by_its_bytes() -> None:
    sink = receiver()
    for body in ([{"id": "r1"}], [{"id": "r1"}], [{"id": "r2"}]):
        assert post(sink, body, message="m1") == 200

    assert counts(sink)["messages"] == 1
    assert counts(sink)["repeats"] == 2
    assert counts(sink)["altered_repeats"] == 1
    assert counts(sink)["records"] == 1
    assert list(sink.arrivals.hooks["a"].records) == ["r1"]
    assert [(item.repeat_of, item.equal) for item in sink.arrivals.newest] == [
        (None, None),
        (1, True),
        (1, False),
    ]


def test_hooks_are_apart() -> None:
    sink = receiver()
    post(sink, {"id": 1}, message="m1", name="a")
    post(sink, {"id": 1}, message="m1", name="b")

    assert (counts(sink, "a")["repeats"], counts(sink, "b")["repeats"]) == (0, 0)


def test_without_an_id_every_request_is_a_message() -> None:
    sink = receiver()
    post(sink, {"id": 1})
    post(sink, {"id": 1})

    assert (counts(sink)["messages"], counts(sink)["record_repeats"]) == (2, 1)


def test_records_keep_the_position_of_their_first_arrival() -> None:
    sink = receiver()
    post(sink, [{"id": "a"}, {"id": "b"}], message="m1")
    post(sink, [{"id": "b"}, {"x": 0}, {"id": "c"}], message="m2")
    post(sink, [{"id": "d"}, {"id": "d"}], message="m3")

    assert sink.arrivals.hooks["a"].records == {"a": 1, "b": 2, "c": 5, "d": 6}
    assert counts(sink)["record_repeats"] == 2
    assert counts(sink)["largest_message"] == 3


def test_memory_is_bounded_but_counters_are_complete() -> None:
    sink = receiver(keep=10)
    for number in range(25):
        post(sink, {"id": number}, message=f"m{number}")
    first = sink.arrivals.page(after=0, limit=4)
    second = sink.arrivals.page(after=first.next or 0, limit=100)

    assert counts(sink)["distinct_records"] == 25
    assert (first.dropped, [item["seq"] for item in first.items], first.next) == (15, [16, 17, 18, 19], 19)
    assert ([item["seq"] for item in second.items], second.next) == ([20, 21, 22, 23, 24, 25], None)
    assert sink.arrivals.page(after=25, limit=1).items == []


def test_refused_requests_are_shown_but_are_no_effect() -> None:
    sink = receiver(hook=HookSettings(secrets=("whsec_" + "QUJD" * 8,), require_headers={"X-Key": "k"}))

    assert post(sink, {"id": 1}, message="m1") == 401
    assert post(sink, {"id": 1}, message="m1", X_Key="k".upper(), x_key="k") == 401
    assert [item.signature for item in sink.arrivals.newest] == [Verdict.NOT_CHECKED, Verdict.BAD]
    assert (counts(sink)["messages"], counts(sink)["bad_signatures"], counts(sink)["requests"]) == (0, 1, 2)


def test_bad_json_is_400_and_its_id_may_come_again() -> None:
    sink = receiver()

    assert post(sink, b"{", message="m1") == 400
    assert post(sink, {"id": 1}, message="m1") == 200
    assert (counts(sink)["bad_bodies"], counts(sink)["repeats"], counts(sink)["messages"]) == (1, 0, 1)


def test_forgetting_keeps_the_numbering() -> None:
    sink = receiver()
    post(sink, {"id": 1})
    sink.arrivals.forget()
    post(sink, {"id": 1})

    assert [item["seq"] for item in sink.arrivals.page(after=1, limit=9).items] == [2]
    assert counts(sink)["record_repeats"] == 0


def test_journal_has_a_line_for_every_effect_and_repeat(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", bodies=True)
    sink = receiver(journal=journal)
    post(sink, [{"id": "ü"}, {"x": 1}], message="m1")
    post(sink, b"{", message="m2")
    post(sink, [{"id": "other"}], message="m1")
    journal.close()
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]

    assert [(line["webhook_id"], line["repeat"], line["equal"]) for line in lines] == [
        ("m1", False, None),
        ("m1", True, False),
    ]
    assert lines[0]["records"] == ["ü", None]
    assert lines[0]["sha256"] == hashlib.sha256(lines[0]["body"].encode()).hexdigest()


def test_a_new_journal_goes_on_with_the_file(tmp_path: Path) -> None:
    for number in range(2):
        journal = Journal(tmp_path / "journal.jsonl")
        post(receiver(journal=journal), {"id": number}, message=f"m{number}")
        journal.close()
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()

    assert [json.loads(line)["records"] for line in lines] == [["0"], ["1"]]


def test_a_change_of_settings_replaces_what_it_names() -> None:
    hook = HookSettings(record_id=("key",))
    settings = ReceiverSettings(hooks={"a": hook, "b": hook}, keep=5)
    change = msgspec.json.decode(b'{"hooks":{"b":null,"c":{}},"keep":7}', type=Change)
    changed = change.applied(settings)

    assert (set(changed.hooks), changed.keep, changed.of("a").record_id) == ({"a", "c"}, 7, ("key",))
    assert changed.of("b") == HookSettings()


def test_wrong_settings_leave_the_old_ones() -> None:
    sink = receiver(hook=HookSettings(record_id=("key",)))
    with pytest.raises(ValueError, match=r".+"):
        sink.configure(ReceiverSettings(default=HookSettings(secrets=("whsec_*",))))
    post(sink, {"key": "x"})

    assert list(sink.arrivals.hooks["a"].records) == ["x"]
