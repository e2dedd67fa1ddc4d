from __future__ import annotations

import ipaddress

import pytest

from formlane.destinations.egress import Address, AddressRefused, Guard, UrlFault
from formlane.errors import AddressNotAllowed

GUARD = Guard(allow=[("127.0.0.1", 9001)], own_domains=["hub.formlane.example"])

KEPT = {
    "https://example.com": "https://example.com/",
    "https://example.com:443/a?b=1#part": "https://example.com/a?b=1",
    "https://EXAMPLE.com:8443/A%2fb?x=%20": "https://example.com:8443/A%2Fb?x=%20",
    "https://example.com./x": "https://example.com/x",
    "https://bücher.example/ä": "https://xn--bcher-kva.example/%C3%A4",
    "https://example。com/": "https://example.com/",
    "https://example.com/a/../b": "https://example.com/b",
    "https://8.8.8.8/": "https://8.8.8.8/",
    "https://[2606:4700:0::1111]:8443/": "https://[2606:4700::1111]:8443/",
    "http://127.0.0.1:9001/hook": "http://127.0.0.1:9001/hook",
}

REFUSED = {
    "": UrlFault.SCHEME,
    "example.com": UrlFault.SCHEME,
    "//example.com/": UrlFault.SCHEME,
    "http://example.com/": UrlFault.SCHEME,
    "ftp://example.com/": UrlFault.SCHEME,
    "file:///etc/passwd": UrlFault.SCHEME,
    "gopher://127.0.0.1:70/": UrlFault.SCHEME,
    "https://": UrlFault.SYNTAX,
    "https:example.com": UrlFault.SYNTAX,
    "https://example.com/a b": UrlFault.SYNTAX,
    "https://example.com\\@evil.example/": UrlFault.SYNTAX,
    "https://example.com/\r\nX: y": UrlFault.SYNTAX,
    "https://example.com:99999/": UrlFault.SYNTAX,
    "https://example.com:x/": UrlFault.SYNTAX,
    "https://[::1": UrlFault.SYNTAX,
    "https://my_host.example.com/": UrlFault.SYNTAX,
    "https://-a.example.com/": UrlFault.SYNTAX,
    "https://a..example.com/": UrlFault.SYNTAX,
    "https://" + "a." * 126 + "example/": UrlFault.SYNTAX,
    "https://☃.example.com/": UrlFault.SYNTAX,
    "https://user@example.com/": UrlFault.CREDENTIALS,
    "https://user:password@example.com/": UrlFault.CREDENTIALS,
    "https://:password@example.com/": UrlFault.CREDENTIALS,
    "https://example.com:22/": UrlFault.PORT,
    "https://example.com:25/": UrlFault.PORT,
    "https://example.com:3306/": UrlFault.PORT,
    "https://example.com:5432/": UrlFault.PORT,
    "https://example.com:6379/": UrlFault.PORT,
    "https://example.com:9200/": UrlFault.PORT,
    "https://example.com:11211/": UrlFault.PORT,
    "https://example.com:27017/": UrlFault.PORT,
    "https://localhost/": UrlFault.HOST,
    "https://LOCALHOST./": UrlFault.HOST,
    "https://a.localhost/": UrlFault.HOST,
    "https://printer.local/": UrlFault.HOST,
    "https://vault.internal/": UrlFault.HOST,
    "https://metadata.google.internal/computeMetadata/": UrlFault.HOST,
    "https://intranet/": UrlFault.HOST,
    "https://hub.formlane.example/": UrlFault.HOST,
    "https://api.hub.formlane.example/": UrlFault.HOST,
    "https://127.0.0.1:9002/": UrlFault.HOST,
    "https://127.0.0.2:9001/": UrlFault.HOST,
    "https://[::ffff:127.0.0.1]:9001/": UrlFault.HOST,
}


@pytest.mark.parametrize(("text", "canonical"), KEPT.items())
def test_an_allowed_address_is_stored_in_one_spelling(text: str, canonical: str) -> None:
    checked = GUARD.check_url(text)
    assert str(checked) == canonical
    assert str(GUARD.check_url(canonical)) == canonical


@pytest.mark.parametrize(("text", "fault"), REFUSED.items())
def test_a_forbidden_address_is_refused_with_the_same_words(text: str, fault: UrlFault) -> None:
    with pytest.raises(AddressNotAllowed, match=r"\Aaddress not allowed\Z") as caught:
        GUARD.check_url(text)
    assert isinstance(caught.value, AddressRefused)
    assert caught.value.fault is fault


def test_length_is_limited_before_and_after_encoding() -> None:
    for text in ("https://example.com/" + "a" * 2029, "https://example.com/" + "ä" * 500):
        with pytest.raises(AddressRefused) as caught:
            GUARD.check_url(text)
        assert caught.value.fault is UrlFault.LENGTH
    assert len(str(GUARD.check_url("https://example.com/" + "a" * 2028))) == 2048


def test_plain_http_needs_the_switch() -> None:
    assert GUARD.check_url("http://example.com/", allow_http=True).is_plain


@pytest.mark.parametrize(
    ("host", "port", "kept"),
    [
        ("sftp.example.com.", 22, "sftp.example.com"),
        ("8.8.8.8", 2222, "8.8.8.8"),
        ("BÜCHER.example", 22, "xn--bcher-kva.example"),
    ],
)
def test_an_sftp_host_is_stored_in_one_spelling(host: str, port: int, kept: str) -> None:
    assert GUARD.check_host(host, port).host == kept


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("sftp.example.com", 80),
        ("sftp.example.com", 5432),
        ("localhost", 22),
        ("10.0.0.1", 22),
        ("0x7f.1", 22),
        ("fe80::1%eth0", 22),
        ("::1", 22),
        ("", 22),
        ("a b", 22),
        ("sftp.example.com", 70000),
    ],
)
def test_a_forbidden_sftp_host_is_refused(host: str, port: int) -> None:
    with pytest.raises(AddressRefused):
        GUARD.check_host(host, port)


class Answers:
    """A resolver that gives one list after another."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = [[ipaddress.ip_address(text) for text in answer] for answer in answers]

    async def __call__(self, name: str) -> list[Address]:
        return self.answers.pop(0)


async def test_one_bad_answer_refuses_the_whole_name() -> None:
    guard = Guard(lookup=Answers(["8.8.8.8", "127.0.0.1"], ["8.8.8.8", "::1"], ["8.8.8.8", "1.1.1.1"]))
    for _ in range(2):
        with pytest.raises(AddressRefused):
            await guard.resolve("example.com", 443)
    assert [str(found) for found in await guard.resolve("example.com", 443)] == ["8.8.8.8", "1.1.1.1"]


async def test_the_allow_list_holds_exact_pairs() -> None:
    guard = Guard(allow=[("127.0.0.1", 9001)], lookup=Answers(["127.0.0.1"], ["127.0.0.1"]))
    assert len(await guard.resolve("hooks.example.com", 9001)) == 1
    with pytest.raises(AddressRefused):
        await guard.resolve("hooks.example.com", 9002)
