"""`python -m formlane_sandbox`."""

from __future__ import annotations

from formlane_sandbox.cli import main

main()
