"""All parts of the store, on one client."""

from __future__ import annotations

from smsgate.store.account_requests import Acceptance, Quarantine
from smsgate.store.alerts import AlertStates
from smsgate.store.answered_calls import AnsweredCalls
from smsgate.store.connection import Client
from smsgate.store.gate_check import GateReader
from smsgate.store.health import Health
from smsgate.store.inbox import Inbox, JobQueue
from smsgate.store.metadata import StoreMetadata
from smsgate.store.metrics import Metrics
from smsgate.store.numbers import Commits
from smsgate.store.outbox import Ledger, Outbox
from smsgate.store.processes import Heartbeats, OptOutLists, Sweep
from smsgate.store.programs import StorePrograms
from smsgate.store.reader import BacklogReader, InboxReader, LedgerReader
from smsgate.store.rebuild import StoreRebuild
from smsgate.store.refusals import Refusals
from smsgate.store.replies import Receipts, UnsentReplies
from smsgate.store.sample_log import SampleLog
from smsgate.store.write_lease import WriteLease


class Store:
    """All parts of the store, on one client. Connects on first use."""

    def __init__(self, client: Client, job_queue: JobQueue | None = None) -> None:
        self.client = client
        self.health = Health(client)
        self.metadata, self.write_lease = StoreMetadata(client), WriteLease(client)
        self.inbox, self.inbox_reader = Inbox(client, job_queue), InboxReader(client)
        self.numbers = GateReader(client)
        self.commits = Commits(client)
        self.outbox, self.receipts = Outbox(client), Receipts(client)
        self.unsent_replies = UnsentReplies(client)
        self.ledger, self.ledger_reader = Ledger(client), LedgerReader(client)
        self.sample_log = SampleLog(client)
        self.backlog = BacklogReader(client)
        self.rebuild, self.programs = StoreRebuild(client), StorePrograms(client)
        # What follows has keys of its own, one for all numbers.
        self.sweep = Sweep(client)
        self.heartbeats = Heartbeats(client)
        self.metrics = Metrics(client)
        self.acceptance, self.quarantine = Acceptance(client), Quarantine(client)
        self.refusals = Refusals(client)
        self.opt_out_lists = OptOutLists(client)
        self.answered_calls = AnsweredCalls(client)
        self.alerts = AlertStates(client)
