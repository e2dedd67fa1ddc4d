"""The SOAP host: retrieve in pages, rows, faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from xml.sax.saxutils import escape

import pytest

from formlane_sandbox.sfmc.soap.message import parse, text_of
from tests.unit.sandbox_sfmc.caller import Caller, calling, lead

FIELD = ("Name", "FieldType", "MaxLength", "Scale", "IsRequired", "IsPrimaryKey", "Ordinal", "DefaultValue")


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as found:
        yield found


def simple(name: str, value: str) -> str:
    return (
        f'<Filter xsi:type="SimpleFilterPart"><Property>{name}</Property>'
        f"<SimpleOperator>equals</SimpleOperator><Value>{escape(value)}</Value></Filter>"
    )


def retrieve(kind: str, properties: tuple[str, ...], more: str = "") -> str:
    wanted = "".join(f"<Properties>{name}</Properties>" for name in properties)
    return (
        f"<RetrieveRequestMsg><RetrieveRequest><ObjectType>{escape(kind)}</ObjectType>"
        f"{wanted}{more}</RetrieveRequest></RetrieveRequestMsg>"
    )


def write(verb: str, pairs: dict[str, str], *, key: str = "form_leads", options: str = "") -> str:
    part = "Keys" if verb == "Delete" else "Properties"
    one = "Key" if verb == "Delete" else "Property"
    values = "".join(
        f"<{one}><Name>{name}</Name><Value>{escape(value)}</Value></{one}>" for name, value in pairs.items()
    )
    return (
        f'<{verb}Request>{options}<Objects xsi:type="ns1:DataExtensionObject">'
        f"<CustomerKey>{key}</CustomerKey><{part}>{values}</{part}></Objects></{verb}Request>"
    )


async def post(
    caller: Caller, content: str, *, token: str | None = None, path: str = "Service.asmx"
) -> tuple[int, str]:
    word = caller.token if token is None else token
    message = (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:ns1="http://exacttarget.com/wsdl/partnerAPI">'
        f'<s:Header><fueloauth xmlns="http://exacttarget.com">{word}</fueloauth></s:Header>'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    )
    headers = {"content-type": "text/xml; charset=utf-8", "soapaction": '"Retrieve"'}
    url = f"{caller.sim.soap_url}/{path}"
    async with caller.session.post(url, data=message.encode(), headers=headers) as response:
        assert response.headers["content-type"].startswith("text/xml")
        return response.status, await response.text()


async def fault(caller: Caller, content: str, **more: str) -> str:
    status, text = await post(caller, content, **more)
    assert status == 500
    return text_of(parse(text.encode()), "Body/Fault/faultstring")


async def status_of(caller: Caller, content: str) -> str:
    met, text = await post(caller, content)
    assert met == 200
    return next(parse(text.encode()).iter("OverallStatus")).text or ""


async def test_extensions_are_listed(caller: Caller) -> None:
    properties = ("ObjectID", "CustomerKey", "Name", "CategoryID", "IsSendable", "Description")
    _, text = await post(caller, retrieve("DataExtension", properties))
    results = parse(text.encode()).findall("Body/RetrieveResponseMsg/Results")

    assert {text_of(one, "CustomerKey") for one in results} == {
        "form_leads", "Form_Submissions", "event_registrations", "feedback_log", "all-types"
    }  # fmt: skip
    assert text_of(results[0], "ObjectID") == caller.sim.extension("form_leads").id


async def test_fields_of_a_customer_key(caller: Caller) -> None:
    content = retrieve("DataExtensionField", FIELD, simple("DataExtension.CustomerKey", "FORM_LEADS"))
    _, text = await post(caller, content, path="service.asmx")
    results = parse(text.encode()).findall("Body/RetrieveResponseMsg/Results")
    fields = {text_of(one, "Name"): one for one in results}

    assert text.startswith('<?xml version="1.0" encoding="utf-8"?><soap:Envelope ')
    assert '<Results xsi:type="DataExtensionField"><PartnerKey xsi:nil="true" />' in text
    assert "<OverallStatus>OK</OverallStatus><RequestID>" in text
    assert text_of(fields["SubscriberKey"], "IsPrimaryKey") == "true"
    assert text_of(fields["SubscriberKey"], "IsRequired") == "true"
    assert text_of(fields["Email"], "FieldType") == "EmailAddress"
    assert [text_of(fields["Score"], name) for name in ("MaxLength", "Scale")] == ["18", "2"]
    assert fields["IsActive"].find("MaxLength") is None
    ordinals = [int(text_of(one, "Ordinal")) for one in results]
    assert sorted(ordinals) == list(range(9)) != ordinals


async def test_a_field_says_whose_it_is(caller: Caller) -> None:
    wanted = ("CustomerKey", "DataExtension.CustomerKey")
    content = retrieve("DataExtensionField", wanted, simple("CustomerKey", "[all-types].[Key]"))
    _, text = await post(caller, content)

    assert "<CustomerKey>[all-types].[Key]</CustomerKey>" in text
    assert (
        '<DataExtension><PartnerKey xsi:nil="true" /><ObjectID xsi:nil="true" />'
        "<CustomerKey>all-types</CustomerKey></DataExtension>"
    ) in text


async def test_more_data_is_fetched_by_the_request_id(caller: Caller) -> None:
    many = caller.sim.extension("Form_Submissions")
    for number in range(5001):
        many.rows[(str(number),)] = {"submissionid": str(number)}
    content = retrieve("DataExtensionObject[form_SUBMISSIONS]", ("SubmissionId",))
    seen: list[str] = []
    sizes: list[int] = []
    status = "MoreDataAvailable"
    while status == "MoreDataAvailable":
        _, text = await post(caller, content)
        answer = next(parse(text.encode()).iter("RetrieveResponseMsg"))
        found = [text_of(one, "Properties/Property/Value") for one in answer.findall("Results")]
        seen, sizes = [*seen, *found], [*sizes, len(found)]
        status, request_id = text_of(answer, "OverallStatus"), text_of(answer, "RequestID")
        content = (
            "<RetrieveRequestMsg><RetrieveRequest>"
            f"<ContinueRequest>{request_id}</ContinueRequest></RetrieveRequest></RetrieveRequestMsg>"
        )

    assert sizes == [2500, 2500, 1]
    assert len(set(seen)) == 5001
    assert (await status_of(caller, content)).startswith("Error: ")


@pytest.mark.parametrize(
    "content",
    [
        retrieve("DataExtension", ("Nonsense",)),
        retrieve("DataExtension", ()),
        retrieve("Nonsense", ("Name",)),
        retrieve("DataExtensionObject[gone]", ("Name",)),
        retrieve("DataExtensionObject[form_leads]", ("Nonsense",)),
        retrieve("DataExtension", ("Name",), simple("Nonsense", "x")),
    ],
    ids=["property", "no-property", "type", "extension", "column", "filter"],
)
async def test_wrong_retrieves_are_errors_of_the_overall_status(caller: Caller, content: str) -> None:
    assert (await status_of(caller, content)).startswith("Error: ")


async def test_rows_are_written(caller: Caller) -> None:
    save = "<SaveOption><PropertyName>*</PropertyName><SaveAction>UpdateAdd</SaveAction></SaveOption>"
    upsert = f"<Options><SaveOptions>{save}</SaveOptions></Options>"
    met = [
        await status_of(caller, content)
        for content in (
            write("Create", {"SubscriberKey": "a", "Email": "a@example.com"}),
            write("Create", {"SubscriberKey": "a"}),
            write("Update", {"SubscriberKey": "a", "FirstName": "Ann"}),
            write("Update", {"SubscriberKey": "b"}),
            write("Update", {"SubscriberKey": "b"}, options=upsert),
            write("Update", {"SubscriberKey": "a", "Email": "nobody"}),
            write("Update", {"Rating": "1"}, key="feedback_log"),
            write("Create", {"Rating": "1"}, key="feedback_log"),
            write("Create", {"Rating": "1"}, key="gone"),
            write("Delete", {"SubscriberKey": "b"}),
            write("Delete", {"SubscriberKey": "b"}),
        )
    ]

    assert met == ["OK", "Error", "OK", "Error", "OK", "Error", "Error", "OK", "Error", "OK", "Error"]
    assert [(row["SubscriberKey"], row["FirstName"]) for row in caller.sim.objects("form_leads")] == [
        ("a", "Ann")
    ]


async def test_some_objects_may_fail(caller: Caller) -> None:
    two = write("Create", {"SubscriberKey": "a"}).replace(
        "</CreateRequest>", write("Create", {"Nope": "b"}).removeprefix("<CreateRequest>")
    )
    _, text = await post(caller, two)
    answer = parse(text.encode()).findall("Body/CreateResponse/Results")

    assert [text_of(one, "StatusCode") for one in answer] == ["OK", "Error"]
    assert [text_of(one, "OrdinalID") for one in answer] == ["0", "1"]
    assert "<OverallStatus>Has Errors</OverallStatus>" in text


async def test_definitions_name_what_can_be_retrieved(caller: Caller) -> None:
    request = "<ObjectDefinitionRequest><ObjectType>DataExtensionField</ObjectType></ObjectDefinitionRequest>"
    content = f"<DefinitionRequestMsg><DescribeRequests>{request}</DescribeRequests></DefinitionRequestMsg>"
    _, text = await post(caller, content)
    names = [text_of(one, "Name") for one in parse(text.encode()).iter("Properties")]

    assert await status_of(caller, retrieve("DataExtensionField", tuple(names))) == "OK"


async def test_faults_of_log_in(caller: Caller) -> None:
    content = retrieve("DataExtension", ("Name",))
    assert await fault(caller, content, token="") == "Login Failed"
    assert await fault(caller, content, token="stale") == "Token Expired"
    caller.arm("token_expired")
    assert await fault(caller, content) == "Token Expired"
    await caller.log_in(scope="journeys_read")
    assert await fault(caller, content) == "Insufficient privileges."
    _, text = await post(caller, content, token="stale")

    assert "q0:Security</faultcode>" in text
    assert f"<faultactor>{caller.sim.soap_url}/Service.asmx</faultactor>" in text


@pytest.mark.parametrize("content", ["", "<Nonsense/>", "<open>"])
async def test_faults_of_messages(caller: Caller, content: str) -> None:
    assert await fault(caller, content)


async def test_throttling_is_a_500(caller: Caller) -> None:
    content = retrieve("DataExtension", ("Name",))
    caller.arm("soap_throttled")
    assert "busy" in await fault(caller, content)
    caller.arm("soap_error")
    assert (await status_of(caller, content)).startswith("Error: ")
    caller.sim.configure(b'{"limits": {"soap_per_minute": 1}}')
    caller.sim.clock.shift(60 - caller.sim.clock.time() % 60)

    assert await status_of(caller, content) == "OK"
    assert "busy" in await fault(caller, content)


async def test_rows_written_over_rest_are_read(caller: Caller) -> None:
    await caller.upsert([lead("a", Score=1.5, IsActive=True)])
    _, text = await post(caller, retrieve("DataExtensionObject[form_leads]", ("score", "IsActive", "Phone")))

    assert "<Property><Name>score</Name><Value>1.50</Value></Property>" in text
    assert "<Property><Name>IsActive</Name><Value>True</Value></Property>" in text
    assert "<Property><Name>Phone</Name><Value /></Property>" in text


async def test_the_description_names_the_address(caller: Caller) -> None:
    async with caller.session.get(f"{caller.sim.soap_url}/etframework.wsdl") as response:
        text = await response.text()

    assert f'location="{caller.sim.soap_url}/Service.asmx"' in text
    assert "last-modified" in response.headers
    assert parse(text.encode()).tag == "definitions"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "Service.asmx", 405), ("POST", "other", 404)])
async def test_other_paths(caller: Caller, method: str, path: str, status: int) -> None:
    async with caller.session.request(method, f"{caller.sim.soap_url}/{path}") as response:
        assert response.status == status
