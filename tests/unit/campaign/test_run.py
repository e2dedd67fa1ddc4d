"""The runner fails loudly: for a missing module, a bad exit code, and a campaign that takes too long."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import pytest

from tests.campaign.report import report
from tests.campaign.run import Runner
from tests.campaign.table import CAMPAIGNS, Entry, Size


def entry(name: str = "one", *, alone: bool = False) -> Entry:
    size = Size(command="timeit -n 1 -r 1 pass", limit=60)
    return Entry(name=name, proves="something", short=size, long=size, alone=alone)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "logs").mkdir()
    return Runner(tmp_path / "logs", lambda _line: None)


def fault_of(runner: Runner, command: str, *, limit: int = 60) -> str | None:
    return runner.run(entry(), Size(command=command, limit=limit)).fault


def test_a_campaign_that_ends_well_passes(runner: Runner) -> None:
    assert fault_of(runner, "timeit -n 1 -r 1 pass") is None


def test_a_module_that_is_missing_is_a_failure(runner: Runner) -> None:
    assert fault_of(runner, "tests.no_such_campaign") == "there is no module tests.no_such_campaign"
    assert fault_of(runner, "no_such_package.at_all") == "there is no module no_such_package.at_all"


def test_a_package_that_cannot_be_run_is_a_failure(runner: Runner) -> None:
    assert fault_of(runner, "tests.unit.campaign") == "there is no module tests.unit.campaign"


def test_a_bad_exit_code_is_a_failure(runner: Runner) -> None:
    assert fault_of(runner, "timeit raise") == "exit code 1"


def test_a_campaign_that_takes_too_long_is_ended_and_a_failure(runner: Runner) -> None:
    assert fault_of(runner, "http.server 0 --bind 127.0.0.1", limit=1) == "not done after 1 s"


def test_results_keep_the_order_of_the_table(runner: Runner) -> None:
    chosen = [entry("beside"), entry("alone", alone=True), entry("last")]
    results = runner.run_all([(one, one.short) for one in chosen], beside=2)
    assert [result.entry.name for result in results] == ["beside", "alone", "last"]


def test_the_report_names_machine_result_and_last_words(runner: Runner) -> None:
    results = [runner.run(entry(), Size(command="timeit -n 1 -r 1 pass", limit=60))]
    results.append(runner.run(entry("two"), Size(command="tests.no_such_campaign", limit=60)))
    page = report(results, size="short", began=dt.datetime.now(dt.UTC), seconds=1.0)
    assert "FAILED: 1 of 2 campaigns" in page
    assert "Python 3." in page
    assert "1 loop, best of 1" in page
    assert "**there is no module tests.no_such_campaign**" in page


def test_every_campaign_of_the_table_is_there() -> None:
    for campaign in CAMPAIGNS:
        for size in (campaign.short, campaign.long):
            assert importlib.util.find_spec(size.command.split()[0]) is not None, size.command
