"""The marks of each level of a kind of destination: which tests, and which conditions, a level stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from formlane.destinations.base import Destination, Level, Resend
from formlane_sandbox.catalogue import CATALOGUE as SIMULATORS
from tests.contract.destinations.suite import (
    test_awkward,
    test_cancellation,
    test_declaration,
    test_describing,
    test_lost_answers,
    test_outcomes,
    test_secrecy,
    test_tokens,
    test_trouble,
)

ROOT: Final = Path(__file__).parents[4]
Test = Callable[..., object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing that a level asks for: tests that have to be run for the kind, and a condition on it."""

    name: str
    tests: tuple[Test, ...] = ()
    holds: Callable[[Destination], bool] = lambda _kind: True


def _page(kind: Destination) -> str:
    path = ROOT / "docs/destinations" / f"{kind.kind}.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _has_codes(kind: Destination) -> bool:
    return any(re.search(r"Verdict\.|rejected\(", path.read_text("utf-8")) for path in _sources(kind))


def _sources(kind: Destination) -> list[Path]:
    return list((ROOT / "src/formlane/destinations" / kind.kind).glob("errors.py"))


def _figures(kind: Destination) -> bool:
    return f'"{kind.kind}"' in (ROOT / "bench/vendors.py").read_text(encoding="utf-8")


def _no_insert_blind(kind: Destination) -> bool:
    """Each operation can be repeated, looked up, or is left to a person, and says so."""
    return all(spec.resend in Resend and (spec.quiet or spec.resend) for spec in kind.operations)


MARKS: Final[Mapping[Level, tuple[Mark, ...]]] = {
    Level.WORKS: (
        Mark(
            name="settings are declared",
            tests=(test_declaration.test_settings_are_declared,),
            holds=lambda kind: bool(kind.settings),
        ),
        Mark(
            name="checked before saving",
            tests=(
                test_describing.test_a_check_passes_and_leaves_nothing_behind,
                test_tokens.test_revoked_credentials_block_the_connection_until_they_are_entered_anew,
            ),
        ),
        Mark(
            name="every outcome",
            tests=(
                test_outcomes.test_records_are_delivered_and_their_identities_told,
                test_outcomes.test_a_refused_record_says_why_in_plain_words,
                test_outcomes.test_each_operation_that_is_offered,
                test_trouble.test_a_call_that_meets_trouble,
            ),
        ),
        Mark(
            name="awkward records",
            tests=(
                test_awkward.test_texts_arrive_as_they_were_sent,
                test_awkward.test_texts_at_the_edge_arrive_or_are_refused,
                test_awkward.test_numbers_arrive_exactly_or_are_refused,
                test_awkward.test_empty_values_are_empty,
            ),
        ),
        Mark(name="cancellation", tests=(test_cancellation.test_a_cancelled_call_closes_its_connection,)),
        Mark(name="table of errors", holds=_has_codes),
        Mark(
            name="secrets masked",
            tests=(
                test_secrecy.test_an_answer_that_repeats_our_secrets_is_blacked_out,
                test_secrecy.test_what_goes_well_holds_no_secret_either,
            ),
        ),
        Mark(
            name="a page",
            tests=(test_declaration.test_the_page_names_everything,),
            holds=lambda kind: "## Limits" in _page(kind) or "imits" in _page(kind),
        ),
        Mark(name="a simulator", holds=lambda kind: kind.kind in {one.name for one in SIMULATORS}),
    ),
    Level.DEPENDABLE: (
        Mark(
            name="limits of the vendor are respected",
            tests=(test_trouble.test_the_same_call_afterwards_is_delivered_once,),
            holds=lambda kind: kind.limits.rate > 0 and kind.limits.concurrency > 0,
        ),
        Mark(name="one renewal of a token", tests=(test_tokens.test_calls_at_once_share_one_token,)),
        Mark(
            name="nothing twice",
            tests=(test_lost_answers.test_an_operation_that_may_be_repeated_is_repeated,),
            holds=_no_insert_blind,
        ),
        Mark(
            name="a batch with mixed results",
            tests=(test_outcomes.test_each_outcome_of_a_mixed_batch_stands_beside_its_record,),
        ),
        Mark(
            name="credentials renewed in place",
            tests=(test_tokens.test_an_expired_token_costs_one_renewal_and_the_call_is_made_once,),
        ),
    ),
    Level.EXCELLENT: (
        Mark(
            name="described for the mapping page",
            tests=(
                test_describing.test_every_object_can_be_described,
                test_describing.test_what_matches_finds_objects_by_its_values,
            ),
            holds=lambda kind: kind.looks_up,
        ),
        Mark(name="figures", holds=_figures),
        Mark(name="a runbook", holds=lambda kind: (ROOT / f"docs/operations/{kind.kind}.md").exists()),
        Mark(name="recorded answers", holds=lambda kind: (ROOT / "tests/payloads" / kind.kind).is_dir()),
    ),
}
"""In the order of the levels; each includes those before it."""


def marks_of(level: Level) -> list[Mark]:
    """All marks that a level stands for."""
    order = list(MARKS)
    return [mark for one in order[: order.index(level) + 1] for mark in MARKS[one]]
