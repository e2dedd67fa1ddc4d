"""pysfmc: token, lists and fields, rows in both ways, every class of error.

Arguments: address of the simulator, its control API, client id, secret and the authority's certificate. The
client knows the vendor's host names only; its HTTP client is led to the simulator under those names.
"""

import ssl
import sys
import time

import httpx
import pysfmc

ADDRESS, CONTROL, CLIENT, SECRET, AUTHORITY = sys.argv[1:]
SUBDOMAIN = "mcformlane-sandbox-000000000"


class Loopback(httpx.HTTPTransport):
    def handle_request(self, request):
        request.extensions["sni_hostname"] = request.url.host
        host, _, port = ADDRESS.partition(":")
        request.url = request.url.copy_with(host=host, port=int(port))
        return super().handle_request(request)


trust = ssl.create_default_context(cafile=AUTHORITY)


def connect(secret=SECRET, account="7281698"):
    settings = pysfmc.SFMCSettings(
        client_id=CLIENT, client_secret=secret, account_id=account, subdomain=SUBDOMAIN
    )
    return pysfmc.SFMCClient(settings, http_client=httpx.Client(transport=Loopback(verify=trust)))


def control(method, path, **fault):
    response = httpx.request(method, f"{CONTROL}/_control/{path}", json=fault, verify=trust)
    assert response.is_success, response.text


def raises(kind, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def test_discovery(client):
    found = client.get("data/v1/customobjects", params={"$search": "_", "$pagesize": 3})
    assert (found["count"], len(found["items"])) == (5, 3)
    wanted = client.get("data/v1/customobjects", params={"$search": "every"})["items"][0]
    fields = client.get(f"data/v1/customobjects/{wanted['id']}/fields")["fields"]
    types = {"Text", "Number", "Decimal", "Boolean", "Date", "EmailAddress", "Phone", "Locale"}
    assert {field["type"] for field in fields} == types
    error = raises(pysfmc.SFMCError, client.get, "data/v1/customobjects/form_leads")
    assert str(error) == "Id is invalid"


def test_rowset(client):
    rows = [{"keys": {"SubscriberKey": f"p{n}"}, "values": {"Email": f"p{n}@example.com"}} for n in range(3)]
    assert client.post("hub/v1/dataevents/key:form_leads/rowset", json=rows) == rows
    rows[1]["values"]["Email"] = "nobody"
    error = raises(pysfmc.SFMCError, client.post, "hub/v1/dataevents/key:form_leads/rowset", json=rows)
    assert error.response.json()["errorcode"] == 10006
    found = client.get("data/v1/customobjectdata/key/form_leads/rowset")
    assert [item["keys"]["subscriberkey"] for item in found["items"]] == ["p0", "p1", "p2"]


def test_asynchronous(client):
    items = [{"SubscriberKey": "q1", "Email": "q1@example.com"}, {"Email": "q2@example.com"}]
    given = client.put("data/v1/async/dataextensions/key:form_leads/rows", json={"items": items})
    place = f"data/v1/async/{given['requestId']}"
    deadline = time.monotonic() + 30
    while client.get(f"{place}/status").get("status", {}).get("requestStatus") != "Complete":
        assert time.monotonic() < deadline
    found = client.get(f"{place}/results")
    assert [item["status"] for item in found["items"]] == ["OK", "Error"]


def test_errors(client):
    search = ("data/v1/customobjects", {"$search": "_"})
    control("POST", "faults", kind="named", name="throttled", times=1)
    assert raises(pysfmc.SFMCRateLimitError, client.get, *search).retry_after == 5
    control("POST", "faults", kind="named", name="forbidden", times=1)
    raises(pysfmc.SFMCAuthorizationError, client.get, *search)
    control("POST", "faults", kind="named", name="maintenance", times=1)
    raises(pysfmc.SFMCServerError, client.get, *search)
    control("POST", "faults", kind="reset", times=1)
    raises(pysfmc.SFMCConnectionError, client.get, *search)
    raises(pysfmc.SFMCNotFoundError, client.get, "data/v9/nothing")
    control("POST", "tokens/expire")
    raises(pysfmc.SFMCAuthenticationError, client.get, *search)
    raises(pysfmc.SFMCAuthenticationError, connect(secret="wrong").get, *search)
    raises(pysfmc.SFMCError, connect(account="1").get, *search)


client = connect()
test_discovery(client)
test_rowset(client)
test_asynchronous(client)
test_errors(client)
