"""``[oidc]``: the OpenID Connect provider by which people may sign in to the console."""

from __future__ import annotations

from urllib.parse import urlsplit

from smsgate.settings.applications import Secret
from smsgate.settings.environment import TableReader
from smsgate.settings.settings import SingleSignOn
from smsgate.settings.shape import OidcTable

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class SingleSignOnReader(TableReader):
    """Reads the provider of a file."""

    heading = "oidc"

    def read(self, table: OidcTable) -> SingleSignOn | None:
        """Return the provider; None where there is none, or it has a fault."""
        before = len(self._faults)
        texts = {"issuer": table.issuer, "client_id": table.client_id}
        texts["client_secret"] = table.client_secret
        values = {key: self._value(key, text, "take the table out") for key, text in texts.items()}
        if not any(values.values()) and len(self._faults) == before:
            return None
        for key, value in values.items():
            if not value and len(self._faults) == before:
                self._fault(key, "is missing: it has to be given")
        url = urlsplit(values["issuer"])
        is_fit = url.scheme == "https" or (url.scheme == "http" and url.hostname in _HERE)
        if values["issuer"] and not (is_fit and url.hostname):
            self._fault("issuer", "must be an https address, such as https://login.example.com")
        if len(self._faults) > before:
            return None
        return SingleSignOn(
            values["issuer"].rstrip("/"),
            values["client_id"],
            Secret(values["client_secret"]),
            table.name,
        )
