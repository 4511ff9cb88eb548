"""``[alerts]``: the channels by which alerts reach the operator."""

from __future__ import annotations

import re
from collections.abc import Mapping

from smsgate.domain.errors import InvalidNumber
from smsgate.domain.phone import e164, masked
from smsgate.settings.applications import Secret
from smsgate.settings.environment import TableReader
from smsgate.settings.settings import Alerts, Mailbox, SmsRecipients
from smsgate.settings.shape import AlertsTable, EmailTable, TextTable, nearest
from smsgate.settings.values import Account

PORTS = {"starttls": 587, "tls": 465, "none": 25}
"""RFC 6409 (submission), RFC 8314 (the same inside TLS), RFC 5321."""
EMAIL_ADDRESS = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9a-fA-F:]{2,45}")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class AlertsReader(TableReader):
    """Reads the channels of a file."""

    heading = "alerts"

    def read(self, table: AlertsTable, accounts: Mapping[str, Account]) -> Alerts:
        """Return the channels; one with a fault is left out."""
        return Alerts(
            webhook=self._webhook(table.webhook),
            email=self._email(table.email) if table.email else None,
            text=self._text(table.text, accounts) if table.text else None,
        )

    def _webhook(self, text: str) -> Secret | None:
        url = self._given("webhook", text)
        if url and not url.startswith(("https://", "http://")):
            self._fault("webhook", "is no web address: write it as https://hooks.example.com/…")
            return None
        return Secret(url) if url else None

    def _email(self, table: EmailTable) -> Mailbox | None:
        before = len(self._faults)
        host = self._given("email.host", table.host)
        if host and not _HOST.fullmatch(host):
            self._fault("email.host", "is no host: write its name alone, such as mail.example.com")
        user = self._given("email.user", table.user)
        password = self._given("email.password", table.password)
        if bool(user) != bool(password):
            self._fault("email.user", "and `password` belong together: give both or neither")
        if password and table.tls == "none" and host not in _HERE:
            problem = 'would let the password be read on its way: write "starttls" or "tls"'
            self._fault("email.tls", problem)
        sender = self._address("email.from", table.from_)
        to = tuple(self._address("email.to", one) for one in table.to)
        if len(self._faults) > before:
            return None
        port = table.port or PORTS[table.tls]
        secret = Secret(password) if password else None
        return Mailbox(host, port, sender, to, table.tls, user, secret)

    def _text(self, table: TextTable, accounts: Mapping[str, Account]) -> SmsRecipients | None:
        before = len(self._faults)
        if table.account not in accounts:
            problem = (
                f"there is no account {table.account!r}: {nearest(table.account, [*accounts])}"
            )
            self._fault("text.account", problem)
        sender = self._given("text.from", table.from_)
        to = tuple(self._number(one) for one in table.to)
        if len(self._faults) > before:
            return None
        return SmsRecipients(table.account, sender, to)

    def _address(self, key: str, text: str) -> str:
        address = self._given(key, text)
        if address and not EMAIL_ADDRESS.fullmatch(address):
            wrong = "is no" if key == "email.from" else f"has {address[:60]!r}, which is no"
            problem = f"{wrong} e-mail address: write it as ops@example.com, without a name"
            self._fault(key, problem)
        return address

    def _number(self, text: str) -> str:
        number = self._given("text.to", text)
        try:
            return e164(number) if number else ""
        except InvalidNumber:
            # Who reads the logs need not learn a number that is almost right.
            shown = number if len(number) < 10 else masked(number)
            problem = f"has {shown!r}, which is no phone number: write it as +14155550123"
            self._fault("text.to", problem)
            return ""

    def _given(self, key: str, text: str) -> str:
        """The text with its variables. One that is unset is a fault: no alert would arrive."""
        return self._value(key, text, "take the key out")
