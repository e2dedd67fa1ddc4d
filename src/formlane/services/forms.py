"""Forms: typed fields, a hosted page, a key in the address."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.forms import FormDefinition
from formlane.domain.ids import new_id
from formlane.domain.secrets import form_key_cell, new_form_key
from formlane.errors import Conflict, InvalidInput, NotFound
from formlane.mapping.checks import check_bindings
from formlane.mapping.findings import Finding, Severity
from formlane.mapping.form_checks import check_form
from formlane.ports import Clock
from formlane.services.ports.flows import Form, KnownForm
from formlane.services.ports.store import Store, Unit
from formlane.services.releases import bound_form, release_again

CACHE_SECONDS = 5.0
FORMS_KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedForm:
    """A form as kept, with what is worth a look."""

    form: Form
    warnings: Sequence[Finding]


class Forms:
    """Use cases around forms."""

    def __init__(self, *, store: Store, clock: Clock, cell: int = 0) -> None:
        self._store = store
        self._clock = clock
        self._cell = cell
        self._known: OrderedDict[str, tuple[float, KnownForm | None]] = OrderedDict()

    async def create(self, tenant: UUID, definition: FormDefinition, *, name: str | None = None) -> SavedForm:
        """A new form, not attached to anything. `name` is for lists; the title when not given.

        Raises `InvalidInput` with a problem per error in the definition.
        """
        warnings = warnings_of(check_form(definition), "The form cannot be saved.")
        async with self._store.tenant(tenant) as unit:
            form = Form(
                id=new_id(self._cell),
                name=name or definition.title,
                form_key=new_form_key(self._cell),
                definition=definition,
                revision=1,
                created_at=await unit.now(),
            )
            await unit.forms.add(form)
        return SavedForm(form=form, warnings=warnings)

    async def update(
        self,
        tenant: UUID,
        form: UUID,
        definition: FormDefinition,
        *,
        name: str | None = None,
        revision: int | None = None,
    ) -> SavedForm:
        """Replaces the definition; given `revision` it must still be that (`Conflict` otherwise).

        Raises `InvalidInput` when a route binds a field that would be gone or could not be converted.
        Flows it is attached to get a new release where the types of bound fields or its title changed.
        """
        warnings = warnings_of(check_form(definition), "The form cannot be saved.")
        async with self._store.tenant(tenant) as unit:
            before = await unit.forms.get(form, lock=True)
            if revision is not None and before.revision != revision:
                raise Conflict("The form was changed by somebody else; load it again.", "changed")
            await unit.forms.update(form, name=name or before.name, definition=definition)
            await unit.flows.bump_sources([form])
            after = await unit.forms.get(form)
            warnings += await _follow(unit, before, after)
            after = await unit.forms.get(form)
        self._known.pop(after.form_key, None)
        return SavedForm(form=after, warnings=warnings)

    async def get(self, tenant: UUID, form: UUID) -> Form:
        """Raises `NotFound`."""
        async with self._store.tenant(tenant) as unit:
            return await unit.forms.get(form)

    async def list(self, tenant: UUID) -> Sequence[Form]:
        """Oldest first."""
        async with self._store.tenant(tenant) as unit:
            return await unit.forms.all()

    async def at_address(self, form_key: str) -> KnownForm:
        """The form behind a key in an address, at most five seconds old. Raises `NotFound`."""
        form_key_cell(form_key)
        now = self._clock.monotonic()
        at, known = self._known.get(form_key, (-CACHE_SECONDS, None))
        if now - at >= CACHE_SECONDS:
            known = await self._store.find_form(form_key)
            self._known[form_key] = (now, known)
            self._known.move_to_end(form_key)
            if len(self._known) > FORMS_KEPT:
                self._known.popitem(last=False)
        if known is None:
            raise NotFound("There is no form at this address.")
        return known


def warnings_of(findings: Sequence[Finding], refusal: str) -> list[Finding]:
    """The warnings among findings. Raises `InvalidInput` with a problem per error, if there are any."""
    problems = [finding.as_problem() for finding in findings if finding.severity is Severity.ERROR]
    if problems:
        raise InvalidInput(refusal, problems)
    return list(findings)


async def _follow(unit: Unit, before: Form, after: Form) -> list[Finding]:
    """Brings the form's flows along: their bindings must still work, and a release freezes what they read."""
    warnings: list[Finding] = []
    for route in await unit.routes.of_form(after.id):
        flow = await unit.flows.get(route.flow)
        definition = flow.draft
        if flow.version is not None:
            definition = (await unit.flows.version(flow.id, flow.version)).definition
        findings = check_bindings(definition, after.definition, route.bindings)
        warnings += warnings_of(findings, f"The form is attached to {flow.name}, whose bindings would break.")
        if bound_form(before, route.bindings) != bound_form(after, route.bindings):
            await release_again(unit, flow.id)
    return warnings
