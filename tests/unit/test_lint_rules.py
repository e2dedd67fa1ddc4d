"""Each rule of the house objects to a sample that breaks it, and lets the right form pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scripts.lint_rules import host_keys, sizes, skips, tied_words, vendor_names
from scripts.lint_rules.__main__ import RULES, read_sources
from scripts.lint_rules.finding import Rule, Source

ROOT = Path(__file__).parents[2]
CORE = "src/formlane/services/sample.py"

BREAKS: list[tuple[Rule, str, str]] = [
    (sizes.check, CORE, "x = 1\n" * 401),
    (sizes.check, "src/formlane/store/queries/sample.sql", "select 1;\n" * 401),
    (sizes.check, CORE, "def long() -> None:\n" + "    x = 1\n" * 60),
    (sizes.check, CORE, "async def long() -> None:\n" + "    x = 1\n" * 60),
    (host_keys.check, CORE, "asyncssh.connect('h', known_hosts=None)"),
    (host_keys.check, CORE, "asyncssh.connect('h', port=22)"),
    (host_keys.check, CORE, "options = {'known_hosts': None}"),
    (skips.check, "tests/unit/test_a.py", "pytest.skip('no browser')"),
    (skips.check, "tests/unit/test_a.py", "x = pytest.importorskip('x')"),
    (vendor_names.check, CORE, "if kind == 'salesforce': pass"),
    (vendor_names.check, CORE, "import formlane.destinations.sftp"),
    (vendor_names.check, CORE, "from formlane.destinations.webhook import connector"),
    (vendor_names.check, CORE, "class JiraThing: pass"),
    (vendor_names.check, CORE, "send(sftp_port=22)"),
    (vendor_names.check, "src/formlane/destinations/webhook/client.py", "SFTP_PORT = 22"),
    (vendor_names.check, "src/formlane/destinations/base.py", "table = {'servicenow': 1}"),
    (tied_words.check, "docs/page.md", "cd /" + "work/main"),
    (tied_words.check, "Makefile", "pip install --index-url" + " https:" + "//example.org/simple" + "/x"),
    (tied_words.check, "package-lock.json", '"resolved"' + ': "https://example.org/a"'),
]

PASSES: list[tuple[Rule, str, str]] = [
    (sizes.check, CORE, "x = 1\n" * 400),
    (sizes.check, "docs/page.md", "words\n" * 900),
    (sizes.check, CORE, 'def f() -> None:\n    """A\n' + "    word\n" * 60 + '    """\n    return None\n'),
    (host_keys.check, CORE, "asyncssh.connect('h', known_hosts=([key], [], []))"),
    (host_keys.check, CORE, "asyncssh.connect('h', **arguments)"),
    (skips.check, "tests/unit/test_a.py", "@pytest.mark.skipif(True, reason='x')\ndef f() -> None: ..."),
    (skips.check, "tests/components.py", "pytest.skip('x')"),
    (vendor_names.check, CORE, '"""Sends what Salesforce takes."""'),
    (vendor_names.check, CORE, "HEADER = 'webhook-id'  # vendor name: the header's name in the standard"),
    (vendor_names.check, "src/formlane/destinations/webhook/client.py", "class WebhookClient: pass"),
    (vendor_names.check, "src/formlane/destinations/catalogue.py", "KINDS = {'sftp': 1}"),
    (vendor_names.check, "src/formlane/cli/demo.py", "connection('webhook')"),
    (vendor_names.check, "src/formlane_sandbox/sftp/server.py", "name = 'sftp'"),
    (tied_words.check, "docs/page.md", "https://example.com/work/42 and framework/main"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BREAKS)
def test_a_sample_that_breaks_the_rule_is_found(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source.read(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), PASSES)
def test_the_right_form_passes(rule: Rule, path: str, text: str) -> None:
    assert [str(finding) for finding in rule(Source.read(path, text))] == []


def test_every_rule_file_is_run_and_has_a_breaking_sample() -> None:
    files = {path.stem for path in (ROOT / "scripts/lint_rules").glob("*.py")} - {
        "__init__",
        "__main__",
        "finding",
    }
    assert files == {rule.__module__.rpartition(".")[2] for rule in RULES.values()}
    assert {rule for rule, _, _ in BREAKS} == set(RULES.values())


def test_files_not_yet_tracked_are_read_and_ignored_ones_are_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("built/\n")
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    (tmp_path / "c.png").write_bytes(b"\x89PNG\xff")
    assert [str(source.path) for source in read_sources(tmp_path)] == [".gitignore", "b.py"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DTZ005", "import datetime as dt\n\nNOW = dt.datetime.now()\n"),
        ("DTZ003", "import datetime as dt\n\nNOW = dt.datetime.utcnow()\n"),
        ("DTZ011", "import datetime as dt\n\nTODAY = dt.date.today()\n"),
        ("PLC0415", 'def f() -> None:\n    """Imports late."""\n    import json\n\n    json.dumps(1)\n'),
        ("T201", 'print("x")\n'),
        ("BLE001", "try:\n    x = 1\nexcept Exception:\n    x = 2\n"),
        (
            "C901",
            "def f(a: int) -> int:\n    x = 0\n" + "    if a:\n        x += 1\n" * 11 + "    return x\n",
        ),
    ],
)
def test_the_linter_objects_to_what_the_house_leaves_to_it(code: str, text: str) -> None:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--stdin-filename",
        CORE,
        "--output-format",
        "concise",
        "-",
    ]
    answer = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=False)
    assert answer.returncode == 1
    assert f" {code} " in answer.stdout
