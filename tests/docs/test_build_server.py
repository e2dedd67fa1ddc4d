"""A test that is lost for a missing component does not pass unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts import ci_result

from tests.components import REQUIRE_COMPONENTS, missing

CASE = '<testcase classname="tests.a" name="test_{name}">{inside}</testcase>'


def report(tmp_path: Path, *cases: str) -> Path:
    path = tmp_path / "junit.xml"
    path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return path


def case(name: str, inside: str = "") -> str:
    return CASE.format(name=name, inside=inside)


def test_missing_skips_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRE_COMPONENTS, raising=False)
    with pytest.raises(pytest.skip.Exception) as skipped:
        missing("sshd", "apt-get install openssh-server")
    monkeypatch.setenv(REQUIRE_COMPONENTS, "1")
    with pytest.raises(pytest.fail.Exception) as failed:
        missing("sshd", "apt-get install openssh-server")
    assert (
        str(skipped.value) == str(failed.value) == "missing component: sshd (apt-get install openssh-server)"
    )


def test_a_skip_for_a_missing_component_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip = '<skipped message="missing component: chromium (apt-get install chromium)"/>'
    assert ci_result.main(report(tmp_path, case("one"), case("two", skip))) == 1
    assert capsys.readouterr().out.splitlines() == [
        "lost: tests.a::test_two: missing component: chromium (apt-get install chromium)",
        "1 passed, 0 failed, 1 skipped",
    ]


def test_other_skips_pass_and_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        ci_result.main(report(tmp_path, case("one"), case("two", '<skipped message="Windows only"/>'))) == 0
    )
    assert capsys.readouterr().out == "1 passed, 0 failed, 1 skipped\n"


@pytest.mark.parametrize("inside", ['<failure message="no"/>', '<error message="no"/>'])
def test_failures_and_errors_fail_the_run(tmp_path: Path, inside: str) -> None:
    assert ci_result.main(report(tmp_path, case("one"), case("two", inside))) == 1


def test_a_run_without_tests_fails(tmp_path: Path) -> None:
    assert ci_result.main(report(tmp_path)) == 1
