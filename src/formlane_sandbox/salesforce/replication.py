"""Which records were changed or deleted in a time (REST API Developer Guide, Get Updated)."""

from __future__ import annotations

from datetime import datetime, timedelta

from formlane_sandbox.salesforce.errors import bad_request
from formlane_sandbox.salesforce.org import Org
from formlane_sandbox.salesforce.table import Table
from formlane_sandbox.salesforce.values import Row, instant
from formlane_sandbox.salesforce.wire import Answer, Call

_KEPT = timedelta(days=30)


def answer_updated(table: Table, call: Call) -> Answer:
    """Ids of live records that were made or changed."""
    start, end = _span(call)
    ids = [row["Id"] for row in table if _within(row, start, end)]
    return Answer(200, {"ids": ids, "latestDateCovered": end})


def answer_deleted(org: Org, table: Table, call: Call) -> Answer:
    """Records that went to the recycle bin, and when."""
    start, end = _span(call)
    gone = [
        {"deletedDate": row["SystemModstamp"], "id": row["Id"]}
        for row in table.deleted.values()
        if _within(row, start, end)
    ]
    earliest = instant(org.clock.now() - _KEPT)
    return Answer(200, {"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": end})


def _within(row: Row, start: str, end: str) -> bool:
    """Stored instants are of one form and zone, so they compare as texts."""
    return start <= str(row["SystemModstamp"]) <= end


def _span(call: Call) -> tuple[str, str]:
    call.allow("GET")
    try:
        start, end = (instant(datetime.fromisoformat(call.query[name])) for name in ("start", "end"))
    except (KeyError, ValueError):
        raise bad_request("INVALID_REPLICATION_DATE", "start and end must be dates with an offset") from None
    if start > end:
        raise bad_request("INVALID_REPLICATION_DATE", "end must be after start")
    return start, end
