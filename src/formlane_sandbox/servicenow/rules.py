"""Rules of administrators that refuse writes: ACLs, data policies, business rules."""

from __future__ import annotations

from collections.abc import Iterator

from formlane_sandbox.servicenow.answers import ApiError, operation_failed
from formlane_sandbox.servicenow.instance import Instance
from formlane_sandbox.servicenow.schema import Shape
from formlane_sandbox.servicenow.search import matches
from formlane_sandbox.servicenow.settings import Acl, BusinessRule
from formlane_sandbox.servicenow.store import Row

_OPEN = Acl()


def acl_of(instance: Instance, shape: Shape) -> Acl:
    """The nearest ACL of the table and what it extends."""
    acls = instance.settings.acls
    if not acls:
        return _OPEN
    return next((acls[name] for name in shape.chain if name in acls), _OPEN)


def refuse_closed(acl: Acl) -> None:
    """403 for a table that is closed to REST."""
    if not acl.rest:
        raise ApiError(403, "User Not Authorized", "Failed API level ACL Validation")


def refuse_write(acl: Acl, shape: Shape, verb: str) -> None:
    """403 where the caller may not insert, update or delete; metadata is nobody's to write."""
    allowed = {"Insert": acl.insert, "Update": acl.update, "Delete": acl.delete}[verb]
    if not allowed or shape.metadata:
        raise operation_failed(f"ACL Exception {verb} Failed due to security constraints")


def refuse_by_policy(instance: Instance, shape: Shape, row: Row) -> None:
    """403 naming the columns that a data policy misses."""
    if not instance.settings.data_policies:
        return
    missing = [
        shape.columns[name].shown_label
        for policy in instance.settings.data_policies
        if policy.table in shape.chain and matches(instance, shape, policy.when, row)
        for name in policy.mandatory
        if name in shape.columns and not row.get(name)
    ]
    if missing:
        raise operation_failed(
            f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}"
        )


def refuse_by_rule(instance: Instance, shape: Shape, row: Row, *, inserting: bool) -> None:
    """403 of the first business rule that aborts; its own message does not cross REST."""
    for rule, key in _business_rules(instance):
        if rule.table not in shape.chain or not (rule.insert if inserting else rule.update):
            continue
        if matches(instance, shape, rule.when, row):
            raise aborted(shape.name, rule.name, key)


def aborted(table: str, rule: str, key: str) -> ApiError:
    """A write that a business rule aborted."""
    return operation_failed(
        f"Operation against file '{table}' was aborted by Business Rule '{rule}^{key}'. "
        f"Business Rule Stack:{rule}"
    )


def _business_rules(instance: Instance) -> Iterator[tuple[BusinessRule, str]]:
    """Those of the settings, and the active aborting records of `sys_script`."""
    for rule in instance.settings.business_rules:
        yield rule, "f0" * 16
    scripts = instance.store.family("sys_script").rows
    for row in scripts.values():
        if row.get("active") == "true" and row.get("abort_action") == "true":
            yield (
                BusinessRule(
                    table=row.get("collection", ""),
                    name=row.get("name", ""),
                    when=row.get("filter_condition", ""),
                    insert=row.get("action_insert") == "true",
                    update=row.get("action_update") == "true",
                ),
                row["sys_id"],
            )
