from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from formlane.destinations.sfmc.soap import ENVELOPE, PARTNER, NotSoap, read_retrieved, retrieve_request

BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'


def envelope(body: str) -> bytes:
    return f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>{body}</soap:Body></soap:Envelope>'.encode()


def message(inner: str) -> bytes:
    return envelope(f'<RetrieveResponseMsg xmlns="{PARTNER}">{inner}</RetrieveResponseMsg>')


def test_the_request_keeps_what_it_is_given_apart_from_its_markup() -> None:
    nasty = "a</Value><Value>&lt;\"'é"
    root = ET.fromstring(
        retrieve_request("to<ken>&", "DataExtensionField", ["Name", "A&B"], where=("K", nasty))
    )
    inner = root.find(f".//{{{PARTNER}}}RetrieveRequest")

    assert inner is not None
    assert root.findtext(".//{http://exacttarget.com}fueloauth") == "to<ken>&"
    assert [one.text for one in inner.findall(f"{{{PARTNER}}}Properties")] == ["Name", "A&B"]
    assert inner.findtext(f".//{{{PARTNER}}}Value") == nasty
    assert inner.find(f"{{{PARTNER}}}ContinueRequest") is None


def test_a_request_to_go_on_names_the_one_before_only() -> None:
    root = ET.fromstring(retrieve_request("t", "DataExtension", ["Name"], after="id&1"))

    assert root.findtext(f".//{{{PARTNER}}}ContinueRequest") == "id&1"
    assert root.find(f".//{{{PARTNER}}}ObjectType") is None


def test_results_are_read_by_the_names_of_their_elements() -> None:
    found = read_retrieved(
        message(
            "<OverallStatus>MoreDataAvailable</OverallStatus><RequestID>r1</RequestID>"
            "<Results><Name>A</Name><DefaultValue/></Results><Results><Name>B</Name></Results>"
        )
    )

    assert (found.status, found.request_id, found.fault) == ("MoreDataAvailable", "r1", None)
    assert list(found.results) == [{"Name": "A", "DefaultValue": ""}, {"Name": "B"}]


def test_an_empty_answer_is_none_of_an_error() -> None:
    found = read_retrieved(message(""))
    assert (found.status, found.request_id, list(found.results)) == ("", "", [])


def test_faults_are_read() -> None:
    found = read_retrieved(envelope("<soap:Fault><faultstring>Token Expired</faultstring></soap:Fault>"))
    nameless = read_retrieved(envelope("<soap:Fault/>"))

    assert (found.fault, nameless.fault) == ("Token Expired", "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><p></html>",
        b"<html/>",
        BOMB,
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x"><x/>',
        envelope(""),
        b"\xff\xfe",
        f'<s:Envelope xmlns:s="{ENVELOPE}"/>'.encode(),
    ],
    ids=["empty", "broken", "html", "entities", "external", "no-message", "bytes", "no-body"],
)
def test_what_is_not_the_vendors_soap_is_refused(body: bytes) -> None:
    with pytest.raises(NotSoap):
        read_retrieved(body)
