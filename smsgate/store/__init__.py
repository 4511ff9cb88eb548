"""Redis, and nothing but Redis. The rules that every file here keeps are in ``keys.py``."""

from __future__ import annotations

from smsgate.store.commits import Commits
from smsgate.store.connection import Client
from smsgate.store.health import Health
from smsgate.store.inbox import Inbox
from smsgate.store.ledger import Ledger
from smsgate.store.looks import Looks
from smsgate.store.marker import Marker
from smsgate.store.outbox import Outbox
from smsgate.store.quarantine import Quarantine
from smsgate.store.simulator import Simulator
from smsgate.store.sweep import Sweep
from smsgate.store.together import Together
from smsgate.store.trail import Trail


class Store:
    """All parts of the store, on one client."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self.health = Health(client)
        self.marker = Marker(client)
        self.inbox = Inbox(client)
        self.together = Together(self.inbox)
        self.looks = Looks(client)
        self.commits = Commits(client)
        self.outbox = Outbox(client)
        self.ledger = Ledger(client)
        self.trail = Trail(client)
        self.sweep = Sweep(client)
        self.quarantine = Quarantine(client)
        self.simulator = Simulator(client)
