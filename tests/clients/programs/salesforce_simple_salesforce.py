"""Uses an org by simple-salesforce. Arguments: its URL, the login host's, the CA file, credentials (JSON).

Only the hosts of `*.salesforce.com`, which the client has built in, are led elsewhere, and the CA is trusted.
"""

import json
import sys
from datetime import UTC, datetime, timedelta

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

URL, LOGIN_URL, AUTHORITY, CREDENTIALS = sys.argv[1:]
KNOWN = json.loads(CREDENTIALS)
VERSION = "68.0"


class Elsewhere(HTTPAdapter):
    """Sends what is meant for a host of the vendor to the org."""

    def __init__(self, base):
        super().__init__()
        self._base = base

    def send(self, request, **keywords):
        request.url = self._base + request.path_url
        return super().send(request, **keywords)


def session():
    made = requests.Session()
    made.trust_env = False  # the machine's own proxy and certificates
    made.verify = AUTHORITY
    made.mount("https://login.salesforce.com", Elsewhere(LOGIN_URL))
    made.mount("https://acme.my.salesforce.com", Elsewhere(URL))
    return made


def control(path, document=None, method="POST"):
    session().request(method, f"{URL}/_control/{path}", json=document, timeout=10).raise_for_status()


def refused(kind, act, *arguments, **keywords):
    """The error of the kind that `act` must raise."""
    try:
        act(*arguments, **keywords)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def by_password():
    return Salesforce(
        username=KNOWN["username"],
        password=KNOWN["password"],
        consumer_key=KNOWN["key"],
        consumer_secret=KNOWN["secret"],
        session=session(),
        version=VERSION,
    )


def by_jwt(**other):
    known = {"username": KNOWN["username"], "consumer_key": KNOWN["key"], "privatekey": KNOWN["private_key"]}
    return Salesforce(**{**known, **other}, session=session(), version=VERSION)


def by_client_credentials(**other):
    known = {"consumer_key": KNOWN["key"], "consumer_secret": KNOWN["secret"], "domain": "acme.my"}
    return Salesforce(**{**known, **other}, session=session(), version=VERSION)


def check_logins():
    for login in (by_password, by_jwt, by_client_credentials):
        assert login().limits()["DailyApiRequests"]["Max"] > 0
    assert by_jwt().auth_type == "jwt-bearer"
    error = refused(SalesforceAuthenticationFailed, by_client_credentials, consumer_key="x")
    assert "client identifier invalid" in str(error)
    error = refused(SalesforceAuthenticationFailed, by_jwt, username="somebody@else.example")
    assert "user hasn't approved this consumer" in str(error)
    known = {"username": "u", "password": "p", "security_token": "t"}
    error = refused(SalesforceAuthenticationFailed, Salesforce, **known, session=session())
    assert "INVALID_OPERATION" in str(error)


def check_metadata(sf):
    names = {found["name"] for found in sf.describe()["sobjects"]}
    assert {"Account", "Contact", "Lead", "Case", "Submission__c"} <= names
    fields = {found["name"]: found for found in sf.Contact.describe()["fields"]}
    assert fields["LastName"]["nillable"] is False
    assert (fields["Ext__c"]["externalId"], fields["Ext__c"]["unique"]) == (True, True)
    assert sf.Contact.metadata()["objectDescribe"]["keyPrefix"] == "003"
    assert sf.is_sandbox() is True
    assert sf.api_usage["api-usage"].total > 0


def check_records(sf):
    made = sf.Contact.create({"LastName": "Dyer", "Ext__c": "a 1"})
    assert (made["success"], made["errors"]) == (True, [])
    assert sf.Contact.update(made["id"], {"FirstName": "Ann"}) == 204
    assert sf.Contact.get(made["id"])["Name"] == "Ann Dyer"
    assert sf.Contact.upsert("Ext__c/a%201", {"Title": "T"}) == 200
    assert sf.Contact.upsert("Ext__c/b%2F2", {"LastName": "B"}) == 201
    assert sf.Contact.get_by_custom_id("Ext__c", "b/2")["LastName"] == "B"
    assert sf.Contact.delete(made["id"]) == 204
    found = sf.query_all("SELECT Id, Ext__c FROM Contact WHERE Ext__c IN ('a 1', 'b/2')")
    assert [record["Ext__c"] for record in found["records"]] == ["b/2"]
    assert sf.query("SELECT Id FROM Contact", include_deleted=True)["totalSize"] == 2
    start, end = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
    assert [one["id"] for one in sf.Contact.deleted(start, end)["deletedRecords"]] == [made["id"]]
    assert len(sf.Contact.updated(start, end)["ids"]) == 1


def check_collections(sf):
    listed = [
        {"attributes": {"type": "Contact"}, "Ext__c": f"c{number}", "LastName": "C" if number else None}
        for number in range(200)
    ]
    body = json.dumps({"allOrNone": False, "records": listed})
    results = sf.restful("composite/sobjects/Contact/Ext__c", method="PATCH", data=body)
    assert [found["success"] for found in results] == [False] + [True] * 199
    assert results[0]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    ids = ",".join(found["id"] for found in results[1:])
    results = sf.restful("composite/sobjects", method="DELETE", params={"ids": ids, "allOrNone": "true"})
    assert all(found["success"] for found in results)
    nodes = [
        {
            "method": "POST",
            "url": f"/services/data/v{VERSION}/sobjects/Contact",
            "referenceId": "person",
            "body": {"LastName": "G"},
        },
        {
            "method": "POST",
            "url": f"/services/data/v{VERSION}/sobjects/Case",
            "referenceId": "case",
            "body": {"ContactId": "@{person.id}", "Subject": "S"},
        },
    ]
    body = json.dumps({"graphs": [{"graphId": "g1", "compositeRequest": nodes}]})
    assert sf.restful("composite/graph", method="POST", data=body)["graphs"][0]["isSuccessful"] is True
    found = sf.query("SELECT Contact.LastName FROM Case")["records"]
    assert [record["Contact"]["LastName"] for record in found] == ["G"]


def check_bulk(sf):
    rows = [
        {"Ext__c": f"k{number}", "LastName": "B" if number else "", "Phone": "1"} for number in range(300)
    ]
    [done] = sf.bulk2.Contact.upsert(records=rows, external_id_field="Ext__c", wait=0.05)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (300, 1)
    failed = sf.bulk2.Contact.get_failed_records(done["job_id"])
    assert "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --" in failed
    assert sf.bulk2.Contact.get_successful_records(done["job_id"]).count("\n") == 300
    assert sf.bulk2.Contact.get_unprocessed_records(done["job_id"]).count("\n") == 1
    found = sf.query_all("SELECT Id FROM Contact WHERE Ext__c LIKE 'k%'")["records"]
    assert len(found) == 299
    ids = [{"Id": record["Id"]} for record in found]
    changed = sf.bulk2.Contact.update(records=[{**one, "Phone": "#N/A"} for one in ids], wait=0.05)
    assert changed[0]["numberRecordsFailed"] == 0
    assert sf.query("SELECT COUNT() FROM Contact WHERE Phone = '1'")["totalSize"] == 0
    assert sf.bulk2.Contact.insert(records=[{"LastName": "I"}], wait=0.05)[0]["numberRecordsFailed"] == 0
    assert sf.bulk2.Contact.delete(records=ids, wait=0.05)[0]["numberRecordsFailed"] == 0
    pages = list(sf.bulk2.Contact.query("SELECT Id, LastName FROM Contact", max_records=1, wait=0.05))
    assert len(pages) == sf.query("SELECT COUNT() FROM Contact")["totalSize"]
    assert pages[0].startswith('"Id","LastName"')
    error = refused(SalesforceOperationError, sf.bulk2.Contact.insert, records=[{"Nope": "x"}], wait=0.05)
    assert "InvalidBatch : Field name not found : Nope" in str(error)


def check_errors(sf):
    for _ in range(2):
        sf.Contact.create({"LastName": "D", "Legacy_Ext__c": "L"})
    error = refused(SalesforceMoreThanOneRecord, sf.Contact.upsert, "Legacy_Ext__c/L", {"LastName": "E"})
    assert (len(error.content), error.status) == (2, 300)
    error = refused(SalesforceMalformedRequest, sf.Contact.create, {"LastName": "x" * 81})
    assert error.content[0]["errorCode"] == "STRING_TOO_LONG"
    error = refused(SalesforceMalformedRequest, sf.query, "SELECT Nope FROM Contact")
    assert error.content[0]["errorCode"] == "INVALID_FIELD"
    error = refused(SalesforceResourceNotFound, sf.Nothing__c.describe)
    assert error.content[0]["errorCode"] == "NOT_FOUND"
    direct = Salesforce(session_id="dead", instance_url=URL, session=session(), version=VERSION)
    error = refused(SalesforceExpiredSession, direct.describe)
    assert error.content[0]["errorCode"] == "INVALID_SESSION_ID"
    control("faults", {"kind": "named", "name": "total_requests", "times": 1})
    error = refused(SalesforceRefusedRequest, sf.describe)
    assert error.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    for name in ("unknown_exception", "server_unavailable", "maintenance"):
        control("faults", {"kind": "named", "name": name, "times": 1})
        refused(SalesforceGeneralError, sf.describe)


def check_expiry(sf):
    control("sessions/expire")
    assert sf.describe()["maxBatchSize"] == 200
    control("instance/move")
    before = sf.sf_instance
    sf._refresh_session()
    assert sf.sf_instance != before
    fresh = by_jwt()
    assert fresh.sf_instance == sf.sf_instance
    assert fresh.Contact.metadata()["objectDescribe"]["name"] == "Contact"


check_logins()
client = by_jwt()
for check in (check_metadata, check_records, check_collections, check_bulk, check_errors, check_expiry):
    check(client)
sys.stdout.write("simple-salesforce accepts the org\n")
