"""Runs every attack in this process with little memory; prints one JSON object per attack.

Started by `test_attacks.py`, so that what would exhaust or crash an interpreter takes no test with it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from formlane.domain.types import Value
from formlane.formulas import FormulaError, FormulaFault, compile_formula
from tests.unit.formulas.attacks import ATTACKS
from tests.unit.formulas.evaluating import CONTEXT, INPUTS

ROOM = 64 * 2**20
CPU_SECONDS = 60


def main() -> None:
    """Leaves `ROOM` bytes of address space beyond what the interpreter holds, then attacks."""
    compile_formula("1", inputs={})
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    for name, source, values in ATTACKS:
        started = time.process_time()
        outcome, detail = attack(source, values)
        spent = time.process_time() - started
        line = {"name": name, "outcome": outcome, "detail": detail, "milliseconds": round(spent * 1000, 1)}
        sys.stdout.write(json.dumps(line) + "\n")


def attack(source: str, values: dict[str, Value]) -> tuple[str, str]:
    """What came of it, and what is known about the result."""
    try:
        result = compile_formula(source, inputs=INPUTS)(values, CONTEXT)
    except FormulaError as error:
        return "error", error.problems[0].message
    except FormulaFault as fault:
        return "fault", fault.message
    return "result", f"{type(result).__name__} {len(str(result))}"


if __name__ == "__main__":
    main()
