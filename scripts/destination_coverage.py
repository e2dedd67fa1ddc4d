"""Runs the tests of the destinations and fails unless every branch of them was taken.

    python -m scripts.destination_coverage

Only the tests written for destinations count: what the rest of the product happens to reach proves little.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = "src/formlane/destinations"
TESTS: Final = ("tests/contract/destinations", "tests/unit/destinations*")
FLOOR: Final = 100


def main() -> int:
    """The exit status: of the tests if they fail, else of the comparison with the floor."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "coverage")}
        run = ("coverage", "run", "--branch", f"--source={SOURCE}", "-m", "pytest", "-q", *_tests())
        tested = _python(environment, "-m", *run)
        report = ("coverage", "report", "--skip-covered", "--show-missing", f"--fail-under={FLOOR}")
        return tested or _python(environment, "-m", *report)


def _tests() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for pattern in TESTS for path in ROOT.glob(pattern))


def _python(environment: dict[str, str], *arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - our own words


if __name__ == "__main__":
    sys.exit(main())
