"""Forms: typed fields, a hosted page, a key in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from formlane.domain.forms import FormDefinition
from formlane.mapping.findings import Finding
from formlane.ports import Clock
from formlane.services.ports.flows import Form, KnownForm
from formlane.services.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedForm:
    """A form as kept, with what is worth a look."""

    form: Form
    warnings: Sequence[Finding]


class Forms:
    """Use cases around forms."""

    def __init__(self, *, store: Store, clock: Clock, cell: int = 0) -> None:
        raise NotImplementedError

    async def create(self, tenant: UUID, definition: FormDefinition, *, name: str | None = None) -> SavedForm:
        """A new form, not attached to anything. `name` is for lists; the title when not given.

        Raises `InvalidInput` with a problem per error in the definition.
        """
        raise NotImplementedError

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
        raise NotImplementedError

    async def get(self, tenant: UUID, form: UUID) -> Form:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def list(self, tenant: UUID) -> Sequence[Form]:
        """Oldest first."""
        raise NotImplementedError

    async def at_address(self, form_key: str) -> KnownForm:
        """The form behind a key in an address, at most five seconds old. Raises `NotFound`."""
        raise NotImplementedError
