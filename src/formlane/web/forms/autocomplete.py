"""Autocomplete tokens (HTML, autofill field names), so that browsers fill in and WCAG 1.3.5 holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from formlane.domain.forms import FormField
from formlane.domain.types import FieldType

_BY_TYPE: Mapping[FieldType, str] = {
    FieldType.EMAIL: "email",
    FieldType.PHONE: "tel",
    FieldType.URL: "url",
}
_BY_NAME: Mapping[str, str] = {
    "name": "name",
    "fullname": "name",
    "firstname": "given-name",
    "givenname": "given-name",
    "middlename": "additional-name",
    "lastname": "family-name",
    "surname": "family-name",
    "familyname": "family-name",
    "nickname": "nickname",
    "jobtitle": "organization-title",
    "company": "organization",
    "organisation": "organization",
    "organization": "organization",
    "address": "street-address",
    "street": "street-address",
    "streetaddress": "street-address",
    "city": "address-level2",
    "town": "address-level2",
    "state": "address-level1",
    "province": "address-level1",
    "zip": "postal-code",
    "zipcode": "postal-code",
    "postcode": "postal-code",
    "postalcode": "postal-code",
    "country": "country-name",
    "birthday": "bday",
    "birthdate": "bday",
    "dateofbirth": "bday",
    "language": "language",
}
_MULTI_LINE = frozenset({"street-address"})
"""Only a textarea may carry these; a single line takes the first line of the address."""


def autocomplete_of(asked: FormField) -> str | None:
    """The token of a field about the person who fills in, by its type or name; None if unknown."""
    token = _BY_TYPE.get(asked.type) or _BY_NAME.get(re.sub(r"[^a-z]", "", asked.name.lower()))
    if token in _MULTI_LINE and asked.type is not FieldType.TEXT:
        return "address-line1"
    return token
