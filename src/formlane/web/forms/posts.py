"""What a browser posts: bounded, UTF-8, urlencoded or multipart."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from formlane.domain.forms import FormDefinition
from formlane.domain.types import FieldType
from formlane.errors import FormlaneError, TooLarge

TOKEN = "formlane-token"  # noqa: S105 - the name of a control
ZONE_SUFFIX = "-zone"
"""A date and time has a second control for its offset from UTC."""

READ_SECONDS = 60.0
MOST_FIELDS = 5_000

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of every malformed post

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Unreadable(FormlaneError):  # noqa: N818 - the family is named for what happened
    """A post that no browser would send; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Texts and files by the name of their control, in order. `token` None: missing or no token of ours."""

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    token: str | None = None

    @classmethod
    def empty(cls, token: str) -> Post:
        """Nothing answered yet."""
        return cls(token=token)

    def with_token(self, token: str) -> Post:
        """The same post under this token."""
        return replace(self, token=token)

    def text(self, name: str) -> str:
        """The last text of a control; of several with one name the last wins."""
        sent = self.texts.get(name)
        return sent[-1] if sent else ""


async def read_post(request: Request, definition: FormDefinition, max_bytes: int) -> Post:
    """The post. Raises `TooLarge`, and `Unreadable` for a body that is not what its type says."""
    body = await _body(request, max_bytes)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    match kind:
        case "application/x-www-form-urlencoded":
            return _post(_urlencoded(body), {})
        case "multipart/form-data":
            takes_files = any(asked.type is FieldType.BINARY for asked in definition.fields)
            return await _multipart(request, body, takes_files=takes_files)
        case _:
            raise Unreadable("A form is sent as application/x-www-form-urlencoded or multipart/form-data.")


async def _body(request: Request, max_bytes: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or not announced.isascii():
        raise Unreadable("Content-Length is not a number.")
    if len(announced) > 18 or int(announced) > max_bytes:
        raise TooLarge(f"A form may send {max_bytes:,} bytes.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unreadable("A form is sent without Content-Encoding.")
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > max_bytes:
                    raise TooLarge(f"A form may send {max_bytes:,} bytes.")
                chunks.append(chunk)
    except TimeoutError:
        raise Unreadable(f"The answers did not arrive within {READ_SECONDS:.0f} seconds.") from None
    except ClientDisconnect:
        raise Unreadable("The connection was closed before the answers had arrived.") from None
    return b"".join(chunks)


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=False,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except UnicodeDecodeError:
        raise Unreadable("The answers are not UTF-8 text in URL encoding.") from None
    except ValueError:
        raise Unreadable(f"A form may send {MOST_FIELDS:,} answers.") from None


async def _multipart(request: Request, body: bytes, *, takes_files: bool) -> Post:
    if not takes_files:
        try:
            body.decode()
        except UnicodeDecodeError:
            raise Unreadable("The answers are not UTF-8 text.") from None
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary", b"")
    if not boundary or b"--" + boundary + b"--" not in body:
        raise Unreadable("The answers are cut off: their last boundary is missing (RFC 2046, 5.1.1).")

    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        request.headers, once(), max_files=100, max_fields=MOST_FIELDS, max_part_size=len(body) + 1
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, LookupError):
        raise Unreadable("The answers are not multipart/form-data as RFC 7578 defines it.") from None
    try:
        files = {name: await item.read() for name, item in form.multi_items() if isinstance(item, UploadFile)}
        return _post([(name, item) for name, item in form.multi_items() if isinstance(item, str)], files)
    finally:
        await form.close()


def _post(pairs: Sequence[tuple[str, str]], files: Mapping[str, bytes]) -> Post:
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    token = texts.pop(TOKEN, [""])[-1]
    return Post(
        texts=texts,
        files={name: content for name, content in files.items() if content},
        token=token if _TOKEN.fullmatch(token) else None,
    )
