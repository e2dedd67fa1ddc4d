"""The org as it is delivered: standard objects with what an administrator added, a few users and accounts."""

from __future__ import annotations

from typing import Final

import msgspec

from formlane_sandbox.salesforce.schema import Choice, DuplicateRule, Field, Kind, ObjectType
from formlane_sandbox.salesforce.values import Row

USERNAME: Final = "integration@formlane.example"
LEAD_RULE: Final = DuplicateRule(name="Standard_Lead_Duplicate_Rule", fields=("Email",))


def _text(name: str, length: int, label: str = "", **more: object) -> Field:
    return _field(name, Kind.STRING, label, length=length, **more)


def _field(name: str, kind: Kind, label: str = "", **more: object) -> Field:
    return Field(name=name, kind=kind, label=label, **more)  # type: ignore[arg-type] # keywords of Field


def _choice(name: str, values: str, label: str = "", **more: object) -> Field:
    """A picklist from `a|b|c`; the default is marked with `*`."""
    choices = tuple(Choice(value=v.strip("*"), default=v.endswith("*")) for v in values.split("|"))
    default = next((choice.value for choice in choices if choice.default), None)
    kind = more.pop("kind", Kind.PICKLIST)
    assert isinstance(kind, Kind)
    return _field(name, kind, label, length=255, choices=choices, default=default, **more)


def _to(name: str, target: str, label: str = "", **more: object) -> Field:
    relationship = name.replace("__c", "__r") if name.endswith("__c") else name.removesuffix("Id")
    return _field(
        name, Kind.REFERENCE, label, length=18, reference_to=(target,), relationship=relationship, **more
    )


def _key(name: str = "Ext__c", length: int = 64, *, unique: bool = True) -> Field:
    """An external id; the unique ones tell `ABC` from `abc`."""
    label = name.removesuffix("__c").replace("_", " ")
    return _text(name, length, label, external_id=True, id_lookup=True, unique=unique, case_sensitive=unique)


_SYSTEM = (
    _field("IsDeleted", Kind.BOOLEAN, "Deleted", system=True),
    _field("CreatedDate", Kind.DATETIME, "Created Date", system=True),
    _to("CreatedById", "User", "Created By ID", system=True),
    _field("LastModifiedDate", Kind.DATETIME, "Last Modified Date", system=True),
    _to("LastModifiedById", "User", "Last Modified By ID", system=True),
    _field("SystemModstamp", Kind.DATETIME, "System Modstamp", system=True),
)
_OWNER = _to("OwnerId", "User", "Owner ID", default="")


def with_system_fields(made: ObjectType) -> ObjectType:
    """With `Id` first and the audit fields last, where they are missing."""
    known = {field.name for field in made.fields}
    first = _field("Id", Kind.ID, f"{made.shown} ID", length=18, id_lookup=True, default="", system=True)
    typed = (_to("RecordTypeId", "RecordType", "Record Type ID", default=""),) if made.record_types else ()
    added = [field for field in (*typed, *_SYSTEM) if field.name not in known]
    fields = (*([first] if "Id" not in known else []), *made.fields, *added)
    return msgspec.structs.replace(made, fields=fields, plural=made.plural or f"{made.shown}s")


def _address(prefix: str) -> tuple[Field, ...]:
    whole = f"{prefix}Address"
    return (
        _field(f"{prefix}Street", Kind.TEXTAREA, f"{prefix} Street".strip(), length=255, part_of=whole),
        _text(f"{prefix}City", 40, f"{prefix} City".strip(), part_of=whole),
        _text(f"{prefix}State", 80, f"{prefix} State/Province".strip(), part_of=whole),
        _text(f"{prefix}PostalCode", 20, f"{prefix} Zip/Postal Code".strip(), part_of=whole),
        _text(f"{prefix}Country", 80, f"{prefix} Country".strip(), part_of=whole),
        _field(whole, Kind.ADDRESS, f"{prefix} Address".strip(), system=True),
    )


def _person() -> tuple[Field, ...]:
    return (
        _text("LastName", 80, "Last Name", required=True, part_of="Name"),
        _text("FirstName", 40, "First Name", part_of="Name"),
        _choice("Salutation", "Mr.|Ms.|Mrs.|Dr.|Prof.|Mx.", part_of="Name"),
        _text("Name", 121, "Full Name", system=True, name_field=True),
        _field("Phone", Kind.PHONE, length=40),
        _field("MobilePhone", Kind.PHONE, "Mobile Phone", length=40),
        _field("Email", Kind.EMAIL, length=80, id_lookup=True),
        _text("Title", 128),
        _choice("LeadSource", "Web|Phone Inquiry|Partner Referral|Purchased List|Other", "Lead Source"),
        _field("Description", Kind.TEXTAREA, length=32000),
    )


_SOURCES = "Web|Phone Inquiry|Partner Referral|Purchased List|Other"
_INDUSTRIES = "Agriculture|Banking|Education|Energy|Finance|Healthcare|Manufacturing|Retail|Technology|Other"


def _account() -> ObjectType:
    return ObjectType(
        name="Account",
        prefix="001",
        label="Account",
        record_types=("Business", "Household"),
        fields=(
            _text("Name", 255, "Account Name", required=True, name_field=True),
            _choice("Type", "Prospect|Customer|Partner|Other", "Account Type"),
            _to("ParentId", "Account", "Parent Account ID"),
            *_address("Billing"),
            _field("Phone", Kind.PHONE, length=40),
            _field("Website", Kind.URL, length=255),
            _choice("Industry", _INDUSTRIES),
            _field("AnnualRevenue", Kind.CURRENCY, "Annual Revenue", precision=18),
            _field("NumberOfEmployees", Kind.INT, "Employees", digits=8),
            _field("Description", Kind.TEXTAREA, length=32000),
            _OWNER,
            _text("Domain__c", 255, "Domain"),
            _key("Acct_Ext__c"),
            _key(),
        ),
    )


def _contact() -> ObjectType:
    return ObjectType(
        name="Contact",
        prefix="003",
        label="Contact",
        full_name=("FirstName", "LastName"),
        record_types=("Customer", "Employee"),
        fields=(
            _to("AccountId", "Account", "Account ID"),
            *_person(),
            *_address("Mailing"),
            _text("Department", 80),
            _field("Birthdate", Kind.DATE),
            _field("DoNotCall", Kind.BOOLEAN, "Do Not Call"),
            _field("HasOptedOutOfEmail", Kind.BOOLEAN, "Email Opt Out"),
            _to("ReportsToId", "Contact", "Reports To ID"),
            _OWNER,
            _choice("Jurisdiction__c", "Washington|Oregon|California", "Jurisdiction", restricted=True),
            _choice("Interests__c", "Sales|Service|Marketing", "Interests", kind=Kind.MULTIPICKLIST),
            _field("Score__c", Kind.DOUBLE, "Score", precision=5, scale=2),
            _field("Visited_At__c", Kind.DATETIME, "Visited At"),
            _text("NPI__c", 20, "NPI", unique=True),
            _key("Legacy_Ext__c", 40, unique=False),
            _key(),
        ),
    )


def _lead() -> ObjectType:
    statuses = "Open - Not Contacted*|Working - Contacted|Closed - Converted|Closed - Not Converted"
    return ObjectType(
        name="Lead",
        prefix="00Q",
        label="Lead",
        full_name=("FirstName", "LastName"),
        fields=(
            *_person(),
            _text("Company", 255, required=True),
            *_address(""),
            _field("Website", Kind.URL, length=255),
            _choice("Industry", _INDUSTRIES),
            _choice("Rating", "Hot|Warm|Cold"),
            _choice("Status", statuses, required=True),
            _field("AnnualRevenue", Kind.CURRENCY, "Annual Revenue", precision=18),
            _field("NumberOfEmployees", Kind.INT, "Employees", digits=8),
            _field("IsConverted", Kind.BOOLEAN, "Converted", updateable=False),
            _OWNER,
            _choice("Product_Interest__c", "Basic|Pro|Enterprise", "Product Interest", restricted=True),
            _key(),
        ),
    )


def _case() -> ObjectType:
    return ObjectType(
        name="Case",
        prefix="500",
        label="Case",
        fields=(
            _text("CaseNumber", 30, "Case Number", auto_number="{:08d}", system=True, name_field=True),
            _to("ContactId", "Contact", "Contact ID"),
            _to("AccountId", "Account", "Account ID"),
            _text("SuppliedName", 80, "Web Name"),
            _field("SuppliedEmail", Kind.EMAIL, "Web Email", length=80),
            _text("Subject", 255),
            _field("Description", Kind.TEXTAREA, length=32000),
            _choice("Status", "New*|Working|Escalated|Closed"),
            _choice("Origin", "Phone|Email|Web", "Case Origin"),
            _choice("Priority", "High|Medium*|Low"),
            _choice("Type", "Question|Problem|Feature Request", "Case Type"),
            _OWNER,
            _key(),
        ),
    )


def _opportunity() -> ObjectType:
    stages = "Prospecting|Qualification|Proposal|Closed Won|Closed Lost"
    return ObjectType(
        name="Opportunity",
        prefix="006",
        label="Opportunity",
        plural="Opportunities",
        fields=(
            _text("Name", 120, required=True, name_field=True),
            _to("AccountId", "Account", "Account ID"),
            _choice("StageName", stages, "Stage", required=True),
            _field("CloseDate", Kind.DATE, "Close Date", required=True),
            _field("Amount", Kind.CURRENCY, precision=18, scale=2),
            _field("Probability", Kind.PERCENT, "Probability (%)", precision=3),
            _choice("LeadSource", _SOURCES, "Lead Source"),
            _field("Description", Kind.TEXTAREA, length=32000),
            _OWNER,
            _key(),
        ),
    )


def _submission() -> ObjectType:
    return ObjectType(
        name="Submission__c",
        prefix="a01",
        label="Submission",
        fields=(
            _text("Name", 80, "Submission Number", auto_number="S-{:05d}", system=True, name_field=True),
            _to("Contact__c", "Contact", "Contact", updateable=False),
            _to("Account__c", "Account", "Account"),
            _text("Form__c", 80, "Form", required=True),
            _field("Answers__c", Kind.TEXTAREA, "Answers", length=32768),
            _field("Email__c", Kind.EMAIL, "Email", length=80),
            _field("Amount__c", Kind.CURRENCY, "Amount", precision=18, scale=2),
            _field("Quantity__c", Kind.DOUBLE, "Quantity", precision=18),
            _field("Submitted_At__c", Kind.DATETIME, "Submitted At"),
            _field("Preferred_Time__c", Kind.TIME, "Preferred Time"),
            _field("Consent__c", Kind.BOOLEAN, "Consent"),
            _choice("Channel__c", "Web|Kiosk|Paper", "Channel", restricted=True),
            _OWNER,
            _key(),
        ),
    )


def _user() -> ObjectType:
    return ObjectType(
        name="User",
        prefix="005",
        label="User",
        createable=False,
        full_name=("FirstName", "LastName"),
        fields=(
            _text("Username", 80, required=True, id_lookup=True),
            _text("LastName", 80, "Last Name", required=True, part_of="Name"),
            _text("FirstName", 40, "First Name", part_of="Name"),
            _text("Name", 121, "Full Name", system=True, name_field=True),
            _field("Email", Kind.EMAIL, length=128, id_lookup=True),
            _field("IsActive", Kind.BOOLEAN, "Active"),
        ),
    )


def _organization() -> ObjectType:
    return ObjectType(
        name="Organization",
        prefix="00D",
        label="Organization",
        createable=False,
        fields=(
            _text("Name", 80, name_field=True),
            _field("IsSandbox", Kind.BOOLEAN, "Is Sandbox"),
            _text("OrganizationType", 40, "Edition"),
        ),
    )


def default_objects() -> tuple[ObjectType, ...]:
    """The objects of a new org."""
    makers = (_account, _contact, _lead, _case, _opportunity, _submission, _user, _organization)
    return tuple(with_system_fields(make()) for make in makers)


USERS: Final[tuple[Row, ...]] = (
    {"Username": USERNAME, "LastName": "Integration", "Email": USERNAME, "IsActive": True},
    {"Username": "olivia@formlane.example", "LastName": "Owner", "FirstName": "Olivia", "IsActive": True},
    {"Username": "former@formlane.example", "LastName": "Former", "FirstName": "Fred", "IsActive": False},
)
ORGANIZATION: Final[Row] = {
    "Name": "Sandbox Company",
    "IsSandbox": True,
    "OrganizationType": "Developer Edition",
}
ACCOUNTS: Final[tuple[Row, ...]] = tuple(
    {"Name": name, "Website": f"https://{domain}", "Domain__c": domain, "Acct_Ext__c": key}
    for name, domain, key in (
        ("Acme", "acme.example", "A-1"),
        ("Globex", "globex.example", "A-2"),
        ("Initech", "initech.example", "A-3"),
    )
)
