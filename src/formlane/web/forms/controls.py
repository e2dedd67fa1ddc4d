"""What a page shows of each field: which control, with which attributes, answer and fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from formlane.domain.forms import FormDefinition, FormField
from formlane.domain.types import FieldType
from formlane.errors import Problem
from formlane.mapping.rules import escaped
from formlane.web.forms.autocomplete import autocomplete_of
from formlane.web.forms.posts import ZONE_SUFFIX, Post

MOST_RADIOS = 6
"""More choices than this are a select."""

_INPUTS: Mapping[FieldType, tuple[str, str | None]] = {
    FieldType.STRING: ("text", None),
    FieldType.REFERENCE: ("text", None),
    FieldType.EMAIL: ("email", "email"),
    FieldType.PHONE: ("tel", "tel"),
    FieldType.URL: ("url", "url"),
    FieldType.INTEGER: ("text", "numeric"),
    FieldType.DECIMAL: ("text", "decimal"),
    FieldType.DATE: ("date", None),
    FieldType.TIME: ("time", None),
    FieldType.DATETIME: ("datetime-local", None),
    FieldType.BINARY: ("file", None),
}
"""Type and input mode. Numbers are text inputs: browsers drop what they cannot read in number inputs."""

_KINDS: Mapping[FieldType, str] = {
    FieldType.TEXT: "textarea",
    FieldType.JSON: "textarea",
    FieldType.BOOLEAN: "checkbox",
    FieldType.MULTI_ENUM: "checkboxes",
    FieldType.DATETIME: "datetime",
    FieldType.BINARY: "file",
}

ZONES = tuple(
    ("Z" if minutes == 0 else f"{sign}{minutes // 60:02}:{minutes % 60:02}")
    for sign, offsets in (
        ("-", (720, 660, 600, 570, 540, 480, 420, 360, 300, 240, 210, 180, 120, 60)),
        ("+", (0, 60, 120, 180, 210, 240, 270, 300, 330, 345, 360, 390, 420, 480)),
        ("+", (525, 540, 570, 600, 630, 660, 720, 765, 780, 840)),
    )
    for minutes in offsets
)
"""Offsets from UTC in use (IANA time zone database, 2025)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One field on the page. `kind` names the component; `chosen` are the answers given so far.

    No control has a maxlength: a browser would cut a pasted text in silence.
    """

    id: str
    name: str
    label: str
    kind: str
    required: bool
    help: str | None = None
    fault: str | None = None
    input_type: str = "text"
    input_mode: str | None = None
    autocomplete: str | None = None
    choices: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    zone: str = "Z"
    zones: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """The one answer of a control that has one."""
        return self.chosen[-1] if self.chosen else ""

    @property
    def described_by(self) -> str:
        """Ids of the texts that explain the control, for aria-describedby."""
        ids = [f"{self.id}-help"] if self.help else []
        return " ".join([*ids, f"{self.id}-fault"] if self.fault else ids)

    @property
    def target(self) -> str:
        """The element that the summary leads to: the first one of a group."""
        return f"{self.id}-0" if self.kind in ("radios", "checkboxes") else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A line of the summary; `target` is None where no control is at fault."""

    message: str
    target: str | None


def controls_of(definition: FormDefinition, post: Post, problems: Sequence[Problem]) -> list[Control]:
    """The controls in the form's order."""
    faults = {problem.pointer: problem.message for problem in reversed(problems)}
    return [
        _control(asked, f"field-{number}", post, faults.get(f"/{escaped(asked.name)}"))
        for number, asked in enumerate(definition.fields, start=1)
    ]


def summary_of(controls: Sequence[Control], problems: Sequence[Problem]) -> list[Fault]:
    """Every problem in the order of the page, those of no control last."""
    places = {f"/{escaped(control.name)}" for control in controls}
    known = [Fault(message=one.fault, target=one.target) for one in controls if one.fault]
    return known + [Fault(message=one.message, target=None) for one in problems if one.pointer not in places]


def _control(asked: FormField, id_: str, post: Post, fault: str | None) -> Control:
    input_type, input_mode = _INPUTS.get(asked.type, ("text", None))
    zone = post.text(asked.name + ZONE_SUFFIX)
    return Control(
        id=id_,
        name=asked.name,
        label=asked.label,
        kind=_kind(asked),
        required=asked.required,
        help=asked.help,
        fault=fault,
        input_type=input_type,
        input_mode=input_mode,
        autocomplete=autocomplete_of(asked),
        choices=asked.choices,
        chosen=tuple(post.texts.get(asked.name, ())),
        zone=zone if zone in ZONES else "Z",
        zones=ZONES,
    )


def _kind(asked: FormField) -> str:
    if asked.type is FieldType.ENUM:
        return "radios" if len(asked.choices) <= MOST_RADIOS else "select"
    return _KINDS.get(asked.type, "input")
