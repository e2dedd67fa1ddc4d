"""Seeded requests, from harmless to hostile. The same seed makes the same requests."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote_plus

import zstandard

Option = TypeVar("Option")

TEXTS = ["", "a", "ada@example.org", "ÄÖ 漢字 🦉", "x" * 90, "1", "true", "\0", "'; DROP TABLE t--", "\u202e"]
NUMBERS = ["0", "-1", "1.5", "1e308", "0.1e-5", "9" * 18, "9" * 19, "-9223372036854775808"]
HUGE = ["1e309", "-1e999", "9" * 25, "9" * 500, "18446744073709551616", "-9223372036854775809"]
ODD = ["NaN", "Infinity", "-Infinity", "nul", "'a'", "01", "+1", ".5", "1.", "0x10", "undefined", "//c"]
RAW_TEXTS = ['"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\x"', '"unended', '"tab\t"', '"\\ud83e\\udd89"']
NAMES = ["email", "name", "age", "colours", "extra", "unknown", "", "a/b~c", "__proto__", "formlane-token"]
MEDIA = [
    "application/json",
    "application/json; charset=utf-8",
    "application/x-ndjson",
    "application/jsonl",
    "text/plain",
    "application/json; charset=utf-16",
    "",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/jsonx",
]
ENCODINGS = ["gzip", "zstd", "br", "deflate", "GZIP", "gzip, gzip", "identity", "x"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzedRequest:
    """`path` may hold `{form}`, `{flow}`, `{form_key}`, `{connection}`; `key`: whether the key is sent."""

    method: str = "POST"
    path: str = "/v1/forms/{form}/batches"
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[bytes, ...] = (b"",)
    key: bool = True
    leaves: bool = False
    takes: str = field(default="records")
    """What a success would store: `records`, one `answer` of the page, or `nothing` that is counted."""


class Fuzzer:
    """Makes requests from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._keys = [f"key-{number}" for number in range(50)]
        self._tokens = 0

    def request(self) -> FuzzedRequest:
        """The next request."""
        kinds: list[tuple[Callable[[], FuzzedRequest], int]] = [
            (self._push, 70),
            (self._page, 12),
            (self._management, 12),
            (self._elsewhere, 6),
        ]
        make = self._random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        return make()

    def _push(self) -> FuzzedRequest:
        lines = self._chance(0.3)
        body = self._body(lines)
        headers: list[tuple[str, str]] = []
        media = "application/x-ndjson" if lines else "application/json"
        if self._chance(0.1):
            media = self._choice(MEDIA)
        if media:
            headers.append(("content-type", media))
        body = self._encoded(body, headers)
        if self._chance(0.3):
            headers.append(("idempotency-key", self._idempotency_key()))
        if self._chance(0.04):
            size = self._choice([str(len(body)), "0", "-1", "1e3", "9" * 30, "abc", str(10**9)])
            headers.append(("content-length", size))
        if self._chance(0.02) and headers:
            headers.append(self._choice(headers))
        return FuzzedRequest(
            path=self._choice(["/v1/forms/{form}/batches", "/v1/flows/{flow}/batches"]),
            headers=tuple(headers),
            chunks=self._chunks(body),
            key=not self._chance(0.03),
            leaves=self._chance(0.01),
        )

    def _body(self, lines: bool) -> bytes:
        records = [self._record() for _ in range(self._choice([1, 1, 1, 2, 3, 10, 250]))]
        if lines:
            text = self._choice(["\n", "\r\n", "\n\n"]).join(records)
        elif self._chance(0.3):
            text = f'{{"records": [{",".join(records)}]}}'
        else:
            text = f"[{','.join(records)}]"
        body = text.encode("utf-8", "surrogatepass")
        if self._chance(0.2):
            for _ in range(self._choice([1, 1, 2, 5])):
                body = self._mutated(body)
        return body

    def _record(self) -> str:
        if self._chance(0.03):
            return self._value(0)
        names = self._random.sample(NAMES, self._random.randrange(1, 6))
        pairs = [] if self._chance(0.15) else [f'"email": "ada{self._random.randrange(99)}@example.org"']
        if self._chance(0.5):
            pairs += [f"{json.dumps(name)}: {self._value(0)}" for name in names]
        return "{" + ", ".join(pairs) + "}"

    def _value(self, depth: int) -> str:
        kind = self._random.random()
        if kind < 0.45:
            return json.dumps(self._choice(TEXTS), ensure_ascii=self._chance(0.5))
        if kind < 0.6:
            return self._choice(NUMBERS)
        if kind < 0.66:
            return self._choice(["true", "false", "null"])
        if kind < 0.67:
            return self._choice(ODD + HUGE)
        if kind < 0.68:
            return self._choice(RAW_TEXTS)
        if kind < 0.69:
            deep = self._choice([5, 31, 32, 33, 34, 200, 1100, 20_000])
            return "[" * deep + "]" * deep
        if depth > 3:
            return "[]"
        inner = [self._value(depth + 1) for _ in range(self._random.randrange(4))]
        if kind < 0.9:
            return f"[{', '.join(inner)}]"
        return "{" + ", ".join(f'"{self._choice("aab")}": {value}' for value in inner) + "}"

    def _mutated(self, body: bytes) -> bytes:
        place = self._random.randrange(len(body) + 1)
        match self._random.randrange(6):
            case 0:
                return body[:place]
            case 1:
                return body[:place] + self._random.randbytes(self._choice([1, 1, 4, 100])) + body[place:]
            case 2:
                return body[:place] + body[place + self._random.randrange(1, 9) :]
            case 3:
                return body[:place] + body[max(0, place - 20) :]
            case 4:
                return self._choice([b"\xef\xbb\xbf", b"\xff\xfe", b" ", b"\n"]) + body
            case _:
                return body + self._choice([b"\0", b",", b"]", b"{}", b" " * 250_000])

    def _encoded(self, body: bytes, headers: list[tuple[str, str]]) -> bytes:
        if self._chance(0.75):
            return body
        encoding = self._choice(ENCODINGS[:2]) if self._chance(0.8) else self._choice(ENCODINGS)
        headers.append(("content-encoding", encoding))
        if self._chance(0.1):
            body = b"[" + b" " * self._choice([150_000, 5_000_000]) + b"]"
        packed = (
            zstandard.ZstdCompressor().compress(body)
            if encoding == "zstd"
            else gzip.compress(body, 6, mtime=0)
        )
        if self._chance(0.1):
            packed += self._choice([packed, b"\0" * 9, b"x"])
        if self._chance(0.1):
            packed = self._choice([zlib.compress(body), gzip.compress(packed, mtime=0), body, b""])
        return self._mutated(packed) if self._chance(0.15) else packed

    def _page(self) -> FuzzedRequest:
        self._tokens += 1
        token = f"token-of-the-fuzzer-{self._random.getrandbits(32):08x}-{self._tokens:08}"
        fields = [("formlane-token", token)] if self._chance(0.9) else []
        fields += [("email", "ada@example.org")] if self._chance(0.8) else []
        fields += [(self._choice(NAMES[:8]), self._choice(TEXTS)) for _ in range(self._random.randrange(4))]
        if self._chance(0.5):
            body = "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in fields).encode()
            media = "application/x-www-form-urlencoded"
        else:
            part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
            parts = [part.format(name, text) for name, text in fields]
            body = ("".join(parts) + "--b--\r\n").encode()
            media = "multipart/form-data; boundary=b"
        if self._chance(0.25):
            body = self._mutated(body)
        if self._chance(0.05):
            media = self._choice(["multipart/form-data", "multipart/form-data; boundary=", *MEDIA])
        return FuzzedRequest(
            path="/f/{form_key}",
            headers=(("content-type", media),),
            chunks=self._chunks(body),
            key=False,
            takes="answer",
        )

    def _management(self) -> FuzzedRequest:
        method, path = self._choice(
            [
                ("POST", "/v1/forms"),
                ("POST", "/v1/flows"),
                ("POST", "/v1/flows/{flow}/validate"),
                ("POST", "/v1/connections?check=false"),
                ("POST", "/v1/replays"),
                ("POST", "/v1/api-keys"),
                ("PUT", "/v1/forms/{form}"),
                ("PATCH", "/v1/connections/{connection}"),
            ]
        )
        names = ["name", "definition", "draft", "connection", "kind", "settings", "scopes", "flow", "records"]
        pairs = [f'"{self._choice(names)}": {self._value(0)}' for _ in range(self._random.randrange(5))]
        body = ("{" + ", ".join(pairs) + "}").encode("utf-8", "surrogatepass")
        if self._chance(0.4):
            body = self._mutated(body)
        headers = [("content-type", self._choice(MEDIA) if self._chance(0.1) else "application/json")]
        if self._chance(0.5):
            headers.append(("if-match", self._choice(['"999999"', "x", "", '"-1"', 'W/"5"'])))
        return FuzzedRequest(
            method=method,
            path=path,
            headers=tuple(headers),
            chunks=self._chunks(body),
            key=not self._chance(0.05),
            takes="nothing",
        )

    def _elsewhere(self) -> FuzzedRequest:
        path = self._choice(
            [
                "/v1/forms/{flow}/batches",
                "/v1/forms/form_%00/batches",
                "/v1/forms/form_01890000000070008000000000000000/batches",
                "/v1/flows//batches",
                "/f/ff_0000000000000000000000000",
                "/f/%FF%FE",
                "/v1/batches?limit=0",
                "/v1/batches?limit=1e9&cursor=%00",
                "/v1/batches?cursor=AAAA&source=rpl_x",
                "/v1/failures?status=x&fingerprint=zz",
                "/v1/failures?cursor=cmVjXzEgMiAzIDQ",
                "/v1/records?value=%00",
                "/v1/records/rec_01890000000070008000000000000000_0",
                "/v1/records/rec_01890000000070008000000000000000_999999999999",
                "/v1/ledger?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z",
                "/v1/ledger?since=x",
                "/v1/flows/{flow}/stats?since=9999-12-31T23:59:59-12:00",
                "/v1/connections/{connection}/objects/%00/fields",
                "/static/../app.py",
                "/static/%2e%2e/app.py",
                "/problems/%00",
                "/openapi.json",
                "/" + "a" * 5_000,
            ]
        )
        return FuzzedRequest(
            method=self._choice(["GET", "GET", "GET", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "X"]),
            path=path,
            chunks=(self._choice([b"", b"[]", b"{}"]),),
            headers=(("content-type", "application/json"),),
            key=not self._chance(0.2),
            takes="nothing",
        )

    def _idempotency_key(self) -> str:
        if self._chance(0.2):
            return self._choice(["", " ", "ä", "k" * 255, "k" * 256, "\t", "a b", "\x7f"])
        return self._choice(self._keys)

    def _chunks(self, body: bytes) -> tuple[bytes, ...]:
        if self._chance(0.8) or len(body) < 2:
            return (body,)
        place = self._random.randrange(1, len(body))
        return (body[:place], body[place:])

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _choice(self, options: Sequence[Option]) -> Option:
        return self._random.choice(options)
