"""Environments of other people's clients, each from its own hash-locked file: their pins clash with ours.

`requirements/clients/<name>.in` lists the packages, `<name>.lock` pins them. A program of
`tests/clients/programs` is run by an environment's interpreter, never imported here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.components import missing

_ROOT: Final = Path(__file__).parents[2]
_PROGRAMS: Final = Path(__file__).parent / "programs"
_BUILD_SECONDS: Final = 300


def interpreter(name: str) -> Path:
    """The interpreter of `requirements/clients/<name>.lock`, installed on first use below `.clients/`.

    Skips the test where no package index can be reached.
    """
    lock = _ROOT / "requirements" / "clients" / f"{name}.lock"
    place = _ROOT / ".clients" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = place / "bin" / "python"
    place.parent.mkdir(exist_ok=True)
    with (place.parent / f"{name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        done = place / ".done"
        if not done.exists():
            _install(place, python, lock)
            done.touch()
    return python


def run(name: str, program: str, arguments: Sequence[str], *, seconds: float = 120) -> str:
    """Runs `programs/<program>.py` there; its standard output. Fails with its error output."""
    python = interpreter(name)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-I", _PROGRAMS / f"{program}.py", *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, f"{program} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _install(place: Path, python: Path, lock: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    commands: tuple[list[str | Path], ...] = (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, place],
        [uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", lock],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)
        if done.returncode != 0:
            missing(f"the packages of {lock.name}", done.stderr.strip().splitlines()[-1])
