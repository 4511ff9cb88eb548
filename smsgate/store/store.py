"""All parts of the store, on one client."""

from __future__ import annotations

from smsgate.metrics.snapshot import DeliveryCounts, OptOutListState, RebuildProgress
from smsgate.store.account_requests import Acceptance, Quarantine
from smsgate.store.connection import Client
from smsgate.store.gate_check import GateReader
from smsgate.store.health import Health
from smsgate.store.inbox import Inbox, JobQueue
from smsgate.store.metadata import StoreMetadata
from smsgate.store.metrics import Metrics
from smsgate.store.numbers import Commits
from smsgate.store.outbox import Ledger, Outbox
from smsgate.store.processes import Heartbeats, Sweep
from smsgate.store.programs import StorePrograms
from smsgate.store.reader import BacklogReader, InboxReader, LedgerReader
from smsgate.store.rebuild import StoreRebuild
from smsgate.store.refusals import Refusals
from smsgate.store.replies import Receipts, UnsentReplies
from smsgate.store.sample_log import SampleLog
from smsgate.store.shared_values import AlertState, AlertTest, AnsweredCalls, Lease, SavedValue
from smsgate.store.write_lease import WriteLease

ALERT_TEST_S = 120
"""How long a clock may take to answer a test of alerts."""


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
        self.rebuild, self.programs = StoreRebuild(client), StorePrograms(client)
        # What follows has keys of its own, one for all numbers.
        self.sweep = Sweep(client)
        self.heartbeats = Heartbeats(client)
        self.metrics = Metrics(client)
        self.acceptance, self.quarantine = Acceptance(client), Quarantine(client)
        self.refusals = Refusals(client)
        # Leases, in ms. The clock's lasts three of its periods, so a dead one is soon replaced.
        # The turn comes about once a day; a call about an opt-out list takes 13 s at most.
        self.clock_lease = Lease(client, "clock", 6_000)
        self.rebuild_lease = Lease(client, "rebuild", 60_000)
        self.alert_lease = Lease(client, "alert-lease", 90_000)
        self.opt_out_list_lease = Lease(client, "opt-out-list-lease", 60_000)
        self.retention_turn = Lease(client, "retention", 23 * 3_600_000)
        self.rebuild_progress = SavedValue(client, "rebuild-progress", RebuildProgress, 60)
        self.delivery_counts = SavedValue(client, "deliveries", DeliveryCounts)
        self.backlog = BacklogReader(client, self.delivery_counts)
        self.alert_state = SavedValue(client, "alerts", AlertState)
        self.alert_test = SavedValue(client, "alert-test", AlertTest, ALERT_TEST_S)
        self.opt_out_lists = SavedValue(client, "opt-out-list", OptOutListState)
        """By account. A flushed store forgets them: then every opt-out is reported again, which
        changes nothing at the provider, and its list is read from the beginning."""
        self.answered_calls = AnsweredCalls(client)
