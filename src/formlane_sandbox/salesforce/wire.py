"""One request and its answer, free of ASGI."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

import orjson

from formlane_sandbox.salesforce.errors import RequestError, bad_request

JSON = b"application/json;charset=UTF-8"
BODY_MOST = 50 * 1024 * 1024
UPLOAD_MOST = 150 * 1024 * 1024
ADDRESS_MOST = 16_384
COMPRESS_FROM = 1_024
NO_STORE = (b"cache-control", b"no-cache,must-revalidate,max-age=0,no-store,private")

Header = tuple[bytes, bytes]


@dataclass(slots=True)
class Call:
    """A request: path segments decoded one by one, so that an encoded slash stays within its segment."""

    method: str
    segments: list[str]
    query: dict[str, str]
    headers: Mapping[bytes, bytes]
    body: bytes
    version: float = 0.0
    path: str = ""

    def header(self, name: bytes) -> str:
        """A header's value by its lower-case name, empty if absent."""
        return self.headers.get(name, b"").decode("latin-1").strip()

    @property
    def root(self) -> str:
        """Path of this version of the API."""
        return f"/services/data/v{self.version:.1f}"

    @property
    def content_type(self) -> str:
        """Media type of the body in lower case, without parameters."""
        return self.header(b"content-type").partition(";")[0].strip().lower()

    def json(self) -> object:
        """The body; 415 or 400 as the platform words them."""
        if self.content_type not in ("application/json", "text/json"):
            shown = self.header(b"content-type") or "null"
            message = f"Content-Type header specified in HTTP request is not supported: {shown}"
            raise RequestError(415, "UNSUPPORTED_MEDIA_TYPE", message)
        if len(self.body) > BODY_MOST:
            raise too_large()
        if not self.body.strip():
            message = "The HTTP entity body is required, but this request has no entity body."
            raise bad_request("JSON_PARSER_ERROR", message)
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            message = f"{error.msg} at [line:{error.lineno}, column:{error.colno}]"
            raise bad_request("JSON_PARSER_ERROR", message) from None

    def json_object(self) -> dict[str, object]:
        """The body as an object; 400 if it is something else."""
        document = self.json()
        if not isinstance(document, dict):
            raise bad_request("JSON_PARSER_ERROR", "Root element is not a valid object at [line:1, column:1]")
        return document

    def allow(self, *methods: str) -> None:
        """405 for any other method; HEAD goes where GET does."""
        if self.method in methods or (self.method == "HEAD" and "GET" in methods):
            return
        allowed = ",".join(("HEAD", *methods) if "GET" in methods else methods)
        message = f"HTTP Method '{self.method}' not allowed. Allowed are {allowed}"
        headers = [(b"allow", allowed.encode())]
        raise RequestError(405, "METHOD_NOT_ALLOWED", message, headers=headers)


@dataclass(slots=True)
class Answer:
    """Status, body, and headers beyond the usual ones; a body that is no bytes is written as JSON."""

    status: int
    body: object = b""
    headers: Sequence[Header] = field(default_factory=list)
    content_type: bytes = JSON

    def encoded(self, *, pretty: bool = False) -> bytes:
        """The body as it goes out."""
        if isinstance(self.body, bytes):
            return self.body
        return orjson.dumps(self.body, option=orjson.OPT_INDENT_2 if pretty else None)


def refusal(error: RequestError) -> Answer:
    """The answer to a request that is refused."""
    return Answer(error.status, error.document(), error.headers)


def read_call(method: str, raw_path: bytes, query: bytes, headers: Sequence[Header], body: bytes) -> Call:
    """The request; RequestError if address, headers or body are over the limits or cannot be inflated.

    `_HttpMethod` in the query overrides POST, for clients that cannot send PATCH.
    """
    address = len(raw_path) + len(query)
    if address > ADDRESS_MOST:
        raise RequestError(414, "URI_TOO_LONG", "The URI is longer than the server can process")
    if address + sum(len(name) + len(value) + 4 for name, value in headers) > ADDRESS_MOST:
        raise RequestError(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "The URI and headers are too large")
    given = dict(headers)
    if b"content-encoding" in given:
        body = _inflated(body, given[b"content-encoding"])
    path = raw_path.decode("latin-1")
    parameters = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    override = parameters.get("_HttpMethod") if method == "POST" else None
    return Call(
        method=override or method,
        segments=[unquote(segment) for segment in path.split("/") if segment],
        query=parameters,
        headers=given,
        body=body,
        path=path,
    )


def too_large() -> RequestError:
    """400, as the list of documented statuses has no 413."""
    return bad_request("EXCEEDED_MAX_SIZE_REQUEST", "The request is larger than the server takes")


def compressed(body: bytes) -> bytes:
    """gzip, at the speed a server would choose."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def _inflated(body: bytes, encoding: bytes) -> bytes:
    if encoding.strip().lower() == b"identity":
        return body
    if encoding.strip().lower() not in (b"gzip", b"x-gzip"):
        shown = encoding.decode("latin-1")
        raise RequestError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding is not supported: {shown}")
    unpacker = zlib.decompressobj(31)
    try:
        plain = unpacker.decompress(body, UPLOAD_MOST + 1)
    except zlib.error:
        raise bad_request("MALFORMED_REQUEST", "The request body is not valid gzip") from None
    if len(plain) > UPLOAD_MOST:
        raise too_large()
    if not unpacker.eof:
        raise bad_request("MALFORMED_REQUEST", "The request body is not valid gzip")
    return plain
