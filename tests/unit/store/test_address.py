"""Which database addresses are allowed, and with what TLS."""

from __future__ import annotations

import ssl

import pytest

from formlane.errors import ConfigurationError
from formlane.store.address import secure_address


@pytest.mark.parametrize("production", [True, False])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@/formlane?host=/run/postgresql",
        "postgresql://u@%2Frun%2Fpostgresql/formlane",
        "postgres://u@/formlane?host=/run/postgresql&port=5433",
    ],
)
def test_a_local_socket_needs_no_tls(url: str, production: bool) -> None:
    address = secure_address(url, production=production)
    assert address.tls is False
    assert address.place == "/run/postgresql, database formlane"


@pytest.mark.parametrize(
    "host", ["db.example.com", "10.0.0.1:5432", "[2001:db8::1]:5432", "a.example,b.example"]
)
@pytest.mark.parametrize("production", [True, False])
def test_a_network_host_is_verified_by_name(host: str, production: bool) -> None:
    address = secure_address(
        f"postgresql://u:p%40ss@{host}/formlane?sslmode=verify-full&application_name=x", production=production
    )
    assert isinstance(address.tls, ssl.SSLContext)
    assert address.tls.check_hostname
    assert address.tls.verify_mode is ssl.CERT_REQUIRED
    assert address.dsn == f"postgresql://u:p%40ss@{host}/formlane?application_name=x"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8:5433", "localhost:5432", "[::1]:5432", "[::1]"])
def test_this_host_may_do_without_outside_production(host: str) -> None:
    assert secure_address(f"postgresql://u@{host}/formlane", production=False).tls is False
    with pytest.raises(ConfigurationError, match="sslmode=verify-full"):
        secure_address(f"postgresql://u@{host}/formlane", production=True)


@pytest.mark.parametrize("mode", ["", "disable", "allow", "prefer", "require", "verify-ca", "VERIFY-FULL"])
@pytest.mark.parametrize(
    "host",
    ["db.example.com", "127.0.0.1.example.com", "localhost.example.com", "0.0.0.0", "localhost,db.example"],
)
def test_less_than_full_verification_is_refused(host: str, mode: str) -> None:
    with pytest.raises(ConfigurationError, match="sslmode=verify-full") as caught:
        secure_address(f"postgresql://u:hunter2@{host}/formlane?sslmode={mode}", production=False)
    assert "hunter2" not in str(caught.value)


def test_a_host_given_as_parameter_counts() -> None:
    with pytest.raises(ConfigurationError, match=r"db\.example\.com"):
        secure_address("postgresql://u@127.0.0.1/formlane?host=db.example.com", production=False)


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/x", "hunter2", "postgresql:///formlane", "postgresql://u@/x"]
)
def test_what_names_no_postgresql_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL must") as caught:
        secure_address(url, production=False)
    assert "hunter2" not in str(caught.value)


def test_a_missing_certificate_file_is_named() -> None:
    with pytest.raises(ConfigurationError, match="TLS file"):
        secure_address("postgresql://u@h/x?sslmode=verify-full&sslrootcert=/no/such.pem", production=True)


def test_nothing_secret_is_shown() -> None:
    address = secure_address("postgresql://u:hunter2@/formlane?host=/run/postgresql", production=True)
    assert "hunter2" not in repr(address)
