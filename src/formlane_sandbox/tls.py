"""A certificate authority for https on this machine, made anew at each start."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NO_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)
_EARLIER, _LATER = timedelta(days=1), timedelta(days=30)


class Authority:
    """Signs for any host; its key never leaves the process.

    Extensions are those that strict verifiers ask for (RFC 5280 4.2.1; `ssl.VERIFY_X509_STRICT`).
    """

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Formlane sandbox authority")])
        self._certificate = (
            _certificate(self._name, self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**{**_NO_USAGE, "key_cert_sign": True}), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, SHA256())
        )

    @property
    def pem(self) -> str:
        """The certificate to trust."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    def client_context(self) -> ssl.SSLContext:
        """For a client that trusts this authority and no other."""
        return ssl.create_default_context(cadata=self.pem)

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        """For a server under these host names and IP addresses, and on the loopback address."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general_name(host) for host in dict.fromkeys((*hosts, *LOOPBACK))]
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _certificate(x509.Name([]), self._name, key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**{**_NO_USAGE, "digital_signature": True}), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        with tempfile.TemporaryDirectory() as place:  # 0700; `ssl` reads keys from files only
            file = Path(place, "chain.pem")
            secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            file.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
            context.load_cert_chain(file)
        return context


def _certificate(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LATER)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
