"""TLS of the shared HTTP client: certificates are always checked, and nothing is sent before."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from formlane.destinations.http import Answer, Failure, NetworkFault
from tests.contract.destinations.receivers import OK, Receiver, ask, receiving, saying, serving


def certificate(folder: Path, name: str, *, days: int = 1) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternative: x509.GeneralName = (
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    )
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=9))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = folder / "chain.pem"
    chain.write_bytes(public + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return server, ssl.create_default_context(cadata=public.decode())


@pytest.mark.parametrize(
    ("name", "days", "trusted", "fault"),
    [
        ("127.0.0.1", 1, True, None),
        ("127.0.0.1", 1, False, NetworkFault.TLS_INVALID),
        ("hooks.example.com", 1, True, NetworkFault.TLS_INVALID),
        ("127.0.0.1", -1, True, NetworkFault.TLS_INVALID),
    ],
)
async def test_certificates_are_always_checked(
    tmp_path: Path, name: str, days: int, trusted: bool, fault: NetworkFault | None
) -> None:
    server, client = certificate(tmp_path, name, days=days)
    async with receiving(saying(OK), server) as receiver:
        url = f"https://127.0.0.1:{receiver.port}/"
        result = await ask(receiver, url=url, tls=client if trusted else None)
    if fault is None:
        assert isinstance(result, Answer)
    else:
        assert isinstance(result, Failure)
        assert (result.fault, result.may_have_arrived) == (fault, False)
        assert receiver.heads == []


async def test_a_server_without_tls_is_a_tls_failure() -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(meet) as port:
        result = await ask(Receiver(saying(), port), url=f"https://127.0.0.1:{port}/")
    assert isinstance(result, Failure)
    assert (result.fault, result.may_have_arrived) == (NetworkFault.TLS_FAILED, False)


async def test_a_handshake_that_never_ends_is_a_connection_timeout() -> None:
    async def meet(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(meet) as port:
        result = await ask(Receiver(saying(), port), url=f"https://127.0.0.1:{port}/", timeout=0.3)
    assert isinstance(result, Failure)
    assert (result.fault, result.may_have_arrived) == (NetworkFault.CONNECTION_TIMEOUT, False)
