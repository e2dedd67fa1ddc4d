"""Checks of how a step finds objects: its match key, its policies, the order it can keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from formlane.destinations.base import FieldInfo, Matching
from formlane.domain.flows import KeyInput, NoMatch, Operation, SeveralMatches, Step
from formlane.mapping.findings import Finding, error, meant, warning
from formlane.mapping.lines import Line
from formlane.mapping.resolve import ResolvedStep

MATCHING = frozenset({Operation.UPDATE, Operation.UPSERT, Operation.DELETE})
"""Operations that find an object by its match key."""


def check_matches(resolved: ResolvedStep, key: KeyInput | None, at: str) -> Iterator[Finding]:
    """What can be told without knowing the destination."""
    step = resolved.step
    yield from _check_policies(step, at)
    if step.operation in MATCHING and not step.match_key:
        message = f"To {step.operation}, name the destination fields by which an object is found."
        yield error(f"{at}/match_key", "required", message)
    targets = [mapping.target for mapping in step.mapping]
    for index, name in enumerate(step.match_key):
        if name not in targets:
            message = f"The match key uses {name}, which no line of the mapping fills."
            yield error(f"{at}/match_key/{index}", "not_mapped", message, meant(name, targets))
    if step.operation in MATCHING and step.match_key:
        yield from _check_order(resolved, key, at)


def check_offered_matches(
    step: Step, fields: Sequence[FieldInfo] | None, matching: Matching, at: str
) -> Iterator[Finding]:
    """Whether the destination finds objects by this match key. `fields` None or empty: not known."""
    if step.operation not in MATCHING or not step.match_key:
        return
    fields = fields or ()
    yield from key_findings(step.object, step.match_key, fields, matching, f"{at}/match_key")
    known = {info.name: info for info in fields}
    is_whole = matching is Matching.ALL and any(info.matches for info in fields)
    if fields and not is_whole and not any(known[name].unique for name in step.match_key if name in known):
        message = "No field of the match key is unique at the destination, so several objects may match."
        yield warning(f"{at}/match_key", "not_unique", message)


def key_findings(
    name: str, key: Sequence[str], fields: Sequence[FieldInfo], matching: Matching, at: str
) -> Iterator[Finding]:
    """Whether an object can be found by these of its fields together."""
    known = {info.name for info in fields}
    finders = [info.name for info in fields if info.matches]
    for one in key:
        if finders and one in known and one not in finders:
            message = f"{name} cannot be found by {one}."
            yield error(at, "not_matchable", message, f"It can be found by {listed(finders)}.")
    if matching is Matching.ONE and len(key) > 1:
        message = f"{name} is found by exactly one field, not by {len(key)} together."
        yield error(at, "wrong_length", message, "Keep the one that identifies the object.")
    missing = [one for one in finders if one not in key] if matching is Matching.ALL else []
    if missing:
        message = f"{name} is found by all fields of its key together; {listed(missing)} is missing."
        yield error(at, "wrong_length", message, f"Use {listed(finders)}.")


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names in a sentence; the first of many."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _check_policies(step: Step, at: str) -> Iterator[Finding]:
    updates = step.operation is Operation.UPDATE
    if step.no_match is NoMatch.INSERT and not updates:
        message = f"Only an update can insert when nothing matches, not a step that is to {step.operation}."
        yield error(f"{at}/no_match", "only_for_update", message, "Leave it out.")
    elif step.no_match is NoMatch.SKIP and step.operation not in (Operation.UPDATE, Operation.DELETE):
        yield warning(f"{at}/no_match", "no_effect", f"no_match does nothing for {step.operation}.")
    if step.several_matches is SeveralMatches.ALL and not updates:
        message = f"Only an update can take all objects that match, not a step that is to {step.operation}."
        yield error(f"{at}/several_matches", "only_for_update", message, "Choose first, newest or reject.")
    elif step.several_matches is not SeveralMatches.REJECT and step.operation not in MATCHING:
        message = f"several_matches does nothing for {step.operation}."
        yield warning(f"{at}/several_matches", "no_effect", message)


def _check_order(resolved: ResolvedStep, key: KeyInput | None, at: str) -> Iterator[Finding]:
    """Order holds per key input: a match key that needs more may see two records overtake each other."""
    if key is None:
        message = "The flow has no key input, so changes of one object may arrive in any order."
        yield warning("/key_input", "no_order", message, "Name the inputs that identify the object.")
        return
    outside = sorted(_inputs_of(resolved.lines, resolved.step) - set(key.inputs))
    if outside:
        message = (
            f"The match key uses {', '.join(outside)}, outside the key input: order holds per key input only."
        )
        yield warning(f"{at}/match_key", "outside_key_input", message, "Use the same inputs for both.")


def _inputs_of(lines: Iterable[Line], step: Step) -> set[str]:
    """Inputs from which the match key's values are made."""
    used: set[str] = set()
    for line in lines:
        source = line.mapping.source
        if line.mapping.target not in step.match_key:
            continue
        if line.formula is not None:
            used |= line.formula.inputs
        elif source.lookup is not None:
            used.add(source.lookup.input)
        elif source.input is not None:
            used.add(source.input)
    return used
