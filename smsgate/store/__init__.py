"""Redis, and nothing but Redis. The rules that every file here keeps are in ``keys.py``."""

from __future__ import annotations

from smsgate.store.acceptance import Acceptance
from smsgate.store.allowances import Allowances
from smsgate.store.backlog import BacklogReader
from smsgate.store.commits import Commits
from smsgate.store.configurations import Configurations
from smsgate.store.erasing import Erasing
from smsgate.store.forwards import Forwards
from smsgate.store.group_commit import GroupCommit
from smsgate.store.guesses import Guesses
from smsgate.store.health import Health
from smsgate.store.heartbeats import Heartbeats
from smsgate.store.inbox import Inbox
from smsgate.store.laters import Laters
from smsgate.store.ledger import Ledger
from smsgate.store.listings import Listings
from smsgate.store.metadata import StoreMetadata
from smsgate.store.metrics import Metrics
from smsgate.store.number_reader import NumberReader
from smsgate.store.outbox import Outbox
from smsgate.store.overdue import Overdue
from smsgate.store.quarantine import Quarantine
from smsgate.store.receipts import Receipts
from smsgate.store.redis_address import Client
from smsgate.store.refusals import Refusals
from smsgate.store.renaming import Renaming
from smsgate.store.restoring import Restoring
from smsgate.store.sample_log import SampleLog
from smsgate.store.shared_keys import attempts_of, sign_ins_of
from smsgate.store.simulator import Simulator
from smsgate.store.sweep import Sweep
from smsgate.store.write_lease import WriteLease


class Store:
    """All parts of the store, on one client."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self.client = client
        self.health = Health(client)
        self.metadata, self.write_lease = StoreMetadata(client), WriteLease(client)
        self.inbox = Inbox(client)
        self.group_commit = GroupCommit(self.inbox)
        self.numbers = NumberReader(client)
        self.commits = Commits(client)
        self.outbox, self.receipts = Outbox(client), Receipts(client)
        self.overdue = Overdue(client)
        self.forwards = Forwards(client)
        self.ledger = Ledger(client)
        self.sample_log = SampleLog(client)
        self.erasing = Erasing(client)
        self.sweep = Sweep(client)
        self.restoring, self.renaming = Restoring(client), Renaming(client)
        self._beside_the_partitions(client)

    def _beside_the_partitions(self, client: Client) -> None:
        """What has keys of its own, one for all numbers."""
        self.quarantine = Quarantine(client)
        self.acceptance = Acceptance(client)
        self.simulator = Simulator(client)
        self.refusals = Refusals(client)
        self.guesses, self.sign_ins = Guesses(client), Guesses(client, sign_ins_of, 15 * 60)
        self.attempts = Guesses(client, attempts_of, 15 * 60)
        self.backlog, self.listings = BacklogReader(client), Listings(client)
        self.laters = Laters(client)
        self.metrics = Metrics(client)
        self.allowances = Allowances(client)
        self.configurations, self.heartbeats = Configurations(client), Heartbeats(client)
