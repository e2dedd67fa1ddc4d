"""Compiles what a form or flow expects into a fast check of records.

The generated function only says "nothing to report"; whatever else comes is examined anew by
`rules.examine`, which explains. Its answers therefore never depend on generated code alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from formlane.domain.flows import FlowDefinition
from formlane.domain.forms import FormDefinition
from formlane.domain.values import READERS, ValueFault, is_empty
from formlane.mapping import quasiquote as code
from formlane.mapping.conversions import PLAIN
from formlane.mapping.evident import EVIDENT, GLANCES
from formlane.mapping.remembered import remembering
from formlane.mapping.rules import CLEAN, Rule, Verdict, examine, fault_of, rules_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """Says of each record whether it may be stored. Records are read, never changed."""

    rules: Mapping[str, Rule]
    strict: bool
    is_clean: Callable[[object], bool]

    def __call__(self, records: Sequence[object], *, at: str = "/records") -> list[Verdict]:
        """One verdict per record, in order. `at` points to the list: `/records`, or `` for a bare array."""
        is_clean = self.is_clean
        return [
            CLEAN if is_clean(record) else self.examine(record, f"{at}/{index}")
            for index, record in enumerate(records)
        ]

    def examine(self, record: object, pointer: str) -> Verdict:
        """The verdict on one record whose place in what was sent is `pointer` (`` for a single form post)."""
        return examine(record, pointer, rules=self.rules, strict=self.strict)


def compile_validator(definition: FormDefinition | FlowDefinition) -> Validator:
    """The check of a form's records, or of the records that a flow's PUSH API takes.

    Every value is read by its field's type. Unknown fields are a warning, or problems when strict.
    """
    rules = {rule.name: rule for rule in rules_of(definition)}
    return Validator(rules=rules, strict=definition.strict, is_clean=_clean_check(tuple(rules.values())))


def _clean_check(rules: Sequence[Rule]) -> Callable[[object], bool]:
    bound: dict[str, object] = {
        "knows_all": frozenset(rule.name for rule in rules).issuperset,
        **GLANCES,
    }
    body = code.statements(
        """
if type(record) is not dict or not knows_all(record):
    return False
get = record.get
return H_ALL
""",
        H_ALL=code.all_of([_field_check(rule, index, bound) for index, rule in enumerate(rules)]),
    )
    return cast("Callable[[object], bool]", code.function("is_clean", ["record"], body, bound))


def _field_check(rule: Rule, index: int, bound: dict[str, object]) -> ast.expr:
    """True when the field is right: evidently, or because reading it shows so."""
    bound[f"passes_{index}"] = _passes(rule)
    called = ast.Name(f"passes_{index}", ast.Load())
    passes = remembering(rule.kind, called, code.name("v"), bound)
    if rule.kind not in EVIDENT or rule.minimum is not None or rule.maximum is not None:
        return code.expression(
            "H_PASSES if (v := get(H_NAME)) is not None else H_NOTHING",
            H_PASSES=passes,
            H_NAME=code.constant(rule.name),
            H_NOTHING=code.constant(_passes(rule)(None)),
        )
    return code.expression(
        "HEVIDENT or H_PASSES" if rule.required else "HEVIDENT or v is None or H_PASSES",
        HEVIDENT=code.all_of(_evident(rule, index, bound)),
        H_PASSES=passes,
    )


def _evident(rule: Rule, index: int, bound: dict[str, object]) -> list[ast.expr]:
    first = code.expression("(v := get(H_NAME))", H_NAME=code.constant(rule.name))
    conditions = [code.expression(EVIDENT[rule.kind], H_FIRST=first, H_V=code.name("v"))]
    if rule.required and rule.kind in PLAIN:
        conditions.append(code.expression("v != ''"))
    if rule.max_length is not None:
        conditions.append(code.expression("len(v) <= H_MAX", H_MAX=code.constant(rule.max_length)))
    if rule.choices:
        bound[f"choices_{index}"] = rule.choices
        conditions.append(code.expression("v in H_CHOICES", H_CHOICES=code.name(f"choices_{index}")))
    return conditions


def _passes(rule: Rule) -> Callable[[object], bool]:
    if rule.has_limits:
        return lambda raw: fault_of(rule, raw) is None
    reader, required = READERS[rule.kind], rule.required

    def passes(raw: object) -> bool:
        try:
            value = None if raw is None else reader(raw)
        except ValueFault:
            return False
        return not (required and is_empty(value))

    return passes
