"""The pure parts by themselves, on one core: mapping, formulas, checks at intake, sealing."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from uuid import UUID

from bench.figure import Figure, told
from bench.job import flow_definition, mapped_by_hand, record
from bench.options import Options
from formlane.domain.ids import TenantId, new_id
from formlane.domain.sealing import SealKind
from formlane.domain.types import FieldType
from formlane.formulas import FormulaContext, compile_formula
from formlane.mapping.compiler import compile_flow
from formlane.mapping.intake import compile_validator
from formlane.mapping.lines import Acceptance
from formlane.services.blobs import pack_records, unpack_records
from formlane.vault.envelope import BoundKey

RECORDS = 2_000
FORMULA = 'PROPER(TRIM(first_name) & " " & TRIM(last_name))'
NAMES = {"first_name": "  maria ", "last_name": "garcia smith "}


async def measure(options: Options) -> list[Figure]:
    """Rates of ours and of what a programmer would have written by hand."""
    records = [record(number) for number in range(RECORDS)]
    fastest = {
        name: [_per_second(act, count) for _ in range(options.rounds)]
        for name, (act, count) in {
            "mapper": (_mapper(records), RECORDS),
            "mapper.by_hand": (lambda: [mapped_by_hand(one) for one in records], RECORDS),
            "validator": (_validator(records), RECORDS),
            "formula": (_formula(), RECORDS),
            "formula.by_hand": (_formula_by_hand, RECORDS),
        }.items()
    }
    figures = [told(f"micro.{name}", values, "per second") for name, values in fastest.items()]
    return [*figures, *_sealing(records, options.rounds)]


def _mapper(records: list[dict[str, object]]) -> Callable[[], object]:
    step = compile_flow(flow_definition(), 1).steps[0]
    acceptance = Acceptance(
        batch_id="bat_0", accepted_at=dt.datetime.now(dt.UTC), source="flow_0", source_name="Job"
    )
    made = step.map(records[0], acceptance, 0, "")
    assert made == mapped_by_hand(records[0]), made
    return lambda: [step.map(one, acceptance, row, "") for row, one in enumerate(records)]


def _validator(records: list[dict[str, object]]) -> Callable[[], object]:
    is_clean = compile_validator(flow_definition()).is_clean
    assert all(map(is_clean, records))
    return lambda: list(map(is_clean, records))


def _formula() -> Callable[[], object]:
    formula = compile_formula(
        FORMULA, inputs=dict.fromkeys(NAMES, FieldType.STRING), expected=FieldType.STRING
    )
    context = FormulaContext(accepted_at=dt.datetime.now(dt.UTC))
    compute = formula.function
    assert compute(NAMES, context) == "Maria Garcia Smith"
    return lambda: [compute(NAMES, context) for _ in range(RECORDS)]


def _formula_by_hand() -> object:
    return [f"{NAMES['first_name'].strip()} {NAMES['last_name'].strip()}".title() for _ in range(RECORDS)]


def _sealing(records: list[dict[str, object]], rounds: int) -> list[Figure]:
    """Microseconds for a batch of 100: packed and sealed, opened and unpacked; and sealing alone."""
    batch = records[:100]
    key = BoundKey(bytes(32), id_=UUID(int=1), environment="bench", tenant=TenantId(UUID(int=2)))
    id_ = new_id(0)
    packed = pack_records(batch)  # type: ignore[arg-type]  # JSON, though typed wider
    sealed = key.seal(SealKind.PAYLOAD, id_, packed)
    acts: dict[str, Callable[[], object]] = {
        "seal_100": lambda: key.seal(SealKind.PAYLOAD, id_, pack_records(batch)),  # type: ignore[arg-type]
        "open_100": lambda: unpack_records(key.open(SealKind.PAYLOAD, id_, sealed)),
        "seal": lambda: key.seal(SealKind.PAYLOAD, id_, b"a small text of some forty characters ..."),
    }
    return [
        told(f"micro.{name}", [1e6 / _per_second(_times(act, 200), 200) for _ in range(rounds)], "µs")
        for name, act in acts.items()
    ]


def _times(act: Callable[[], object], times: int) -> Callable[[], object]:
    return lambda: [act() for _ in range(times)]


def _per_second(act: Callable[[], object], count: int) -> float:
    """The best of five in a row: what disturbs only makes slower."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        act()
        best = min(best, time.perf_counter() - began)
    return count / best
