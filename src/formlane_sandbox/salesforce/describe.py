"""Metadata as the REST API shows it: Describe Global, and one object with its fields."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime
from hashlib import blake2b

import orjson

from formlane_sandbox.salesforce.database import Database
from formlane_sandbox.salesforce.schema import CHOICES, DECIMALS, Field, Kind, ObjectType
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.wire import Answer, Call

_SOAP = {
    Kind.BOOLEAN: "xsd:boolean",
    Kind.INT: "xsd:int",
    Kind.LONG: "xsd:long",
    Kind.DATE: "xsd:date",
    Kind.DATETIME: "xsd:dateTime",
    Kind.TIME: "xsd:time",
    Kind.ID: "tns:ID",
    Kind.REFERENCE: "tns:ID",
    Kind.ADDRESS: "urn:address",
} | dict.fromkeys(DECIMALS, "xsd:double")
_BYTES_PER_CHARACTER = 3


def describe_global(database: Database, call: Call) -> Answer:
    """Every object the user may see."""
    call.allow("GET")
    tables = database.tables.values()
    changed_at = max((table.changed_at for table in tables), default=0.0)
    document = {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [_summary(table.kind, call.root) for table in tables],
    }
    return _conditional(call, document, changed_at)


def describe_object(database: Database, table: Table, call: Call) -> Answer:
    """One object with its fields; 304 if nothing changed since the date the client names."""
    call.allow("GET")
    kind = table.kind
    document = _summary(kind, call.root) | {
        "childRelationships": _children(database, kind),
        "compactLayoutable": True,
        "fields": [_field(field) for field in kind.fields],
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(kind, call.root),
        "searchLayoutable": True,
        "supportedScopes": [{"label": f"All {kind.plural}", "name": "everything"}],
        "sobjectDescribeOption": "FULL",
    }
    return _conditional(call, document, table.changed_at)


def soap_type(field: Field) -> str:
    """The XML type that describe and Bulk messages name."""
    return _SOAP.get(field.kind, "xsd:string")


def _conditional(call: Call, document: dict[str, object], changed_at: float) -> Answer:
    modified = formatdate(changed_at, usegmt=True).encode()
    headers = [(b"last-modified", modified)]
    since = _date(call.header(b"if-modified-since"))
    if since is not None and changed_at <= since:
        return Answer(304, headers=headers)
    until = _date(call.header(b"if-unmodified-since"))
    if until is not None and changed_at > until:
        return Answer(412, headers=headers)
    body = orjson.dumps(document)
    tag = blake2b(body, digest_size=4).hexdigest()
    return Answer(200, body, [*headers, (b"etag", f'"{tag}--gzip"'.encode())])


def _date(text: str) -> float | None:
    """An HTTP date, or None: one that cannot be read is ignored (RFC 9110 13.1.3)."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def _summary(kind: ObjectType, root: str) -> dict[str, object]:
    url = f"{root}/sobjects/{kind.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": kind.createable,
        "custom": kind.custom,
        "customSetting": kind.custom_setting,
        "deepCloneable": False,
        "deletable": kind.createable,
        "deprecatedAndHidden": False,
        "feedEnabled": not kind.custom,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix,
        "label": kind.shown,
        "labelPlural": kind.plural,
        "layoutable": True,
        "mergeable": kind.name in ("Account", "Contact", "Lead", "Case"),
        "mruEnabled": True,
        "name": kind.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": kind.createable,
        "updateable": kind.createable,
        "urls": {"rowTemplate": f"{url}/{{ID}}", "describe": f"{url}/describe", "sobject": url},
    }


def _field(field: Field) -> dict[str, object]:
    length = field.length
    return {
        "name": field.name,
        "label": field.shown,
        "type": field.kind.value,
        "soapType": soap_type(field),
        "length": length,
        "byteLength": length * _BYTES_PER_CHARACTER if field.kind is not Kind.REFERENCE else length,
        "digits": field.digits,
        "precision": field.precision,
        "scale": field.scale,
        "nillable": not field.required and field.kind is not Kind.BOOLEAN and not _always_set(field),
        "createable": field.createable and not field.system,
        "updateable": field.updateable and not field.system,
        "custom": field.custom,
        "defaultedOnCreate": field.defaulted or (field.system and _always_set(field)),
        "defaultValue": False
        if field.kind is Kind.BOOLEAN and field.default is None
        else field.default or None,
        "externalId": field.external_id,
        "idLookup": field.id_lookup,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "autoNumber": field.auto_number is not None,
        "restrictedPicklist": field.restricted,
        "compoundFieldName": field.part_of,
        "extraTypeInfo": "plaintextarea" if field.kind is Kind.TEXTAREA else None,
        "filterable": field.kind is not Kind.TEXTAREA,
        "sortable": field.kind is not Kind.TEXTAREA,
        "groupable": field.kind not in (Kind.TEXTAREA, *DECIMALS),
        "nameField": field.name_field,
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "permissionable": not field.system and not field.required,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship,
        "picklistValues": _choices(field) if field.kind in CHOICES else [],
        **_PLAIN,
    }


_PLAIN: dict[str, object] = {
    "aggregatable": True,
    "aiPredictionField": False,
    "calculated": False,
    "calculatedFormula": None,
    "cascadeDelete": False,
    "controllerName": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "inlineHelpText": None,
    "mask": None,
    "maskType": None,
    "namePointing": False,
    "queryByDistance": False,
    "referenceTargetField": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "searchPrefilterable": False,
    "writeRequiresMasterRead": False,
}


def _always_set(field: Field) -> bool:
    """Whether the platform sees to it that no record lacks it."""
    return field.name in ("Id", "OwnerId") or (field.system and field.kind is not Kind.ADDRESS)


def _choices(field: Field) -> list[dict[str, object]]:
    return [
        {
            "active": choice.active,
            "defaultValue": choice.default,
            "label": choice.label or choice.value,
            "validFor": None,
            "value": choice.value,
        }
        for choice in field.choices
    ]


def _children(database: Database, kind: ObjectType) -> list[dict[str, object]]:
    return [
        {
            "cascadeDelete": False,
            "childSObject": table.kind.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": table.kind.plural if not field.system else None,
            "restrictedDelete": False,
        }
        for table in database.tables.values()
        for field in table.kind.fields
        if kind.name in field.reference_to
    ]


def _record_types(kind: ObjectType, root: str) -> list[dict[str, object]]:
    names = (*kind.record_types, "Master")
    return [
        {
            "active": True,
            "available": True,
            "defaultRecordTypeMapping": number == 0,
            "developerName": name,
            "master": name == "Master",
            "name": name,
            "recordTypeId": kind.record_type_id(name),
            "urls": {"layout": f"{root}/sobjects/{kind.name}/describe/layouts/{kind.record_type_id(name)}"},
        }
        for number, name in enumerate(names)
    ]
