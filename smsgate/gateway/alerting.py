"""Told: conditions that last are posted to the operator's webhook, each once until it ends."""

from __future__ import annotations

import msgspec
import structlog

from smsgate.errors import CallFailed, StoreUnavailable
from smsgate.gateway.conditions import Condition, conditions, weak
from smsgate.gateway.measuring import sights
from smsgate.messages import HttpCall
from smsgate.outbound import Outbound
from smsgate.settings import Settings
from smsgate.store import Store

_log = structlog.get_logger()
_GOOD = range(200, 300)


class Alerting:
    """Looks, compares with what was told, and tells what is new."""

    def __init__(self, store: Store, settings: Settings, outbound: Outbound) -> None:
        """Use these collaborators."""
        self._store = store
        self._settings = settings
        self._outbound = outbound
        self._before: set[str] = set()
        self._away = False

    def turn(self) -> None:
        """Look once. What was seen at the last look too, and is told by nobody, is told now.

        So what passes by itself within a look is not told. Raises nothing.
        """
        try:
            self._compare()
            self._away = False
        except StoreUnavailable as error:
            # Nothing can be remembered there, so each clock tells it by itself.
            if not self._away:
                self._away = self._post(_away(error), "begins")

    def _compare(self) -> None:
        seen = sights(self._store, self._settings, dict)
        found = {_key(one): one for one in [*conditions(seen), *weak(seen)]}
        told = self._store.alerts.told()
        for key in (found.keys() & self._before) - told:
            if self._store.alerts.take(key) and not self._post(found[key], "begins"):
                self._store.alerts.give_back(key)  # the next look tries again
        for key in told - found.keys() - self._before:
            if self._store.alerts.give_back(key):
                name, _, subject = key.partition(" ")
                self._post(Condition(name, subject, False, "is as it should be again", ""), "ends")
        self._before = set(found)

    def _post(self, one: Condition, state: str) -> bool:
        """Post one condition; ``text`` is what Slack and its kin show. Whether it was taken."""
        webhook = self._settings.alerts_webhook
        if webhook is None:
            return False
        body = {
            "text": f"smsgate: {one.subject}: {one.said}" + (f" → {one.mend}" if one.mend else ""),
            "alert": one.name,
            "subject": one.subject,
            "state": state,
            "severity": "page" if one.fault else "ticket",
            "said": one.said,
            "mend": one.mend,
        }
        headers = {"Content-Type": "application/json"}
        call = HttpCall("POST", webhook.value, headers, msgspec.json.encode(body))
        try:
            status = self._outbound.perform(call).status
        except CallFailed as error:
            _log.warning("alert was not taken", alert=one.name, problem=str(error))
            return False
        if status not in _GOOD:
            _log.warning("alert was not taken", alert=one.name, status=status)
        return status in _GOOD


def _key(one: Condition) -> str:
    return f"{one.name} {one.subject}"


def _away(error: StoreUnavailable) -> Condition:
    return Condition(
        "SmsgateNotReady", "store", True, str(error), "start Redis, or set REDIS_URL: /readyz"
    )
