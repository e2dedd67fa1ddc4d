"""A whole push against a server: order, verdicts, troubles on the way, repeats and resumes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from formlane.cli.client import ApiClient
from formlane.cli.faults import ServerRefused
from formlane.cli.pushing.files import Format, RecordFile
from formlane.cli.pushing.run import Plan, Summary, Watch, push_file, rejects_beside
from formlane.cli.pushing.sending import Patience
from formlane.errors import Conflict, InvalidInput, Unavailable
from tests.unit.cli.conftest import Intake, problem

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


class Waits(list[float]):
    async def sleep(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "answers.ndjson"
    path.write_bytes(b"".join(orjson.dumps({"n": n}) + b"\n" for n in range(10)))
    return path


def plan(path: Path, **changes: Any) -> Plan:
    chosen: dict[str, Any] = {"target": "/forms/form_1/batches", "batch": 4, **changes}
    return Plan(source=RecordFile(path=path, format=Format.NDJSON), **chosen)


async def push(client: ApiClient, chosen: Plan, waits: Waits, *, now: dt.datetime = NOW) -> Summary:
    patience = Patience(seconds=100, sleep=waits.sleep, jitter=lambda: 1.0)
    return await push_file(client, chosen, patience=patience, now=lambda: now)


def fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")


def numbers(intake: Intake) -> list[object]:
    return [record["n"] for record in intake.accepted]


def answer(status: int, **headers: str) -> Callable[[web.Request, bytes], web.StreamResponse]:
    return lambda _request, _body: problem(status, "trouble", "Trouble.", headers=headers)


def cut(request: web.Request, _body: bytes) -> None:
    """The answer is lost: the batch is accepted, and the connection breaks."""
    assert request.transport is not None
    request.transport.abort()


async def test_records_arrive_once_in_the_order_of_the_file(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    summary = await push(client, plan(file), waits)
    assert numbers(intake) == list(range(10))
    assert [key.rpartition("-")[2] for key in intake.keys] == ["4", "8", "10"]
    assert (summary.records, summary.accepted, summary.rejected, summary.repeated) == (10, 10, 0, 0)
    assert not beside(file, "push.json").exists()
    assert not beside(file, "rejected.ndjson").exists()


async def test_a_repeated_run_accepts_nothing_twice(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    await push(client, plan(file), waits)
    again = await push(client, plan(file), waits)
    assert numbers(intake) == list(range(10))
    assert (again.accepted, again.repeated) == (10, 10)


async def test_rejected_records_are_written_beside_the_file(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    fill(file, b'{"n":0}\n{"bad":1}\n{"n":2,"odd":1}\nnonsense\n{"bad":2}\n{"bad":3}\n')
    summary = await push(client, plan(file), waits)
    entries = [orjson.loads(line) for line in rejects_beside(plan(file)).read_bytes().splitlines()]
    assert [(one["row"], one["line"], one["record"]) for one in entries] == [
        (2, 2, {"bad": 1}),
        (4, 4, "nonsense"),
        (5, 5, {"bad": 2}),
        (6, 6, {"bad": 3}),
    ]
    assert [one["problems"][0]["code"] for one in entries] == [
        "invalid",
        "malformed_json",
        "invalid",
        "invalid",
    ]
    assert [one["problems"][0]["pointer"] for one in entries] == ["/bad", "", "/bad", "/bad"]
    assert numbers(intake) == [0, 2]
    assert (summary.accepted, summary.rejected) == (2, 4)
    assert summary.warnings == {"The field odd is not expected here; it is kept, and not delivered."}
    assert rejects_beside(plan(file)).stat().st_mode & 0o077 == 0


async def test_a_record_that_spoils_its_batch_is_found_and_the_others_arrive_in_order(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    fill(file, b'{"n":0}\n{"n":1}\n{"n":2,"x":"poison"}\n{"n":3}\n')
    summary = await push(client, plan(file), waits)
    assert numbers(intake) == [0, 1, 3]
    assert summary.rejected == 1
    assert len(set(intake.keys)) == len(intake.keys)
    entry = orjson.loads(rejects_beside(plan(file)).read_bytes())
    assert (entry["row"], entry["problems"][0]["code"]) == (3, "number_out_of_range")


async def test_trouble_that_passes_is_waited_for_as_the_server_asks(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    past = "Sun, 06 Nov 1994 08:49:37 GMT"
    intake.troubles = [answer(429, **{"retry-after": "7"}), answer(503, **{"retry-after": past}), answer(502)]
    await push(client, plan(file), waits)
    assert numbers(intake) == list(range(10))
    assert waits[:2] == [7.0, 0.0]
    assert waits[2] == 2.0
    assert intake.keys[0] == intake.keys[3]


async def test_after_a_lost_answer_the_same_request_is_sent_again(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    intake.troubles = [cut]
    await push(client, plan(file), waits)
    assert numbers(intake) == list(range(10))
    assert intake.keys[0] == intake.keys[1]
    assert intake.bodies[0] == intake.bodies[1]


async def test_patience_ends_and_the_push_can_be_resumed(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    intake.troubles = [lambda _r, _b: None, answer(503, **{"retry-after": "101"})]
    with pytest.raises(ServerRefused, match="Trouble"):
        await push(client, plan(file), waits)
    assert numbers(intake) == [0, 1, 2, 3]
    assert beside(file, "push.json").stat().st_mode & 0o077 == 0
    resumed = await push(client, plan(file, resume=True), waits)
    assert numbers(intake) == list(range(10))
    assert (resumed.skipped, resumed.accepted, resumed.records) == (4, 10, 10)
    assert len(intake.keys) == 4
    assert not beside(file, "push.json").exists()


async def test_a_resumed_push_goes_on_with_the_rejects_where_they_were(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    fill(file, b'{"bad":0}\n{"n":1}\n{"bad":2}\n{"n":3}\n')
    intake.troubles = [lambda _r, _b: None, answer(403)]
    with pytest.raises(ServerRefused):
        await push(client, plan(file, batch=2), waits)
    rejects = rejects_beside(plan(file))
    rejects.write_bytes(rejects.read_bytes() + b"half a line of a batch that was not")
    summary = await push(client, plan(file, batch=2, resume=True), waits)
    assert [orjson.loads(line)["row"] for line in rejects.read_bytes().splitlines()] == [1, 3]
    assert (summary.accepted, summary.rejected) == (2, 2)


@pytest.mark.parametrize("status", [401, 403, 404, 409])
async def test_a_refusal_of_everything_ends_the_push_at_once(
    client: ApiClient, intake: Intake, file: Path, waits: Waits, status: int
) -> None:
    intake.troubles = [answer(status)]
    with pytest.raises(ServerRefused):
        await push(client, plan(file), waits)
    assert not waits
    assert len(intake.keys) == 1
    assert not intake.accepted


async def test_nothing_is_sent_from_a_file_that_cannot_be_read_to_its_end(
    client: ApiClient, intake: Intake, tmp_path: Path, waits: Waits
) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(b"n\n" + b"1\n" * 50 + b'"never closed')
    chosen = Plan(source=RecordFile(path=path, format=Format.CSV), target="/flows/flow_1/batches", batch=4)
    with pytest.raises(InvalidInput, match="broken as CSV"):
        await push(client, chosen, waits)
    assert not intake.keys


async def test_an_empty_file_is_refused(client: ApiClient, file: Path, waits: Waits) -> None:
    fill(file, b"\n\n")
    with pytest.raises(InvalidInput, match="no records"):
        await push(client, plan(file), waits)


async def test_a_file_that_changes_meanwhile_stops_the_push(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    def change(_request: web.Request, _body: bytes) -> None:
        file.write_bytes(file.read_bytes() + b'{"n":10}\n')

    intake.troubles = [change]
    with pytest.raises(Conflict, match="was changed"):
        await push(client, plan(file), waits)
    assert numbers(intake) == [0, 1, 2, 3]


async def test_requests_at_the_same_time_are_answered_for_in_order(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    seen: list[int] = []
    watch = Watch(moved=lambda summary: seen.append(summary.records))
    await push_file(client, plan(file, batch=1, parallel=4), watch=watch, now=lambda: NOW)
    assert sorted(map(str, numbers(intake))) == sorted(map(str, range(10)))
    assert seen == list(range(1, 11))


async def test_an_answer_that_is_no_receipt_is_not_taken_for_one(
    client: ApiClient, intake: Intake, file: Path, waits: Waits
) -> None:
    intake.troubles = [lambda _r, _b: web.Response(text="<html>", status=200)]
    with pytest.raises(Unavailable, match="not JSON"):
        await push_file(client, plan(file), patience=Patience(seconds=0), now=lambda: NOW)


class TestWhatWasLeftByAnInterruptedRun:
    @pytest.fixture(autouse=True)
    async def interrupted(self, client: ApiClient, intake: Intake, file: Path, waits: Waits) -> None:
        intake.troubles = [lambda _r, _b: None, answer(503, **{"retry-after": "101"})]
        with pytest.raises(ServerRefused):
            await push(client, plan(file), waits)

    async def test_is_repeated_under_the_same_keys_within_a_day(
        self, client: ApiClient, intake: Intake, file: Path, waits: Waits
    ) -> None:
        summary = await push(client, plan(file), waits, now=NOW + dt.timedelta(hours=22))
        assert numbers(intake) == list(range(10))
        assert summary.repeated == 4

    async def test_is_not_repeated_when_the_server_may_have_forgotten_it(
        self, client: ApiClient, intake: Intake, file: Path, waits: Waits
    ) -> None:
        with pytest.raises(Conflict, match="--resume"):
            await push(client, plan(file), waits, now=NOW + dt.timedelta(hours=24))
        assert numbers(intake) == [0, 1, 2, 3]

    async def test_is_not_resumed_when_a_batch_under_way_is_in_doubt(
        self, client: ApiClient, intake: Intake, file: Path, waits: Waits
    ) -> None:
        with pytest.raises(Conflict, match="Records 5 to 8"):
            await push(client, plan(file, resume=True), waits, now=NOW + dt.timedelta(hours=24))
        assert numbers(intake) == [0, 1, 2, 3]

    async def test_is_not_cut_anew(self, client: ApiClient, file: Path, waits: Waits) -> None:
        with pytest.raises(Conflict, match="--batch 4"):
            await push(client, plan(file, batch=5), waits)

    async def test_does_not_concern_another_form(
        self, client: ApiClient, intake: Intake, file: Path, waits: Waits
    ) -> None:
        await push(client, plan(file, target="/forms/form_2/batches", batch=5), waits)
        assert numbers(intake) == [*range(4), *range(10)]

    async def test_cannot_be_resumed_if_the_file_changed(
        self, client: ApiClient, file: Path, waits: Waits
    ) -> None:
        fill(file, b'{"n":1}\n')
        with pytest.raises(Conflict, match="nothing to resume"):
            await push(client, plan(file, resume=True), waits)

    async def test_that_cannot_be_read_is_not_ignored(
        self, client: ApiClient, file: Path, waits: Waits
    ) -> None:
        beside(file, "push.json").write_bytes(b"{")
        with pytest.raises(Conflict, match="cannot be read"):
            await push(client, plan(file), waits)
