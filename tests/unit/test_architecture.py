"""The import contracts hold, and each of them objects when it is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
DESTINATIONS = ROOT / "src/formlane/destinations"
COMMAND = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(tree: Path) -> tuple[int, str]:
    """Runs all contracts over the packages in `tree`/src."""
    answer = subprocess.run(
        [sys.executable, "-c", COMMAND, "--no-cache", "--no-logo", str(ROOT / "pyproject.toml")],
        env={"PYTHONPATH": str(tree / "src"), "NO_COLOR": "1", "PATH": ""},
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.returncode, answer.stdout + answer.stderr


def kinds() -> set[str]:
    return {path.parent.name for path in DESTINATIONS.glob("*/connector.py")}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_tree_keeps_every_contract() -> None:
    code, output = lint(ROOT)
    assert code == 0, output
    assert "0 broken" in output


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("formlane/domain/planted.py", "import formlane.services", "Layers of the product"),
        ("formlane/services/planted.py", "import formlane.store", "Layers of the product"),
        ("formlane/store/planted.py", "import formlane.vault", "Layers of the product"),
        ("formlane/worker/planted.py", "import formlane.api", "Layers of the product"),
        ("formlane/unplaced/__init__.py", "x = 1", "Layers of the product"),
        ("formlane/api/planted.py", "import formlane.store", "Only bootstrap knows"),
        ("formlane/cli/planted.py", "import formlane.vault", "Only bootstrap knows"),
        (
            "formlane/destinations/sftp/planted.py",
            "import formlane.destinations.webhook",
            "Kinds of destination",
        ),
        ("formlane/destinations/base.py", "import formlane.destinations.webhook", "Kinds of destination"),
        ("formlane/cli/planted.py", "import formlane_sandbox", "Sandbox and product"),
        ("formlane_sandbox/planted.py", "import formlane.errors", "Sandbox and product"),
        ("formlane/domain/planted.py", "import pydantic", "The domain needs nothing"),
    ],
)
def test_a_planted_import_breaks_its_contract(copy: Path, module: str, line: str, contract: str) -> None:
    for name in ("sftp", "webhook"):
        package = copy / "src/formlane/destinations" / name
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
    path = copy / "src" / module
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(f"\n{line}\n")
    code, output = lint(copy)
    assert code == 1, output
    broken = [row for row in output.splitlines() if row.endswith("BROKEN")]
    assert any(row.startswith(contract) for row in broken), output


def test_only_the_catalogue_imports_a_kind() -> None:
    graph = grimp.build_graph("formlane", cache_dir=None)
    importers = {
        importer
        for kind in kinds()
        for importer in graph.find_modules_that_directly_import(
            f"formlane.destinations.{kind}", as_package=True
        )
        if not importer.startswith(f"formlane.destinations.{kind}")
    }
    assert importers <= {"formlane.destinations.catalogue"}


def test_every_kind_is_named_in_the_contract_of_the_destinations() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "destinations")
    assert {f"({kind})" for kind in kinds()} <= set(" | ".join(layers).split(" | "))


def test_the_domain_imports_the_standard_library_and_itself_only() -> None:
    graph = grimp.build_graph("formlane", include_external_packages=True, cache_dir=None)
    inner = {"formlane.domain", "formlane.errors", *graph.find_descendants("formlane.domain")}
    imported = {name for module in inner for name in graph.find_modules_directly_imported_by(module)}
    assert {name for name in imported - inner if name not in sys.stdlib_module_names} == set()
