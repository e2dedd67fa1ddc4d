"""Settings: what is refused, what is printed, and the generated reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from formlane.errors import ConfigurationError
from formlane.settings import Settings, load_settings, settings_reference, variable

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
PRODUCTION = {"FORMLANE_ENVIRONMENT": "production", "FORMLANE_PUBLIC_URL": "https://hub.example.com"}


def load(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> Settings:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_every_setting_has_a_default_and_a_description(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, {})
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.key_file == settings.state_dir / "master.key"
    assert all(field.description for field in Settings.model_fields.values())


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "PORT": "9000",
        "FORMLANE_HOST": "::1",
        "FORMLANE_CELL": "3843",
        "FORMLANE_EGRESS_ALLOW": "127.0.0.1:9001, [::1]:22",
        "FORMLANE_TRUSTED_PROXIES": "10.0.0.0/8,::1",
        "FORMLANE_TIME_SCALE": "0.1",
        "FORMLANE_LOG_LEVEL": "",
    }
    settings = load(monkeypatch, values)
    assert (settings.base_url, settings.cell, settings.time_scale) == ("http://[::1]:9000", 3843, 0.1)
    assert settings.egress_allow == (("127.0.0.1", 9001), ("::1", 22))
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.log_level == "info"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"FORMLANE_CELL": "3844"}, "FORMLANE_CELL: .*3843"),
        ({"FORMLANE_CELL": "-1"}, "FORMLANE_CELL"),
        ({"PORT": "0"}, "PORT"),
        ({"FORMLANE_EGRESS_ALLOW": "localhost:80"}, "FORMLANE_EGRESS_ALLOW"),
        ({"FORMLANE_EGRESS_ALLOW": "127.0.0.1"}, "FORMLANE_EGRESS_ALLOW.*is not address:port"),
        ({"FORMLANE_EGRESS_ALLOW": "127.0.0.0/8:80"}, "FORMLANE_EGRESS_ALLOW"),
        ({"FORMLANE_PUBLIC_URL": "ftp://x"}, "FORMLANE_PUBLIC_URL"),
        ({"FORMLANE_PUBLIC_URL": "https://x/"}, "FORMLANE_PUBLIC_URL"),
        ({"FORMLANE_TIME_SCALE": "0"}, "FORMLANE_TIME_SCALE"),
        ({"FORMLANE_TIME_SCALE": "nan"}, "FORMLANE_TIME_SCALE"),
        ({"FORMLANE_LEASE_SECONDS": "9"}, "renew_seconds must be at most half"),
        ({"FORMLANE_TLS_CERT_FILE": "/cert.pem"}, "must be set together"),
        ({"FORMLANE_ENVIRONMENT": "prod"}, "FORMLANE_ENVIRONMENT"),
        ({**PRODUCTION, "FORMLANE_TIME_SCALE": "0.5"}, "time_scale is refused in production"),
        ({**PRODUCTION, "FORMLANE_EGRESS_ALLOW": "127.0.0.1:80"}, "egress_allow is refused in production"),
        ({"FORMLANE_ENVIRONMENT": "production"}, "public_url must be set and begin with https"),
    ],
)
def test_wrong_values_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(monkeypatch, values)


def test_production_takes_its_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, PRODUCTION)
    assert settings.production
    assert settings.base_url == "https://hub.example.com"


def test_no_secret_is_ever_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "postgresql://formlane:hunter2@db.example.com/formlane"
    settings = load(monkeypatch, {"DATABASE_URL": secret, "FORMLANE_MIGRATOR_URL": secret})
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == secret
    assert settings.redacted()["DATABASE_URL"] == "***"
    assert "hunter2" not in f"{settings!r}{settings}{settings.redacted()}"


def test_the_reference_page_is_current() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == settings_reference()
