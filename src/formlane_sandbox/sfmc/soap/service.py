"""`Service.asmx`: who asks, what for.

Source: Marketing Cloud SOAP API; the access token travels in the header element `fueloauth`.
"""

from __future__ import annotations

import uuid
from importlib.resources import files
from xml.etree.ElementTree import Element, SubElement

from formlane_sandbox.sfmc.answers import Answer
from formlane_sandbox.sfmc.calls import Call, Role
from formlane_sandbox.sfmc.credentials import Token
from formlane_sandbox.sfmc.limits import Limiter
from formlane_sandbox.sfmc.soap.message import (
    BadMessageError,
    FaultError,
    answered,
    body,
    fault,
    parse,
    put,
    put_nil,
    text_of,
)
from formlane_sandbox.sfmc.soap.records import PROPERTIES
from formlane_sandbox.sfmc.soap.retrieve import Retrieve
from formlane_sandbox.sfmc.soap.writes import Writes
from formlane_sandbox.sfmc.state import State

_READ, _WRITE = "data_extensions_read", "data_extensions_write"
_WRITES = {"CreateRequest": "Create", "UpdateRequest": "Update", "DeleteRequest": "Delete"}
_BUSY = "The server is too busy to answer. Try again later."


class Service:
    """The handlers of the SOAP host."""

    def __init__(self, state: State, limiter: Limiter) -> None:
        self._state = state
        self._limiter = limiter
        self._retrieve = Retrieve(state)
        self._writes = Writes(state)

    def answer(self, call: Call) -> Answer:
        """Answer one message; trouble is HTTP 500 with a fault, throttling too."""
        try:
            return self._answer(call)
        except FaultError as error:
            return fault(error, address=_address(call), now=self._state.clock.time())

    def wsdl(self, call: Call) -> Answer:
        """The part of the service's description that is served here."""
        text = files(__package__).joinpath("etframework.wsdl").read_text()
        modified = (b"last-modified", b"Mon, 02 Nov 2026 08:00:00 GMT")
        content = text.replace("{address}", _address(call)).encode()
        return Answer(body=content, content_type="text/xml", headers=(modified,))

    def _answer(self, call: Call) -> Answer:
        if self._named(call, "soap_throttled") or self._limiter.wait_for(Role.SOAP):
            raise FaultError(_BUSY)
        if len(call.body) > self._state.settings.limits.rest_bytes:
            raise FaultError("The message is too large.")
        try:
            envelope = parse(call.body)
        except BadMessageError as error:
            raise FaultError(f"Unable to read the message: {error}") from error
        requests = envelope.find("Body")
        request = requests[0] if requests is not None and len(requests) else None
        if request is None:
            raise FaultError("The message has no body.")
        token = self._token(call, text_of(envelope, "Header/fueloauth"))
        if self._named(call, "soap_error"):
            return self._failed(request)
        return self._dispatch(request, token)

    def _dispatch(self, request: Element, token: Token) -> Answer:
        if request.tag in _WRITES:
            _need(token, _WRITE)
            return self._writes.answer(_WRITES[request.tag], request, token.account)
        _need(token, _READ)
        if request.tag == "RetrieveRequestMsg":
            return self._retrieve.answer(request, token.account)
        if request.tag == "DefinitionRequestMsg":
            return self._describe(request)
        raise FaultError(f"Server did not recognize the request {request.tag}.")

    def _token(self, call: Call, word: str) -> Token:
        if not word or self._named(call, "revoked"):
            raise FaultError("Login Failed", security=True)
        if self._named(call, "token_expired"):
            self._state.tokens.expire()
        token = self._state.tokens.find(word)
        if token is None:
            raise FaultError("Token Expired", security=True)
        return token

    def _describe(self, request: Element) -> Answer:
        content = body("DefinitionResponseMsg")
        for one in request.findall("DescribeRequests/ObjectDefinitionRequest"):
            kind = text_of(one, "ObjectType")
            definition = SubElement(content, "ObjectDefinition")
            put(definition, "ObjectType", kind)
            for name, type_name in PROPERTIES.get(kind, {}).items():
                part = SubElement(definition, "Properties")
                put_nil(part, "PartnerKey")
                put_nil(part, "ObjectID")
                put(part, "Name", name)
                put(part, "DataType", type_name)
                put(part, "IsUpdatable", False)
                put(part, "IsRetrievable", True)
        put(content, "RequestID", uuid.uuid4())
        return answered("DescribeResponse", content, now=self._state.clock.time())

    def _failed(self, request: Element) -> Answer:
        content = body(request.tag.replace("Request", "Response"))
        put(content, "OverallStatus", "Error: An error occurred while processing the request.")
        put(content, "RequestID", uuid.uuid4())
        return answered("Response", content, now=self._state.clock.time())

    def _named(self, call: Call, name: str) -> bool:
        faults = self._state.faults
        return bool(faults) and faults.named(name, method=call.method, path=call.path) is not None


def _need(token: Token, scope: str) -> None:
    if scope not in token.scopes:
        raise FaultError("Insufficient privileges.", security=True)


def _address(call: Call) -> str:
    return f"{call.bases[Role.SOAP]}/Service.asmx"
