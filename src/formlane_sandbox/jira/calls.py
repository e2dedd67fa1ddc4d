"""A request as handlers see it, and what they answer."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import orjson

from formlane_sandbox.jira.auth import Identity
from formlane_sandbox.jira.issues import whole_number
from formlane_sandbox.jira.language import RefusedError, Sentence, say
from formlane_sandbox.jira.received import Received
from formlane_sandbox.jira.site import Site

_INFLATED_MOST = 16 * 1024 * 1024
JSON = "application/json;charset=UTF-8"


@dataclass(slots=True, kw_only=True)
class Reply:
    """What goes back. `document` None is an empty body, bytes go out as they are."""

    status: int = 200
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)
    media: str = JSON

    def body(self) -> bytes:
        """The bytes of the body."""
        if self.document is None:
            return b""
        return self.document if isinstance(self.document, bytes) else orjson.dumps(self.document)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request to the REST API. `base` is the address up to `/rest`, `version` 2 or 3."""

    site: Site
    request: Received
    base: str
    identity: Identity
    version: int = 3
    words: tuple[str, ...] = ()
    route: str = ""
    objects: int = 0
    _query: dict[str, list[str]] | None = None

    @property
    def documents(self) -> bool:
        """Whether rich text travels as Atlassian documents."""
        return self.version == 3

    @property
    def query(self) -> dict[str, list[str]]:
        """Query parameters, each with all its values."""
        if self._query is None:
            self._query = parse_qs(self.request.query, keep_blank_values=True)
        return self._query

    def parameter(self, name: str, default: str = "") -> str:
        """A query parameter, the first of several."""
        return self.query.get(name, [default])[0]

    def listed(self, name: str) -> list[str]:
        """A query parameter that is repeated, or separated by commas."""
        return [word for value in self.query.get(name, ()) for word in value.split(",") if word]

    def flag(self, name: str) -> bool:
        """Whether a query parameter says `true`, in any case as Java reads it."""
        return self.parameter(name).lower() == "true"

    def number(self, name: str, default: int) -> int:
        """A query parameter that is a whole number, zero or more; the default for anything else."""
        value = whole_number(self.parameter(name))
        return default if value is None else value

    def decoded(self) -> object:
        """The JSON of the body; RefusedError if it is none."""
        content = self.request.content
        if self.request.headers.get(b"content-encoding", b"").lower() == b"gzip":
            content = _inflated(content)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError:
            raise RefusedError(Sentence.BAD_JSON) from None

    def asked(self) -> dict[str, object]:
        """The JSON object of the body; RefusedError if it is none."""
        document = self.decoded()
        if not isinstance(document, dict):
            raise RefusedError(Sentence.BAD_PAYLOAD)
        return document

    @property
    def language(self) -> str:
        """Of messages: the user's, unless X-Force-Accept-Language is `true` (REST v3, Introduction)."""
        if self.request.headers.get(b"x-force-accept-language", b"").lower() == b"true":
            return self.request.headers.get(b"accept-language", b"en").decode("latin-1")
        return self.site.settings.language or self.identity.locale

    def say(self, sentence: Sentence, **parts: object) -> str:
        """A sentence in the language of this request."""
        return say(sentence, self.language, **parts)

    def refuse(self, status: int, sentence: Sentence, **parts: object) -> Reply:
        """An error collection of one sentence."""
        return errors(status, [self.say(sentence, **parts)])


Handler = Callable[[Call], Reply]


def errors(status: int, messages: list[str], fields: dict[str, str] | None = None) -> Reply:
    """An error collection."""
    return Reply(status=status, document={"errorMessages": messages, "errors": fields or {}})


def _inflated(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        return unpacker.decompress(content, _INFLATED_MOST)
    except zlib.error:
        raise RefusedError(Sentence.BAD_JSON) from None
