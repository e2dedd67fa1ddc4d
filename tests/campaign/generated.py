"""Property tests again and again, each round with another seed: `python -m tests.campaign.generated`."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from typing import Final

from tests.chaos.processes import ROOT

SUITES: Final = (
    "tests/unit/formulas/test_generated_trees.py",
    "tests/unit/formulas/test_spreadsheet_agreement.py",
    "tests/unit/mapping/test_compiled_agrees_with_trace.py",
    "tests/unit/mapping/test_intake.py",
    "tests/unit/mapping/test_codec.py",
    "tests/unit/mapping/test_keys.py",
    "tests/unit/destinations_sftp/test_csv_format.py",
    "tests/unit/destinations_sftp/test_json_format.py",
    "tests/unit/destinations_sftp/test_names.py",
    "tests/unit/destinations/test_webhook_body.py",
    "tests/unit/destinations/test_retry_after.py",
    "tests/unit/api/test_decoding.py",
    "tests/unit/domain/test_values.py",
)


def main() -> int:
    """The exit code: 1 with the first round that fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.generated", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, help="of the first round; the next have the next")
    given = parser.parse_args()
    first = given.first_seed
    if first is None:
        first = random.SystemRandom().randrange(10**6)
    for seed in range(first, first + given.rounds):
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", f"--hypothesis-seed={seed}", *SUITES],
            cwd=ROOT,
            check=False,
        ).returncode
        if code:
            sys.stdout.write(f"seed {seed} failed\n")
            return 1
    sys.stdout.write(f"{given.rounds} rounds of {len(SUITES)} suites passed, seeds from {first}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
