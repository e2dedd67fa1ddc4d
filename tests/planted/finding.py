"""Plants a bug in a copy of the tree and lets its finder look for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.planted.patches import Planted

ROOT = Path(__file__).parents[2]
COPIED = ("src", "tests", "pyproject.toml")
LONGEST = 600.0
"""Seconds that a finder may take."""


@contextmanager
def copy_of_tree() -> Iterator[Path]:
    """The product and its tests in a directory of their own."""
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        place = Path(name)
        for part in COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, place / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, place / part)
        yield place


def plant(bug: Planted, place: Path) -> None:
    """Applies the patch; raises CalledProcessError when the code has moved too far from it."""
    subprocess.run(
        ["git", "apply", "-C1", "--recount", "--whitespace=nowarn", str(bug.patch)],
        cwd=place,
        check=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(place.parent)},
    )


def look(finder: str, place: Path) -> tuple[bool, str]:
    """Runs a finder in a tree: whether it passed, and what it said."""
    kind, _, rest = finder.partition(" ")
    if kind == "simulation":
        command = [sys.executable, "-m", "tests.simulation", "--seeds", rest]
    else:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        command += rest.split()
    done = subprocess.run(
        command,
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(place / "src"), str(place)])},
    )
    return done.returncode == 0, done.stdout + done.stderr
