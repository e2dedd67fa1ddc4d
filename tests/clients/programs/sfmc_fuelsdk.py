"""FuelSDK: token, data extensions, their fields, rows created, changed, read and deleted over SOAP.

Arguments: the URLs of the token host and of the SOAP host, client id and secret, and a path for the WSDL.
"""

import sys

from FuelSDK import ET_Client, ET_DataExtension, ET_DataExtension_Column, ET_DataExtension_Row

AUTH, SOAP, CLIENT, SECRET, WSDL = sys.argv[1:]


def connect(secret=SECRET):
    return ET_Client(
        params={
            "clientid": CLIENT,
            "clientsecret": secret,
            "defaultwsdl": f"{SOAP}/etframework.wsdl",
            "wsdl_file_local_loc": WSDL,
            "authenticationurl": AUTH,
            "useOAuth2Authentication": "True",
        }
    )


def of(client, thing, **members):
    thing.auth_stub = client
    for name, value in members.items():
        setattr(thing, name, value)
    return thing


def equals(name, value):
    return {"Property": name, "SimpleOperator": "equals", "Value": value}


def test_extensions(client):
    found = of(client, ET_DataExtension(), props=["Name", "CustomerKey", "ObjectID", "CategoryID"]).get()
    assert found.status, found.message
    assert {one.CustomerKey for one in found.results} >= {"form_leads", "feedback_log", "all-types"}
    assert all(len(one.ObjectID) == 36 for one in found.results)

    both = {
        "LeftOperand": equals("CustomerKey", "form_leads"),
        "LogicalOperator": "AND",
        "RightOperand": equals("Name", "Form leads"),
    }
    found = of(client, ET_DataExtension(), props=["Name"], search_filter=both).get()
    assert [one.Name for one in found.results] == ["Form leads"]


def test_describe(client):
    found = of(client, ET_DataExtension(), search_filter=equals("CustomerKey", "form_leads")).get()
    assert found.status, found.message
    assert found.results[0].IsSendable is True


def test_fields(client):
    names = [
        "Name",
        "FieldType",
        "MaxLength",
        "Scale",
        "IsRequired",
        "IsPrimaryKey",
        "Ordinal",
        "DefaultValue",
    ]
    column = of(client, ET_DataExtension_Column(), props=names)
    column.search_filter = equals("DataExtension.CustomerKey", "form_leads")
    found = column.get()
    assert found.status, found.message
    fields = {one.Name: one for one in found.results}
    assert fields["SubscriberKey"].IsPrimaryKey is True
    assert fields["SubscriberKey"].MaxLength == 100
    assert (fields["Score"].FieldType, fields["Score"].Scale) == ("Decimal", 2)
    assert sorted(one.Ordinal for one in found.results) == list(range(9))


def test_wrong_property(client):
    found = of(client, ET_DataExtension(), props=["Nonsense"]).get()
    assert not found.status
    assert found.message.startswith("Error: ")


def test_rows(client):
    rows = of(client, ET_DataExtension_Row(), CustomerKey="form_leads")
    rows.props = [{"SubscriberKey": f"s{n}", "Email": f"s{n}@example.com"} for n in range(3)]
    made = rows.post()
    assert made.status, made.results
    assert [one.StatusCode for one in made.results] == ["OK"] * 3

    rows.props = {"SubscriberKey": "s1", "Email": "not an address"}
    refused = rows.patch()
    assert not refused.status
    assert "not a valid email address" in refused.results[0].StatusMessage

    rows.props = {"SubscriberKey": "s1", "FirstName": "Änne & <Co>"}
    assert rows.patch().status
    assert read(client) == {"s0": None, "s1": "Änne & <Co>", "s2": None}

    rows.props = {"SubscriberKey": "s0"}
    assert rows.delete().status
    assert not rows.delete().status
    assert set(read(client)) == {"s1", "s2"}


def read(client):
    rows = of(client, ET_DataExtension_Row(), CustomerKey="form_leads", props=["SubscriberKey", "FirstName"])
    found = rows.get()
    assert found.status, found.message
    values = [{one.Name: one.Value for one in row.Properties.Property} for row in found.results]
    return {row["SubscriberKey"]: row["FirstName"] for row in values}


def test_pages(client):
    rows = of(client, ET_DataExtension_Row(), CustomerKey="Form_Submissions", props=["SubmissionId"])
    found = rows.get()
    seen = [row.Properties.Property[0].Value for row in found.results]
    while found.more_results:
        found = rows.getMoreResults()
        seen += [row.Properties.Property[0].Value for row in found.results]
    assert len(seen) == len(set(seen)) == 6000


def test_wrong_secret():
    assert "invalid_client" in refusal("wrong")


def refusal(secret):
    try:
        connect(secret)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing narrower
        return str(error)
    return ""


client = connect()
test_extensions(client)
test_describe(client)
test_fields(client)
test_wrong_property(client)
test_rows(client)
test_pages(client)
test_wrong_secret()
