"""SOAP messages: read without DTDs and entities, written the way the vendor writes them.

Source: Marketing Cloud SOAP API; envelope, prefixes and faults as recorded by public clients, which look for
the literal `soap:`.
"""

from __future__ import annotations

import re
import uuid
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers.expat import ExpatError, ParserCreate

from formlane_sandbox.sfmc.answers import Answer
from formlane_sandbox.sfmc.vendor_time import soap_stamp

PARTNER = "http://exacttarget.com/wsdl/partnerAPI"
XML = "text/xml; charset=utf-8"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
_NAMESPACES = {
    "xmlns:soap": "http://schemas.xmlsoap.org/soap/envelope/",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmlns:xsd": "http://www.w3.org/2001/XMLSchema",
    "xmlns:wsa": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "xmlns:wsse": f"{_WSSE}secext-1.0.xsd",
    "xmlns:wsu": f"{_WSSE}utility-1.0.xsd",
}
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_LIFE = 300
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'


class BadMessageError(ValueError):
    """What arrived is no XML, or has a document type."""


class FaultError(Exception):
    """Ends the handling of a request with a fault. `security`: its code is of WS-Security."""

    def __init__(self, text: str, *, security: bool = False) -> None:
        super().__init__(text)
        self.security = security


def parse(content: bytes) -> Element:
    """The document's root; names without namespace. BadMessageError if it is not plain XML."""
    builder = TreeBuilder()
    parser = ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        builder.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        builder.end(_local(name))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(content, True)
        return builder.close()
    except (ExpatError, AssertionError) as error:
        raise BadMessageError(str(error)) from error


def text_of(element: Element, path: str) -> str:
    """The text at a path, trimmed; empty if there is none."""
    return (element.findtext(path) or "").strip()


def kind_of(element: Element) -> str:
    """The local name of its xsi:type."""
    return element.get("type", "").rpartition(":")[2]


def put(parent: Element, name: str, value: object = "", **attributes: str) -> Element:
    """A new child with text; what XML cannot hold is left out of it."""
    child = SubElement(parent, name, attributes)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    child.text = _NOT_XML.sub("", text) or None
    return child


def put_nil(parent: Element, name: str) -> None:
    """A new child without a value."""
    SubElement(parent, name, {"xsi:nil": "true"})


def body(name: str) -> Element:
    """The element inside the SOAP body."""
    return Element(name, {"xmlns": PARTNER})


def answered(action: str, content: Element, *, now: float, status: int = 200, rows: int = 0) -> Answer:
    """The envelope around an answer."""
    envelope = Element("soap:Envelope", _NAMESPACES)
    header = SubElement(envelope, "soap:Header")
    put(header, "wsa:Action", action)
    put(header, "wsa:MessageID", f"urn:uuid:{uuid.uuid4()}")
    put(header, "wsa:RelatesTo", f"urn:uuid:{uuid.uuid4()}")
    put(header, "wsa:To", _ANONYMOUS)
    stamp = SubElement(
        SubElement(header, "wsse:Security"), "wsu:Timestamp", {"wsu:Id": f"Timestamp-{uuid.uuid4()}"}
    )
    put(stamp, "wsu:Created", soap_stamp(now))
    put(stamp, "wsu:Expires", soap_stamp(now + _LIFE))
    SubElement(envelope, "soap:Body").append(content)
    text = _DECLARATION + tostring(envelope, encoding="unicode")
    return Answer(status=status, body=text.encode(), content_type=XML, rows=rows)


def fault(error: FaultError, *, address: str, now: float) -> Answer:
    """HTTP 500 with a fault."""
    content = Element("soap:Fault")
    if error.security:
        code = SubElement(content, "faultcode", {"xmlns:q0": _NAMESPACES["xmlns:wsse"]})
        code.text = "q0:Security"
    else:
        put(content, "faultcode", "soap:Client")
    put(content, "faultstring", str(error))
    put(content, "faultactor", address)
    return answered("http://schemas.xmlsoap.org/ws/2004/08/addressing/fault", content, now=now, status=500)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _refuse(*declaration: object) -> None:
    raise BadMessageError("a document type is not allowed")
