"""The command line as a whole: its table, its exit codes, what it says when called wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from formlane.cli.main import COMMANDS, command_line, main
from formlane.cli.reference import cli_reference
from tests.unit.cli.conftest import free_port

PAGE = Path(__file__).parents[3] / "docs/reference/cli.md"


def code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMLANE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("FORMLANE_API_KEY", "fl_test_k")
    monkeypatch.setenv("TERM", "dumb")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_of_the_table_is_in_its_module(name: str) -> None:
    found = typer.main.get_command(command_line([name]))
    assert list(found.commands) == [name]  # type: ignore[attr-defined]


def test_the_reference_page_is_current() -> None:
    assert PAGE.read_text() == cli_reference(), "run python -m formlane.cli.reference"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name != "sandbox":  # its arguments are the sandbox's own
        assert code_of(name, "--help") == 0
        assert "Usage: formlane" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("push",),
        ("push", "a.csv"),
        ("push", "a.csv", "--form", "f", "--flow", "g"),
        ("push", "a.csv", "--form", "f", "--batch", "0"),
        ("push", "a.csv", "--form", "f", "--delimiter", "ab"),
        ("form", "list", "--nonsense"),
        ("ledger", "--recount"),
        ("replay", "create", "--flow", "f"),
        ("key", "create", "--tenant", "t", "--name", "n", "--scope", "everything"),
    ],
)
def test_called_wrongly_it_ends_with_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("form", "list"), "cannot be reached"),
        (("form", "list", "--key", " "), "An API key is needed"),
        (("form", "list", "--url", "nowhere"), "is no address"),
        (("form", "create", "/nowhere.json"), "cannot be read: No such file"),
        (("push", "/nowhere.csv", "--form", "f"), "cannot be read: No such file"),
        (("push", "/nowhere.txt", "--form", "f"), "--format"),
        (("route", "create", "--form", "f", "--flow", "g", "--bind", "x"), "is not INPUT=FIELD"),
    ],
)
def test_what_does_not_work_is_a_line_and_1(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(*arguments) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "is not JSON"), ("[1]", "must hold a JSON object"), ("{}", "The flow's connection is missing")],
)
def test_documents_that_are_none(
    content: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "flow.json"
    path.write_text(content)
    assert code_of("flow", "create", str(path), "--name", "x") == 1
    assert said in capsys.readouterr().err


def test_config_shows_settings_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hidden@db.example.org/x?sslmode=verify-full")
    assert code_of("config", "--json") == 0
    printed = capsys.readouterr().out
    assert "hidden" not in printed
    assert '"DATABASE_URL": "***"' in printed


def test_a_setting_that_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "many")
    assert code_of("config") == 1
    assert "PORT" in capsys.readouterr().err


def test_the_demo_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORMLANE_ENVIRONMENT", "production")
    monkeypatch.setenv("FORMLANE_PUBLIC_URL", "https://forms.example.org")
    assert code_of("serve", "--demo") == 1
    assert "production refuses" in capsys.readouterr().err


@pytest.mark.parametrize("ports", ["1,2", "1,2,x", "0,1,2", "1,2,99999"])
def test_ports_of_the_demo_that_are_none(ports: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("serve", "--demo", "--demo-ports", ports) == 1
    assert "three numbers" in capsys.readouterr().err
