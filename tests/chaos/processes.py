"""Child processes of a campaign: started, waited for, killed, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).resolve().parents[2]
OPEN_SECONDS: Final = 180.0
END_SECONDS: Final = 30.0


class CampaignFailure(Exception):  # noqa: N818 - says what happened
    """The campaign itself could not go on; says nothing about the product's promises."""


@dataclass(slots=True)
class Child:
    """A process in a session of its own, with whatever it started."""

    process: subprocess.Popen[bytes]
    log: Path

    def tree(self) -> list[psutil.Process]:
        """The process and its descendants that live now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        return []

    def end(self) -> None:
        """SIGTERM; SIGKILL for those of the tree that do not follow in time."""
        tree = self.tree()
        for one in tree:
            signal_one(one, signal.SIGCONT)
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)
        _, late = psutil.wait_procs([one for one in tree if one.pid != self.process.pid], timeout=5)
        for one in late:
            signal_one(one, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def signal_one(process: psutil.Process, number: int) -> bool:
    """Sends a signal; False if the process is gone."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True


def start(arguments: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> Child:
    """Starts this interpreter; of our own environment nothing that configures the product is inherited."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FORMLANE_") and name not in {"DATABASE_URL", "PORT"}
    }
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(process=process, log=log)


@contextmanager
def running(
    arguments: Sequence[str], *, log: Path, port: int, environment: Mapping[str, str]
) -> Iterator[Child]:
    """A child that listens on `port` while the block runs."""
    child = start(arguments, log=log, environment=environment)
    try:
        end = time.monotonic() + OPEN_SECONDS
        while not listens(port):
            if child.process.poll() is not None or time.monotonic() > end:
                words = log.read_text(errors="replace")[-3000:]
                raise CampaignFailure(f"Nothing listens on port {port}; {log} ends with:\n{words}")
            time.sleep(0.05)
        yield child
    finally:
        child.end()


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 0.5).close()
        return True
    return False


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
