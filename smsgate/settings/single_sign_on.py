"""``[oidc]``: the OpenID Connect provider by which people may sign in to the console."""

from __future__ import annotations

from urllib.parse import urlsplit

from smsgate.domain.errors import Fault
from smsgate.settings.applications import Secret
from smsgate.settings.environment import UNSET, Environment
from smsgate.settings.settings import SingleSignOn
from smsgate.settings.shape import OidcTable

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def read_single_sign_on(
    table: OidcTable, environment: Environment, place: str
) -> tuple[SingleSignOn | None, list[Fault]]:
    """Return the provider of a configuration, and its faults; None where there is none."""
    faults = list[Fault]()
    values = dict[str, str]()
    for key, text in (
        ("issuer", table.issuer),
        ("client_id", table.client_id),
        ("client_secret", table.client_secret),
    ):

        def tell(problem: str, key: str = key) -> None:
            faults.append(Fault(place, f"oidc.{key}", problem))

        value, complete = environment.expand(text.strip(), tell)
        if not complete:
            tell(f"{text.strip()!r} {UNSET}, or take the table out")
        values[key] = value.strip()
    if not any(values.values()) and not faults:
        return None, []
    for key, value in values.items():
        if not value and not faults:
            faults.append(Fault(place, f"oidc.{key}", "is missing: it has to be given"))
    url = urlsplit(values["issuer"])
    is_fit = url.scheme == "https" or (url.scheme == "http" and url.hostname in _HERE)
    if values["issuer"] and not (is_fit and url.hostname):
        problem = "must be an https address, such as https://login.example.com"
        faults.append(Fault(place, "oidc.issuer", problem))
    if faults:
        return None, faults
    found = SingleSignOn(
        values["issuer"].rstrip("/"),
        values["client_id"],
        Secret(values["client_secret"]),
        table.name,
    )
    return found, []
