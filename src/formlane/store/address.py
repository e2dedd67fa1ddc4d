"""Which database addresses are allowed, and with what TLS: the rule for `DATABASE_URL`."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from formlane.errors import ConfigurationError

Tls: TypeAlias = "ssl.SSLContext | bool"

_TLS_PARAMETERS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a database is. `dsn` may hold a password and is never printed; `place` never does."""

    dsn: str = field(repr=False)
    tls: Tls = field(repr=False)
    place: str


def secure_address(url: str, *, production: bool) -> Address:
    """The address, if it is safe to use.

    A local socket needs nothing. A network host needs `sslmode=verify-full`; outside production this host
    itself (loopback) may do without. `sslrootcert` names a file of trusted certificates; without it, or as
    "system", those of the system count. Raises `ConfigurationError`.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ConfigurationError("DATABASE_URL must begin with postgresql:// (its value is not shown here).")
    query = parse_qsl(parts.query, keep_blank_values=True)
    parameters = dict(query)
    hosts = _hosts(parts.netloc, parameters.get("host", ""))
    if not hosts:
        raise ConfigurationError("DATABASE_URL must name a host, or a socket directory as ?host=/directory.")
    tls = _tls(hosts, parameters, production=production)
    kept = urlencode([(name, value) for name, value in query if name not in _TLS_PARAMETERS], safe="/")
    place = f"{','.join(hosts)}, database {unquote(parts.path.lstrip('/')) or '(default)'}"
    return Address(dsn=urlunsplit(parts._replace(query=kept)), tls=tls, place=place)


def _hosts(netloc: str, override: str) -> list[str]:
    listed = override or unquote(netloc.rpartition("@")[2])
    if listed.startswith("/"):
        return [listed]
    return [host for host in (_without_port(one) for one in listed.split(",")) if host]


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _tls(hosts: list[str], parameters: dict[str, str], *, production: bool) -> Tls:
    if all(host.startswith("/") for host in hosts):
        return False
    mode = parameters.get("sslmode")
    if mode == "verify-full":
        return _verifying(parameters)
    if not production and mode in {None, "disable"} and all(_is_loopback(host) for host in hosts):
        return False
    raise ConfigurationError(
        f"DATABASE_URL reaches {', '.join(hosts)} over the network with sslmode={mode or '(none)'}. Add"
        " sslmode=verify-full, and sslrootcert=/path/to/ca.pem unless the system trusts the server's"
        " certificate. Only a local socket, and outside production this host itself, may do without."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _verifying(parameters: dict[str, str]) -> ssl.SSLContext:
    trusted = parameters.get("sslrootcert")
    try:
        context = ssl.create_default_context(cafile=None if trusted in {None, "system"} else trusted)
        if certificate := parameters.get("sslcert"):
            context.load_cert_chain(certificate, parameters.get("sslkey"))
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(f"A TLS file of DATABASE_URL cannot be used: {error}.") from error
    return context
