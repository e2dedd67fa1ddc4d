"""SOAP, as far as metadata needs it: the Retrieve request, and its answer. DTDs are refused."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER: Final = "http://exacttarget.com/wsdl/partnerAPI"
"""Name spaces of the vendor's WSDL."""

MORE: Final = "MoreDataAvailable"
"""Overall status of an answer that is not the last (SOAP "RetrieveResponse": 2,500 objects per answer)."""


class NotSoap(ValueError):  # noqa: N818 - says what it is
    """An answer that is no SOAP envelope of the vendor's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """One answer: each result's texts by element name. `fault` is the text of a SOAP fault."""

    status: str = ""
    request_id: str = ""
    results: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    fault: str | None = None


def retrieve_request(
    token: str, kind: str, properties: Sequence[str], *, where: tuple[str, str] | None = None, after: str = ""
) -> bytes:
    """A Retrieve of objects of a kind; `where` is (property, value it equals), `after` a request to go on."""
    if after:
        inner = f"<ContinueRequest>{escape(after)}</ContinueRequest>"
    else:
        names = "".join(f"<Properties>{escape(name)}</Properties>" for name in properties)
        inner = f"<ObjectType>{escape(kind)}</ObjectType>{names}{_filter(where)}"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{ENVELOPE}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<s:Header><fueloauth xmlns="http://exacttarget.com">{escape(token)}</fueloauth></s:Header>'
        f'<s:Body><RetrieveRequestMsg xmlns="{PARTNER}"><RetrieveRequest>{inner}</RetrieveRequest>'
        "</RetrieveRequestMsg></s:Body></s:Envelope>"
    ).encode()


def read_retrieved(body: bytes) -> Retrieved:
    """The answer to a Retrieve, or a fault. Raises `NotSoap`."""
    try:
        root = ET.XML(body, ET.XMLParser(target=_NoDoctype()))  # noqa: S314 - without DTD there are no entities
    except (ET.ParseError, ValueError) as error:
        raise NotSoap(str(error)) from None
    found = root.find(f"{{{ENVELOPE}}}Body") if root.tag == f"{{{ENVELOPE}}}Envelope" else None
    if found is None:
        raise NotSoap("no envelope")
    fault = found.find(f"{{{ENVELOPE}}}Fault")
    if fault is not None:
        return Retrieved(fault=(fault.findtext("faultstring") or "").strip())
    message = found.find(f"{{{PARTNER}}}RetrieveResponseMsg")
    if message is None:
        raise NotSoap("no RetrieveResponseMsg")
    return Retrieved(
        status=(message.findtext(f"{{{PARTNER}}}OverallStatus") or "").strip(),
        request_id=message.findtext(f"{{{PARTNER}}}RequestID") or "",
        results=[_texts(one) for one in message.iterfind(f"{{{PARTNER}}}Results")],
    )


class _NoDoctype(ET.TreeBuilder):
    """Ends the parse at a document type declaration, before anything in it is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("a document type declaration")


def _filter(where: tuple[str, str] | None) -> str:
    if where is None:
        return ""
    name, value = where
    return (
        f'<Filter xsi:type="SimpleFilterPart"><Property>{escape(name)}</Property>'
        f"<SimpleOperator>equals</SimpleOperator><Value>{escape(value)}</Value></Filter>"
    )


def _texts(element: ET.Element) -> dict[str, str]:
    return {child.tag.rpartition("}")[2]: child.text or "" for child in element}
