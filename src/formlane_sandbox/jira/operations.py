"""The verbs of `update`: set, add, remove, edit."""

from __future__ import annotations

from formlane_sandbox.jira.kinds import Shape
from formlane_sandbox.jira.language import RefusedError, Sentence
from formlane_sandbox.jira.schema import Field
from formlane_sandbox.jira.values import Target, check

_MANY = frozenset((Shape.LABELS, Shape.OPTIONS, Shape.COMPONENTS, Shape.VERSIONS, Shape.USERS, Shape.GROUPS))


def verbs(field: Field) -> list[str]:
    """The operations that metadata list for a field."""
    if field.spec.shape in _MANY:
        return ["add", "set", "remove"]
    return ["set", "edit"] if field.spec.shape is Shape.TIMETRACKING else ["set"]


def operate(target: Target, field: Field, current: object, operations: object) -> object:
    """The value after the operations, in order; RefusedError at the first that cannot be done."""
    if not isinstance(operations, list):
        raise RefusedError(Sentence.NOT_LIST)
    for operation in operations:
        if not isinstance(operation, dict) or len(operation) != 1:
            raise RefusedError(Sentence.BAD_OPERATION, value="", field=field.id)
        (verb, value), *_ = operation.items()
        if verb not in verbs(field):
            raise RefusedError(Sentence.BAD_OPERATION, value=verb, field=field.id)
        current = _apply(target, field, current, verb, value)
    return current


def _apply(target: Target, field: Field, current: object, verb: str, value: object) -> object:
    if verb in ("set", "edit"):
        return check(target, field, value)
    there = list(current) if isinstance(current, list) else []
    given = check(target, field, [value])
    assert isinstance(given, list)
    if verb == "add":
        return there + [item for item in given if item not in there]
    return [item for item in there if item not in given]
