from __future__ import annotations

from tests.sshd import sshd, start_sshd

__all__ = ["sshd", "start_sshd"]
