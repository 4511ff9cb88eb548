"""What a change may not do with secrets: share the variable of one, or send one to another host.

Whoever may change an address must not learn a secret by it: they enter it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from smsgate.domain.errors import Fault
from smsgate.features.configuration_editor.secret_files import (
    SecretFiles,
    variable_of,
    variable_of_table,
)
from smsgate.features.configuration_editor.sources import ConfigurationSources
from smsgate.providers import PROVIDERS, secret_keys
from smsgate.settings.console import ALERT_SECRETS, PLACE, file_table

_EMAIL = "alerts.email"
_MAIL_SERVER = ("host", "port", "tls")
"""Keys that decide who gets the password of ``[alerts.email]``, and how."""


def secret_keys_of(table: str, values: Mapping[str, object]) -> frozenset[str]:
    """Return the keys of a table that hold secrets."""
    if table.startswith("accounts."):
        return secret_keys(str(values.get("provider", "")))
    return ALERT_SECRETS.get(table, frozenset())


def secret_faults(
    table: str,
    sources: ConfigurationSources,
    changed: ConfigurationSources,
    secrets: Mapping[str, str],
    files: SecretFiles,
    removed: Mapping[str, object] | None,
) -> Iterator[Fault]:
    """Yield what a change of a table may not do with secrets.

    Args:
        table: one that is changed.
        sources: what is saved.
        changed: the same with the change.
        secrets: new values by variable.
        files: where they are kept.
        removed: what the table had when the console removed it, if it did; its secrets stay, for
            the host that they were for, so that a removal can be undone.
    """
    if table not in changed.tables:
        return
    yield from _shared_variables(table, sources, changed, secrets)
    if table.startswith("accounts."):
        before = sources.effective(table) or removed
        yield from _secrets_for_another_host(table, before, changed, secrets, files)
    elif table == _EMAIL:
        before = sources.effective(table) or removed or {}
        yield from _password_for_another_server(before, changed, secrets, files)


def _shared_variables(
    table: str,
    sources: ConfigurationSources,
    changed: ConfigurationSources,
    secrets: Mapping[str, str],
) -> Iterator[Fault]:
    """Yield secrets that would use the variable of another table or key from now on."""
    values, before = changed.tables[table], sources.tables.get(table, {})
    for key in sorted(secret_keys_of(table, changed.effective(table) or {})):
        variable, place = variable_of_table(table, key), f"{table}.{key}"
        is_named = values.get(key) == f"${{{variable}}}" and before.get(key) != values[key]
        if not is_named and variable not in secrets:
            continue
        # The webhook of alerts is a text in the file, without a key of its own.
        other = next((one for one in _users_of(variable, changed) if one not in (place, table)), "")
        if other:
            problem = f"would use {variable}, which is the variable of {other}"
            yield Fault(PLACE, place, f"{problem}: give the account another name")


def _users_of(variable: str, sources: ConfigurationSources) -> Iterator[str]:
    """Yield the keys whose secret is kept in a variable, or which name it."""
    for name in sources.names("accounts"):
        values = sources.effective(f"accounts.{name}") or {}
        for key in secret_keys_of(f"accounts.{name}", values):
            if variable_of(name, key) == variable:
                yield f"accounts.{name}.{key}"
    for table, found in (*sources.file.items(), *sources.tables.items()):
        yield from _references_to(f"${{{variable}}}", table, found)


def _references_to(reference: str, key: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _references_to(reference, f"{key}.{name}", below)
    elif isinstance(value, list):
        for below in value:
            yield from _references_to(reference, key, below)
    elif isinstance(value, str) and reference in value:
        yield key


def _secrets_for_another_host(
    table: str,
    before: Mapping[str, object] | None,
    changed: ConfigurationSources,
    secrets: Mapping[str, str],
    files: SecretFiles,
) -> Iterator[Fault]:
    """Yield secrets of an account that are known and would go to another host."""
    after = changed.effective(table) or {}
    in_file = file_table(changed.file, table)
    provider = PROVIDERS.get(str(after.get("provider", "")))
    for one in provider.fields if provider else ():
        if not one.goes_to or not after.get(one.name):
            continue
        pair = _secret_and_hosts(after, one.name, one.goes_to)
        if any(
            pair == _secret_and_hosts(known, one.name, one.goes_to)
            for known in (before, in_file)
            if known is not None
        ):
            continue
        variable = variable_of_table(table, one.name)
        is_own, is_outside = pair[0] == f"${{{variable}}}", files.is_in_environment(variable)
        # The environment may have it for a new account; for one of the file it has a host already.
        if is_own and (variable in secrets or (is_outside and in_file is None)):
            continue
        keys = " or ".join(one.goes_to)
        problem = f"is needed again, since {keys} names another host"
        if is_outside:
            problem = f"is in the environment, for another host: change {keys} in smsgate.toml"
        yield Fault(PLACE, f"{table}.{one.name}", problem)


def _secret_and_hosts(
    values: Mapping[str, object], key: str, addresses: tuple[str, ...]
) -> tuple[object, list[str]]:
    return values.get(key), [_host_of(str(values.get(one) or "")) for one in addresses]


def _host_of(address: str) -> str:
    """Return scheme, host and port of an address; what is no address as it is."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else address


def _password_for_another_server(
    before: Mapping[str, object],
    changed: ConfigurationSources,
    secrets: Mapping[str, str],
    files: SecretFiles,
) -> Iterator[Fault]:
    """Yield a fault where a password that is known would go to another mail server."""
    key, variable = f"{_EMAIL}.password", variable_of_table(_EMAIL, "password")
    in_console, after = changed.tables[_EMAIL], changed.effective(_EMAIL) or {}
    if "password" not in in_console:
        if after.get("password") and any(one in in_console for one in _MAIL_SERVER):
            yield Fault(PLACE, key, "is that of the file, for its server: enter another one")
        return
    is_same = all(before.get(one) == after.get(one) for one in (*_MAIL_SERVER, "password"))
    is_given = variable in secrets or files.is_in_environment(variable)
    if after.get("password") and not is_same and not is_given:
        yield Fault(PLACE, key, "is needed again, since the mail server is another one")
