"""The tests of this folder with more records: `python -m tests.e2e.destinations delivery --records 10000`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from typing import Final

from tests.chaos.processes import ROOT

FOLDER: Final = "tests/e2e/destinations"
SUITES: Final = ("delivery", "lost_answers", "updates", "related")


def main() -> int:
    """The exit code of the test run; figures are among what it writes."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.destinations", description=__doc__)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--records", type=int, default=10_000, help="per destination")
    given = parser.parse_args()
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", f"{FOLDER}/test_{given.suite}.py"],
        cwd=ROOT,
        env={**os.environ, "FORMLANE_DESTINATION_RECORDS": str(given.records)},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
