"""A deployment under load: each process is followed by a new one, one after the other."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import pytest

from smsgate.domain.messages import WebhookRequest
from smsgate.store.keys import PARTITION_KEYS
from tests.fakes.processes import wait_until
from tests.fakes.twilio_api import TwilioApi
from tests.faults import ledger
from tests.faults.system import FaultSystem
from tests.journey.system import SID, TOKEN, until

THREADS = 6
PAUSE_S = 0.03
SPARE = 0.005
"""Share of requests that may find no answer, and are delivered at the second try."""


@dataclass
class Deliveries:
    """What a provider did and saw."""

    accepted: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Each of them was delivered at the second try."""


class Provider:
    """Texts STOP from one new number after the other, with a new connection for each."""

    def __init__(self, system: FaultSystem) -> None:
        self.seen = Deliveries()
        self._system = system
        self._lock = threading.Lock()
        self._places = iter(range(1, 1_000_000))
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._ending.wait(PAUSE_S):
            with self._lock:
                place = next(self._places)
            id_ = f"SM{place:032x}"
            request = self._system.signed("STOP", f"+1415{5_550_000 + place}", id_)
            status = _post(request)
            if status == 0:
                self.seen.lost.append(id_)
                status = _post(request)
            if status == 200:
                self.seen.accepted.append(id_)
            else:
                self.seen.refused.append(status)


def _post(request: WebhookRequest) -> int:
    """The status; 0 where no answer came."""
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=15)
    try:
        connection.request("POST", parts.path, request.body, dict(request.headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@pytest.mark.full
@pytest.mark.timeout(180)
def test_a_deployment_under_load_loses_nothing_and_refuses_nobody(tmp_path, groups):
    with TwilioApi({SID: TOKEN}) as api:
        system = FaultSystem(tmp_path, api.url, groups, seed=1)
        system.start()
        codes = []
        with Provider(system) as provider:
            for name in ("web", "worker", "sender", "clock", "web", "worker"):
                before = len(provider.seen.accepted)
                codes.append((name, system.replace(name)))
                assert wait_until(lambda before=before: len(provider.seen.accepted) > before + 20)
        until(system.idle, 60)
        # what the clock archives between reading the records and the ledgers is seen in neither
        until(lambda: not any(system.direct.xlen(keys.ledger) for keys in PARTITION_KEYS), 60)
        seen = provider.seen
        recorded = [id_ for id_, events in ledger.read(system).by_message.items() for _ in events]
        system.close()

    assert [code for _, code in codes] == [0] * 6, codes
    assert seen.refused == []
    assert len(seen.accepted) > 200
    assert len(seen.lost) <= 1 + SPARE * len(seen.accepted)
    assert sorted(recorded) == sorted(seen.accepted)
    assert len(api.calls) == len(seen.accepted)
