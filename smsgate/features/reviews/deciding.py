"""What a person decides about a text that waits, and taking that back.

A decision is an entry of the inbox like any other. It is for one text that was looked at: where
somebody else decided that one already, or a newer text came meanwhile, nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from smsgate.consent.events import Standing
from smsgate.consent.reviews import REOPENED, REVIEWED, decision_id
from smsgate.domain.errors import NoSuchReview, ReviewChanged, StoreNotReady
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent, Stood
from smsgate.domain.phone import e164
from smsgate.features.reviews.decided import Decided, Made
from smsgate.pipeline.open_reviews import Open, open_of
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store import Store
from smsgate.store.job_queue import JobQueue
from smsgate.store.keys import partition_of

_DECISIONS = {
    "opt_out": (Intent.OPT_OUT, REVIEWED),
    "none": (Intent.NONE, REVIEWED),
}


class Deciding:
    """Enters decisions. What it raises besides: ``StoreUnavailable``, ``InvalidNumber``."""

    def __init__(
        self, settings: Settings, store: Store, records: Records, job_queue: JobQueue
    ) -> None:
        """Use these collaborators."""
        self._settings = settings
        self._store = store
        self.made = Made(store, records)
        self._job_queue = job_queue

    def decide(self, decided: str, number: str, program: str, actor: str, seen: str = "") -> str:
        """Decide ``opt_out`` or ``none``, or ``undo`` the newest decision; gives the key of that.

        ``seen``: the key of what was looked at; needed where more than one text waits. Raises
        ``NoSuchReview`` where nothing waits, ``ReviewChanged`` where that was decided, or a newer
        text came.
        """
        known = e164(number)
        if decided == "undo":
            return self._undo_newest(known, program, actor)
        found = next((one for one in open_of(self._store, known) if one.program == program), None)
        if found is None:
            raise NoSuchReview(
                f"no text of {known} to {program!r} waits: `smsgate review list` tells"
            )
        if seen and seen != found.key:
            raise ReviewChanged("a newer text of this number came meanwhile: look at it too")
        if not seen and found.first != found.newest:
            raise ReviewChanged(
                "more than one text of this number waits: look at them all, and name what you saw "
                "by the key that `smsgate review list` shows with them"
            )
        stood = self._stood([known]).get(known)
        return self._enter(self._entry(decided, known, program, actor, found, stood))

    def _undo_newest(self, number: str, program: str, actor: str) -> str:
        found = self.made.newest(number, program)
        if found is None:
            raise NoSuchReview(
                f"no text of {number} to {program!r} was decided in the last 48 hours; an older "
                "opt-out is lifted by a restore that names what allows it: on the number's page, "
                "by `smsgate restore`, or by DELETE /v1/suppressions"
            )
        if found.decided == "undo":
            raise NoSuchReview(
                f"the newest decision about {number} to {program!r} was taken back already: its "
                "text waits, `smsgate review list` tells"
            )
        return self._enter(self._taken_back(found, actor))

    def decide_each(self, decided: str, some: Sequence[Open], actor: str) -> list[str]:
        """Decide what waits alike; gives the keys of decisions, without what others decided."""
        stood = self._stood([one.number for one in some])
        entries = [
            self._entry(decided, one.number, one.program, actor, one, stood.get(one.number))
            for one in some
        ]
        added, partitions = self._store.inbox.add([Arrival(entry) for entry in entries])
        self._job_queue.notify_inboxes(partitions)
        pairs = zip(entries, added, strict=True)
        return [
            f"{partition_of(one.number)}-{done.id}" for one, done in pairs if not done.duplicate
        ]

    def undo(self, key: str, actor: str) -> str:
        """Take a decision back: its text waits again; gives the key of that.

        An opt-out is lifted only if nothing was said of the number since, which is settled when
        it is applied. Raises ``NoSuchReview``, ``ReviewChanged`` where that was done before.
        """
        found = self.made.find(key)
        if found is None or found.decided == "undo":
            raise NoSuchReview(
                "there is no such decision of the last 48 hours; an older opt-out is lifted on "
                "the number's page, by Restore"
            )
        return self._enter(self._taken_back(found, actor))

    def _entry(
        self,
        decided: str,
        number: str,
        program: str,
        actor: str,
        about: Open,
        stood: Stood | None,
    ) -> Entry:
        intent, rule = _DECISIONS[decided]
        return Entry(
            number=number,
            program=program,
            decision=Decision(intent, rule=rule, note=f"{actor} decided: {decided}"),
            scope=self._scope(program) if intent.stops else "",
            source="operator",
            actor=actor,
            # So that of two decisions about one text only the first counts.
            message_id=decision_id(about.key),
            stood=stood if intent.stops else None,
        )

    def _taken_back(self, found: Decided, actor: str) -> Entry:
        before = found.entry
        lifts = found.decided == "opt_out" and found.outcome in ("", "applied")
        return Entry(
            number=before.number,
            program=before.program,
            decision=Decision(
                Intent.REVIEW, rule=REOPENED, note=f"{actor} took back what {before.actor} decided"
            ),
            source="operator",
            actor=actor,
            message_id=f"{REOPENED}-{found.key}",
            action="undo" if lifts else "",
            stood=before.stood if lifts else None,
            undoes=found.key.partition("-")[2] if lifts else "",
        )

    def _scope(self, program: str) -> str:
        found = self._settings.programs.get(program)
        return program if found is not None and found.scope == "program" else ALL

    def _stood(self, numbers: Sequence[str]) -> dict[str, Stood]:
        """How numbers stand; where that cannot be told the decision is made all the same."""
        programs = [one.name for one in self._settings.programs]
        found: dict[str, Standing] = {}
        with suppress(StoreNotReady):
            found = self._store.numbers.standings_of(numbers, programs)
        return {number: standing.stood() for number, standing in found.items()}

    def _enter(self, entry: Entry) -> str:
        (added,), partitions = self._store.inbox.add([Arrival(entry)])
        if added.duplicate:
            raise ReviewChanged("somebody did that already, a moment ago")
        self._job_queue.notify_inboxes(partitions)
        return f"{partition_of(entry.number)}-{added.id}"
