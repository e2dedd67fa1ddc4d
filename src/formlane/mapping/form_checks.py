"""Checks of a form definition when it is saved."""

from __future__ import annotations

from collections.abc import Iterator

from formlane.domain.forms import FormDefinition, FormField
from formlane.domain.types import TEXTUAL
from formlane.mapping.findings import Finding, error, repeated, warning
from formlane.mapping.rules import CHOSEN, NUMERIC


def check_form(form: FormDefinition) -> list[Finding]:
    """Everything worth telling about a form, errors first, then in the form's order."""
    findings = [
        error(f"/fields/{index}/name", "duplicate", f"There are two fields named {name}.")
        for index, name in repeated(asked.name for asked in form.fields)
    ]
    for index, asked in enumerate(form.fields):
        findings += _check_field(asked, f"/fields/{index}")
    return sorted(findings, key=lambda finding: finding.severity)


def _check_field(asked: FormField, at: str) -> Iterator[Finding]:
    if asked.type in CHOSEN and not asked.choices:
        yield error(f"{at}/choices", "required", f"{asked.label}: name the choices that are offered.")
    for index, choice in repeated(asked.choices):
        yield error(f"{at}/choices/{index}", "duplicate", f"{asked.label}: {choice[:100]} is offered twice.")
    if asked.minimum is not None and asked.maximum is not None and asked.minimum > asked.maximum:
        yield error(f"{at}/minimum", "out_of_range", f"{asked.label}: minimum is more than maximum.")
    limits = {
        "choices": bool(asked.choices) and asked.type not in CHOSEN,
        "max_length": asked.max_length is not None and asked.type not in TEXTUAL,
        "minimum": asked.minimum is not None and asked.type not in NUMERIC,
        "maximum": asked.maximum is not None and asked.type not in NUMERIC,
    }
    for name, useless in limits.items():
        if useless:
            yield warning(
                f"{at}/{name}", "no_effect", f"{asked.label}: {name} does nothing for {asked.type}."
            )
