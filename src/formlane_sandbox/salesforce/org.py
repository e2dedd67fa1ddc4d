"""The org: everything that handlers share."""

from __future__ import annotations

from formlane_sandbox.clock import Clock
from formlane_sandbox.faults import Faults
from formlane_sandbox.salesforce.database import Database
from formlane_sandbox.salesforce.drafts import Draft, UnknownColumnError
from formlane_sandbox.salesforce.errors import RecordError, WrongTypeError, bad_request
from formlane_sandbox.salesforce.limits import Usage
from formlane_sandbox.salesforce.mishaps import RecordMishaps
from formlane_sandbox.salesforce.settings import Extent, Settings
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.wire import Call
from formlane_sandbox.salesforce.writes import Terms


class Org:
    """Data, settings, quota and armed faults."""

    def __init__(self, settings: Settings, *, clock: Clock, faults: Faults) -> None:
        self.settings = settings
        self.clock = clock
        self.faults = faults
        self.database = Database(clock)
        self.usage = Usage(clock)
        self.mishaps = RecordMishaps()

    def terms(self, call: Call) -> Terms:
        """How the records of this request are to be written (its headers, armed faults)."""
        rule = call.header(b"sforce-duplicate-rule-header").replace(" ", "").lower()
        trouble = None
        if self.faults:
            trouble = self.mishaps.trouble(self.faults, call.method, call.path)
        return Terms(
            allow_duplicates="allowsave=true" in rule.split(";"), trouble=trouble, version=call.version
        )

    def read_record(self, table: Table, record: dict[str, object], call: Call) -> Draft:
        """A draft; a value of the wrong JSON type or an unknown column refuses the request (400)."""
        try:
            return table.reader.read(record)
        except WrongTypeError as error:
            message = f"{error.message} at [{_place(call.body, error.value)}]"
            raise bad_request("JSON_PARSER_ERROR", message) from None
        except UnknownColumnError as error:
            raise bad_request("INVALID_FIELD", error.message) from None

    def read_one_of_many(self, table: Table, record: dict[str, object], call: Call) -> Draft:
        """As `read_record`, unless the settings say that such an error spoils only its own record."""
        settings = self.settings
        try:
            return table.reader.read(record)
        except WrongTypeError as error:
            if settings.wrong_type_spoils is Extent.REQUEST:
                return self.read_record(table, record, call)
            message = f"value not of required type: {error.value}"
            return Draft({}, errors=[RecordError("INVALID_TYPE_ON_FIELD_IN_RECORD", message)])
        except UnknownColumnError as error:
            if settings.unknown_column_spoils is Extent.REQUEST:
                return self.read_record(table, record, call)
            return Draft({}, errors=[RecordError("INVALID_FIELD", error.message, (error.name,))])


def _place(body: bytes, value: object) -> str:
    """Where in the request's text a value stands: its first occurrence, which is good enough to be shown."""
    needle = f'"{value}"'.encode() if isinstance(value, str) else str(value).lower().encode()
    end = max(body.find(needle), 0) + len(needle)
    line = body.count(b"\n", 0, end) + 1
    column = end - body.rfind(b"\n", 0, end)
    return f"line:{line}, column:{column}"
