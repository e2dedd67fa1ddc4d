"""One line of a mapping, resolved: where its value comes from and what must hold before it is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol, TypeAlias

from formlane.domain.flows import FieldMapping, LookupSource, NullPolicy, OnMiss, SystemValue
from formlane.domain.outcomes import Reason, Rejected
from formlane.domain.types import FieldType, Json, Value
from formlane.domain.values import ValueFault, is_empty, render
from formlane.formulas import Formula, FormulaContext
from formlane.mapping.conversions import Conversion
from formlane.mapping.limits import LineFault, check_limits

LISTED_ERRORS = 5
"""Most errors whose texts a rejection carries."""


class Omitted(Enum):
    """The field is left out."""

    OMITTED = "omitted"


class Skip(Enum):
    """The step's condition is false for this record."""

    SKIP = "skip"


OMITTED: Final = Omitted.OMITTED
SKIP: Final = Skip.SKIP


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingError:
    """Why one target field of one record cannot be sent; `target` is empty for the step's condition.

    `position` counts characters from 0 into the formula, where there is one to blame.
    """

    target: str
    reason: Reason
    message: str
    position: int | None = None


Mapped: TypeAlias = dict[str, Json] | Skip | list[MappingError]
"""What a step makes of a record: fields in the mapping's order, or a skip, or errors (never empty)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What the hub knows of all records of one batch; `source` is the form's or flow's id."""

    batch_id: str
    accepted_at: dt.datetime
    source: str
    source_name: str
    context: FormulaContext = field(init=False)
    accepted_text: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", FormulaContext(accepted_at=self.accepted_at))
        object.__setattr__(self, "accepted_text", render(FieldType.DATETIME, self.accepted_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the destination told of one record's relations before a step is mapped.

    `remote`: by step name, the identity that the record got there; a step that was skipped is missing.
    `found`: by lookup, identities by the text that was looked up; None where nothing has it.
    """

    remote: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[LookupSource, Mapping[str, str | None]] = field(default_factory=dict)

    def identity(self, lookup: LookupSource, text: str) -> str | None:
        """What a lookup gave for a text that is not empty. Raises `SourceFault` if that is no identity."""
        answers = self.found.get(lookup, {})
        found = answers.get(text)
        if found is not None:
            return found
        asked = f'{lookup.object} whose {lookup.field} is the input "{lookup.input}"'
        if text not in answers:
            message = f"the {asked} was not looked up, which is a fault of this program; send it again"
            raise SourceFault(Reason.NOT_FOUND, message)
        if lookup.on_miss is OnMiss.NULL:
            return None
        message = f"there is no {asked}; create it there, or correct the value"
        raise SourceFault(Reason.NOT_FOUND, message)


NOTHING_KNOWN: Final = Known()


SYSTEM_TYPES: Mapping[SystemValue, FieldType] = {
    SystemValue.RECORD_ID: FieldType.STRING,
    SystemValue.BATCH_ID: FieldType.STRING,
    SystemValue.ROW: FieldType.INTEGER,
    SystemValue.ACCEPTED_AT: FieldType.DATETIME,
    SystemValue.SOURCE: FieldType.STRING,
    SystemValue.SOURCE_NAME: FieldType.STRING,
    SystemValue.FLOW_VERSION: FieldType.INTEGER,
    SystemValue.TRACKING_KEY: FieldType.STRING,
}
"""Type of each system value."""


class SourceFault(LineFault):
    """A source without a value; the message stands by itself."""


class FormulaCompiler(Protocol):
    """Compiles one formula; raises `FormulaError`."""

    def __call__(
        self, source: str, /, *, inputs: Mapping[str, FieldType], expected: FieldType | None = None
    ) -> Formula:
        """The formula, typed against its inputs and the expected result."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A mapping with its conversion, formula and fixed value at hand.

    `fixed` is the settled value of a constant, `instead` that of the default; both are JSON.
    """

    mapping: FieldMapping
    source_type: FieldType
    conversion: Conversion
    formula: Formula | None = None
    fixed: Json | Omitted = OMITTED
    instead: Json = None

    def settle(self, value: Value) -> Json | Omitted:
        """The JSON to send for a value of the source's type. Raises `LineFault` and `ValueFault`."""
        converted = self.conversion(value)
        if is_empty(converted):
            return self.settle_empty()
        check_limits(self.mapping, converted)
        return render(self.mapping.type, converted)

    def settle_empty(self) -> Json | Omitted:
        """What is sent when there is no value. Raises `LineFault` where one is required."""
        policy = self.mapping.nulls
        instead = self.instead if policy is NullPolicy.DEFAULT else None
        if self.mapping.required and (instead is None or instead == ""):
            raise LineFault(Reason.MISSING_REQUIRED, "is required by the destination and empty here")
        return OMITTED if policy is NullPolicy.OMIT else instead


def error_of(target: str, fault: LineFault | ValueFault, *, what: str) -> MappingError:
    """The error of one target; `what` names the value that is at fault."""
    reason = fault.reason if isinstance(fault, LineFault) else Reason.CONVERSION_FAILED
    return MappingError(
        target=target, reason=reason, message=f"{target or 'Condition'}: {what} {fault.message}."
    )


def rejection(errors: list[MappingError]) -> Rejected:
    """The outcome of a record that cannot be mapped; the first error gives the reason."""
    texts = [error.message for error in errors[:LISTED_ERRORS]]
    more = len(errors) - len(texts)
    return Rejected(
        reason=errors[0].reason,
        message=" ".join(texts) + (f" And {more} more." if more > 0 else ""),
        fields=tuple(error.target for error in errors if error.target),
    )


class Mapper(Protocol):
    """What a step makes of records. Never raises."""

    def __call__(
        self,
        record: Mapping[str, object],
        acceptance: Acceptance,
        row: int,
        tracking_key: str,
        known: Known = NOTHING_KNOWN,
        /,
    ) -> Mapped:
        """The outcome for one record; rows count from 0."""
        ...
