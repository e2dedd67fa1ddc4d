"""Examining drafts: everything worth telling about one, and the definition that a version would keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from formlane.destinations.base import Destination, FieldInfo, OperationSpec
from formlane.domain.flows import FlowDefinition, Operation, Step
from formlane.domain.types import Json
from formlane.engines.base import Account, Engine
from formlane.errors import InvalidInput, NotFound
from formlane.mapping.checks import check_bindings, check_flow
from formlane.mapping.documents import MOST_STEPS
from formlane.mapping.expansion import expanded
from formlane.mapping.findings import Finding, Severity, error, meant, warning
from formlane.mapping.fitting import Fields, fitted
from formlane.mapping.related import Offer
from formlane.services.accounts import Accounts
from formlane.services.ports.flows import Flow
from formlane.services.ports.store import Store
from formlane.services.releases import spec_of

NOT_DESCRIBED = "not_described"
"""The code of the warning that an object could not be described."""

Described = Mapping[str, Sequence[FieldInfo]]
"""Fields by object, of those that could be described."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found in a definition, errors first, on the account that it is for."""

    definition: FlowDefinition
    findings: Sequence[Finding]
    account: Account
    destination: Destination
    described: Described

    def version(self) -> FlowDefinition:
        """What is published of a definition without errors.

        Options are as the destination spells them, lookups that create are steps of their own, and lines
        keep the limits of the fields that were described.
        """
        steps = (replace(step, options=_options(step, self.destination)) for step in self.definition.steps)
        definition = expanded(replace(self.definition, steps=tuple(steps)), self.described)
        return fitted(definition, _fields(definition, self.described))


class Examiner:
    """Examines definitions. Asks the engine outside of transactions."""

    def __init__(self, *, store: Store, engine: Engine, accounts: Accounts) -> None:
        self._store = store
        self._engine = engine
        self._accounts = accounts

    async def examine(
        self, tenant: UUID, flow: Flow, definition: FlowDefinition, *, describe: bool
    ) -> Examination:
        """Examines the definition itself, against its destination, and the flow's routes.

        With `describe` the destination is asked for the fields of each object; when it does not answer,
        that is a warning.
        """
        account = await self._accounts.get(tenant, flow.connection)
        destination = self._destination(account.kind)
        described, trouble = await self._described(account, definition) if describe else ({}, [])
        if describe:
            trouble += await self._of_objects(account, definition)
        offer = Offer(
            matching=destination.matching,
            looks_up=destination.looks_up,
            upserts=destination.operation(Operation.UPSERT) is not None,
            related=described,
        )
        findings = [
            *_of_destination(definition, destination),
            *trouble,
            *check_flow(
                definition,
                _fields(definition, described),
                [_spec(step, destination, account.settings) for step in definition.steps],
                offer,
            ),
            *await self._of_routes(tenant, flow, definition),
        ]
        findings += _of_size(definition, findings)
        return Examination(
            definition=definition,
            findings=sorted(findings, key=lambda finding: finding.severity),
            account=account,
            destination=destination,
            described=described,
        )

    def _destination(self, kind: str) -> Destination:
        found = next((one for one in self._engine.destinations() if one.kind == kind), None)
        if found is None:
            raise NotFound(f"There is no destination of kind {kind!r}.")
        return found

    async def _described(
        self, account: Account, definition: FlowDefinition
    ) -> tuple[Described, list[Finding]]:
        """The fields of every object that is written to or looked up, each asked for once."""
        described: dict[str, Sequence[FieldInfo]] = {}
        trouble: dict[str, Finding] = {}
        for name, pointer in _objects(definition):
            if name in described or name in trouble:
                continue
            try:
                described[name] = await self._engine.fields(account, name)
            except InvalidInput as fault:
                message = f"The destination could not be asked for the fields of {name}: {fault}"
                trouble[name] = warning(pointer, NOT_DESCRIBED, message)
        return described, list(trouble.values())

    async def _of_objects(self, account: Account, definition: FlowDefinition) -> list[Finding]:
        """Whether the destination lists the objects of the steps, with what is done to them."""
        try:
            listed = {info.name: info for info in await self._engine.objects(account)}
        except InvalidInput:
            return []  # told with the fields already
        findings = []
        for index, step in enumerate(definition.steps):
            info = listed.get(step.object)
            if info is None:
                message = f"The destination does not list {step.object} among its objects."
                hint = meant(step.object, listed)
                findings.append(warning(f"/steps/{index}/object", "unknown_object", message, hint))
            elif step.operation not in info.operations:
                offered = ", ".join(info.operations) or "nothing"
                message = f"{info.label} does not take {step.operation} on this connection, only {offered}."
                findings.append(error(f"/steps/{index}/operation", "not_offered", message))
        return findings

    async def _of_routes(self, tenant: UUID, flow: Flow, definition: FlowDefinition) -> list[Finding]:
        findings: list[Finding] = []
        async with self._store.tenant(tenant) as unit:
            for route in await unit.routes.of_flow(flow.id):
                form = await unit.forms.get(route.form)
                findings += [
                    replace(one, message=f"Form {form.name}: {one.message}")
                    for one in check_bindings(definition, form.definition, route.bindings)
                ]
        return findings


def _objects(definition: FlowDefinition) -> Iterator[tuple[str, str]]:
    """Objects with the place that names them."""
    for index, step in enumerate(definition.steps):
        yield step.object, f"/steps/{index}/object"
        for number, mapping in enumerate(step.mapping):
            if mapping.source.lookup is not None:
                at = f"/steps/{index}/mapping/{number}/source/lookup/object"
                yield mapping.source.lookup.object, at


def _fields(definition: FlowDefinition, described: Described) -> Fields:
    return [described.get(step.object) for step in definition.steps]


def _options(step: Step, destination: Destination) -> Mapping[str, Json]:
    return destination.validate_step(step.object, step.options)


def _spec(step: Step, destination: Destination, settings: Mapping[str, Json]) -> OperationSpec | None:
    """The step's spec; None where its options are told as errors."""
    try:
        return spec_of(replace(step, options=_options(step, destination)), destination, settings)
    except InvalidInput:
        return None


def _of_destination(definition: FlowDefinition, destination: Destination) -> Iterator[Finding]:
    """What the destination's declaration says of the steps."""
    for index, step in enumerate(definition.steps):
        at = f"/steps/{index}"
        if destination.operation(step.operation) is None:
            message = f"{destination.label} offers no {step.operation.value}."
            yield error(f"{at}/operation", "not_offered", message)
        try:
            _options(step, destination)
        except InvalidInput as fault:
            for problem in fault.problems:
                yield error(at + problem.pointer, problem.code, problem.message)
    if definition.window is not None and not destination.file_windows:
        yield warning("/window", "no_effect", f"{destination.label} writes no files.")


def _of_size(definition: FlowDefinition, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Whether the steps are still few enough with those that lookups add."""
    if any(finding.severity is Severity.ERROR for finding in findings):
        return
    count = len(expanded(definition, {}).steps)
    if count > MOST_STEPS:
        message = (
            f"With the objects that lookups create the flow has {count} steps; {MOST_STEPS} are allowed."
        )
        yield error("/steps", "too_many", message)
