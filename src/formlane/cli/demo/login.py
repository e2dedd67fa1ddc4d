"""What a person needs to look around in the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLogin:
    """Addresses and the key of the demo tenant. `forms` and `pages`: title → address."""

    address: str
    tenant: str
    api_key: str = field(repr=False)
    forms: Mapping[str, str]
    pages: Mapping[str, str]

    def lines(self) -> list[str]:
        """What `serve` prints."""
        width = max(map(len, (*self.forms, *self.pages))) + 2
        return [
            "",
            "Submit a form:",
            *(f"  {title:{width}}{address}" for title, address in self.forms.items()),
            "See what arrives, and make it fail:",
            *(f"  {title:{width}}{address}" for title, address in self.pages.items()),
            "Look with the command line (formlane --help):",
            f"  export FORMLANE_URL={self.address}",
            f"  export FORMLANE_API_KEY={self.api_key}",
            "",
        ]
