"""Reads a request's body: bounded in size, time and in what all requests together may hold."""

from __future__ import annotations

import asyncio
import io
import zlib
from dataclasses import dataclass

import zstandard
from starlette.types import Receive

from formlane.api.problems import Refused

READ_SECONDS = 60.0
"""Within this time a body has to arrive in full."""

UNTIMED_BYTES = 16 * 1024
"""A body this small comes with its headers, and a slow one holds no more than slow headers would."""

INLINE_BYTES = 64 * 1024
"""Smaller compressed bodies are inflated at once, larger ones in a thread."""

ZSTD_WINDOW = 8 * 1024 * 1024
"""RFC 8878, 3.1.1.1.2: decoders should support at least 8 MB, and may refuse more."""

_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 256 * 1024


class Budget:
    """Bytes that the bodies of all requests under way may hold in this process."""

    __slots__ = ("_free",)

    def __init__(self, limit: int) -> None:
        self._free = limit

    def take(self, size: int) -> None:
        """Reserves; raises `Refused` when too much is under way."""
        if size > self._free:
            raise Refused("unavailable", "Too many large requests are under way. Send this one again soon.")
        self._free -= size

    def give_back(self, size: int) -> None:
        """Frees what was reserved."""
        self._free += size


@dataclass(slots=True)
class Body:
    """A body on its way in; `held` bytes of the budget are given back by `release`."""

    budget: Budget
    limit: int
    held: int = 0

    async def read(self, receive: Receive, *, announced: int | None, encoding: str) -> bytes:
        """The body, decompressed. Raises `Refused` for what is too large, late, cut off or not as encoded."""
        if announced is not None and announced > self.limit:
            raise self._too_large()
        if announced is not None and announced <= UNTIMED_BYTES:
            raw = await self._collect(receive)
        else:
            raw = await self._collect_in_time(receive)
        if encoding in ("", "identity"):
            return raw
        self._hold(self.limit - len(raw))
        inflate = _INFLATE.get(encoding)
        if inflate is None:
            raise Refused(
                "unsupported_media_type",
                "The Content-Encoding is not known here; gzip, zstd or none can be used.",
                headers={"accept-encoding": "gzip, zstd"},
            )
        if len(raw) <= INLINE_BYTES:
            inflated = inflate(raw, self.limit)
        else:
            inflated = await asyncio.to_thread(inflate, raw, self.limit)
        if inflated is None:
            raise self._too_large()
        return inflated

    def release(self) -> None:
        """Gives the budget back; call when the records are no longer held."""
        self.budget.give_back(self.held)
        self.held = 0

    async def _collect_in_time(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._collect(receive)
        except TimeoutError:
            raise Refused("timeout", f"The body did not arrive within {READ_SECONDS:.0f} seconds.") from None

    async def _collect(self, receive: Receive) -> bytes:
        message = await receive()
        chunk = _chunk(message)
        self._hold(len(chunk))
        if not message.get("more_body", False):
            return chunk
        chunks = [chunk]
        while True:
            message = await receive()
            chunk = _chunk(message)
            self._hold(len(chunk))
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)

    def _hold(self, size: int) -> None:
        if self.held + size > self.limit:
            raise self._too_large()
        self.budget.take(size)
        self.held += size

    def _too_large(self) -> Refused:
        return Refused(
            "too_large",
            f"The body is larger than {self.limit:,} bytes, counted after decompression. Send it in parts.",
            headers={"connection": "close"},
        )


class Disconnected(Exception):  # noqa: N818 - says what happened
    """The client went away before its body had arrived; there is nobody to answer."""


def inflate_gzip(raw: bytes, limit: int) -> bytes | None:
    """The content of one or more gzip members (RFC 1952, 2.2); None as soon as it exceeds the limit."""
    parts: list[bytes] = []
    size = 0
    while raw:
        member = zlib.decompressobj(_GZIP)
        try:
            parts.append(member.decompress(raw, limit - size + 1))
        except zlib.error:
            raise _broken("gzip") from None
        size += len(parts[-1])
        if size > limit:
            return None
        if not member.eof:
            raise _broken("gzip")
        raw = member.unused_data
    return b"".join(parts)


def inflate_zstd(raw: bytes, limit: int) -> bytes | None:
    """The content of zstd frames (RFC 8878); None as soon as it exceeds the limit.

    Read twice: the first pass, in pieces that are thrown away, bounds the second, which notices a cut.
    """
    inflater = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    try:
        if _zstd_size(inflater, raw, limit) > limit:
            return None
        parts: list[bytes] = []
        while raw:
            frame = inflater.decompressobj()
            parts.append(frame.decompress(raw))
            if not frame.eof:
                raise _broken("zstd")
            raw = frame.unused_data
    except (zstandard.ZstdError, MemoryError):
        raise _broken("zstd") from None
    return b"".join(parts)


def _zstd_size(inflater: zstandard.ZstdDecompressor, raw: bytes, limit: int) -> int:
    """The size of the content, or something above the limit."""
    size = 0
    with inflater.stream_reader(io.BytesIO(raw), read_across_frames=True) as stream:
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > limit:
                break
    return size


def _chunk(message: object) -> bytes:
    assert isinstance(message, dict)
    if message["type"] != "http.request":
        raise Disconnected
    chunk = message.get("body", b"")
    assert isinstance(chunk, bytes)
    return chunk


def _broken(encoding: str) -> Refused:
    return Refused(
        "bad_compression", f"The body is not a complete {encoding} stream, although Content-Encoding says so."
    )


_INFLATE = {"gzip": inflate_gzip, "x-gzip": inflate_gzip, "zstd": inflate_zstd}
