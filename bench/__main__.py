"""`python -m bench`: measures, prints a table and writes `bench/latest.json`. `make bench` runs it."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench.figure import LATEST, Figure, table, write
from bench.figures import FIGURES
from bench.options import Options


def main() -> int:
    """0 when every target is met."""
    given = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="formlane-bench-"))
    folder.chmod(0o711)  # the database runs under an account of its own
    options = Options(
        folder=folder,
        quick=given.quick,
        rounds=given.rounds or (2 if given.quick else 5),
        check_bare=given.check_bare,
    )
    try:
        figures = uvloop.run(_measure(given.only or list(FIGURES), options))
    except BaseException:
        sys.stderr.write(f"What the processes said is in {folder}.\n")
        raise
    shutil.rmtree(folder)
    sys.stdout.write(table(figures) + "\n")
    write(figures)
    sys.stdout.write(
        f"\nKept in {LATEST.relative_to(Path.cwd()) if LATEST.is_relative_to(Path.cwd()) else LATEST}\n"
    )
    return 1 if any(one.holds is False for one in figures) else 0


async def _measure(names: list[str], options: Options) -> list[Figure]:
    figures = []
    for name in names:
        began = time.monotonic()
        figures += await FIGURES[name](options)
        write(figures)
        sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small runs and two rounds: is it about right?")
    parser.add_argument("--only", action="append", choices=list(FIGURES), help="one figure; may be repeated")
    parser.add_argument("--rounds", type=int, help="interleaved rounds; 5 unless --quick")
    parser.add_argument(
        "--check-bare",
        type=Path,
        metavar="FOLDER",
        help="also run the bare loop of this folder (bare_peer.py) and compare ours with it",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
