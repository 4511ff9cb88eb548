"""Import of numbers: chunks for the inbox, applied before their outcome is reported.

Files and calls of the API take the same way. A row says of one number that it opted out or that it
subscribed; an ``ImportRequest`` has what all rows have in common. Nothing of a list places a hold,
so an import ends only when everything is applied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import ALL, AddResult, Arrival, Decision, Entry, Intent
from smsgate.features.lists.import_record import scope_of
from smsgate.features.lists.rows import State
from smsgate.pipeline.apply import InboxApplier
from smsgate.pipeline.manual import check_program
from smsgate.pipeline.services import Services
from smsgate.store.keys import partition_of

CHUNK = 500
"""Numbers in one entry of the inbox."""
_ALL, _LOCKED, _OWN, _BACK, _CONSENT = range(5)
_IN = ord("1")
_FRESH = ""
"""Entered by us, and not known yet what became of it."""

OUTCOMES = {
    "applied": "applied",
    "new": "would be applied",
    "repeat": "already has this status",
    "refused": "opted out or locked, which an import never lifts",
    "superseded": "imported before, and opted in again since",
    "not_applied": "stored, but not in effect: see `smsgate history`",
}
"""What the result of a number of a list means."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the rows of a list have in common."""

    program: str
    """Name of a program, or ``all`` for an opt-out from everything. Of a file also empty: then each
    row says its program."""
    state: State
    source: str = "import"
    """``import``, ``api`` …: who speaks."""
    actor: str = ""
    id: str = ""
    """Of the list: its parts are entered once, however often they come. Empty: always anew."""
    note: str = ""
    """Recorded: the name of the file, a reason."""
    consent: Consent | None = None
    """What was agreed to, where the rows say that people subscribed."""


class NumberImport:
    """Enters the numbers of lists."""

    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._store = services.store
        # Of its own, so that the events that it applied come back here alone.
        self._applier = InboxApplier(
            services.settings, services.content, services.store, services.job_queue
        )

    def check(self, request: ImportRequest) -> None:
        """Raise ``UnknownProgram`` unless the program is configured."""
        if request.program != ALL or request.state == "subscribed":
            check_program(self._settings, request.program)

    def rehearse(self, numbers: Sequence[str], request: ImportRequest) -> list[str]:
        """What would become of each number (E.164): ``new``, ``repeat`` or ``refused``.

        Raises ``StoreUnavailable``, ``StoreNotReady``.
        """
        found = self._memberships(numbers, request)
        return [
            "refused"
            if request.state == "subscribed" and _is_blocked(bits)
            else "repeat"
            if _stands(bits, request)
            else "new"
            for bits in found
        ]

    def enter(
        self,
        numbers: Sequence[str],
        request: ImportRequest,
        since_us: Sequence[int] = (),
        sources: Sequence[str] = (),
        *,
        part: str = "",
        known: Collection[str] = (),
    ) -> list[str]:
        """Enter numbers (E.164), wait until they are applied, and say what became of each.

        Args:
            numbers: of any partitions; what stands twice in it counts once.
            request: what they have in common.
            since_us: since when each stands so (0: not known), or nothing.
            sources: from where each came (empty: not known), or nothing.
            part: which part of the list this is; the same numbers at every try.
            known: ids of parts that were entered once and are not to be entered again.

        The outcomes are those of ``OUTCOMES``. Raises ``UnknownProgram``, ``StoreUnavailable``,
        ``StoreNotReady``; then some of it may be in, and trying again does no harm.
        """
        self.check(request)
        entries = [
            one
            for one in self._entries(numbers, request, since_us, part, sources)
            if one.message_id not in known
        ]
        added: list[AddResult] = []
        if entries:
            added, _ = self._store.inbox.add([Arrival(entry) for entry in entries])
        outcomes: dict[str, str] = {}
        for entry, one in zip(entries, added, strict=True):
            partition = partition_of(entry.numbers[0])
            if one.duplicate:  # by a try that ended, perhaps before it was applied
                self.applied(partition, self._store.inbox_reader.newest(partition))
            else:
                outcomes.update(dict.fromkeys(entry.numbers, _FRESH))
                outcomes.update(self.applied(partition, one.id))
        self._look_again(numbers, request, outcomes)
        return [outcomes[number] for number in numbers]

    def applied(self, partition: int, id_: str) -> dict[str, str]:
        """Apply the partition's inbox until that entry is through; what became of its numbers.

        Nothing where somebody else applied it.
        """
        found: dict[str, str] = {}
        while id_ and self._store.inbox_reader.waits(partition, id_):
            for event in self._applier.drain_events(partition):
                if event.inbox_id == id_:
                    found = {one: group.outcome for group in event.listed for one in group.numbers}
        return found

    def _look_again(
        self, numbers: Sequence[str], request: ImportRequest, outcomes: dict[str, str]
    ) -> None:
        """Say of numbers of which no event was seen how they stand."""
        unseen = [one for one in dict.fromkeys(numbers) if outcomes.get(one, _FRESH) == _FRESH]
        for number, bits in zip(unseen, self._memberships(unseen, request), strict=True):
            fresh = number in outcomes
            if request.state == "subscribed" and _is_blocked(bits):
                outcomes[number] = "refused"
            elif _stands(bits, request):
                outcomes[number] = "applied" if fresh else "repeat"
            else:
                outcomes[number] = "not_applied" if fresh else "superseded"

    def _memberships(self, numbers: Sequence[str], request: ImportRequest) -> list[bytes]:
        program = "" if request.program == ALL else request.program
        consents = request.state == "subscribed"
        return self._store.numbers.memberships(numbers, program, consents=consents)

    def _entries(
        self,
        numbers: Sequence[str],
        request: ImportRequest,
        since_us: Sequence[int],
        part: str,
        sources: Sequence[str] = (),
    ) -> Iterator[Entry]:
        partitions: dict[int, dict[str, int]] = defaultdict(dict)
        for place, number in enumerate(numbers):
            partitions[partition_of(number)].setdefault(number, place)
        for partition, places in sorted(partitions.items()):
            of_partition = [*places.items()]
            for at in range(0, len(of_partition), CHUNK):
                some = of_partition[at : at + CHUNK]
                since = tuple(since_us[place] for _, place in some) if since_us else ()
                named = tuple(sources[place] for _, place in some) if sources else ()
                id_ = f"{request.id}-{part}-{partition}-{at // CHUNK}" if request.id else ""
                entry = self._entry(tuple(number for number, _ in some), request, id_)
                yield msgspec.structs.replace(
                    entry,
                    since_us=since if any(since) else (),
                    external_sources=named if any(named) else (),
                )

    def _entry(self, numbers: tuple[str, ...], request: ImportRequest, id_: str) -> Entry:
        stops = request.state == "opted_out"
        scope = scope_of(self._settings, request.program) if stops else ""
        everything = stops and request.program == ALL
        intent = Intent.OPT_OUT_ALL if everything else Intent.OPT_OUT
        return Entry(
            number="",
            program=request.program,
            decision=Decision(intent if stops else Intent.OPT_IN, rule="import", note=request.note),
            scope=scope,
            source=request.source,
            actor=request.actor,
            message_id=id_,
            action="import",
            consent=None if stops else request.consent,
            numbers=numbers,
        )


def _is_blocked(bits: bytes) -> bool:
    own, back = (bits[_OWN], bits[_BACK]) if len(bits) > _BACK else (0, 0)
    return _IN in (bits[_LOCKED], own) or (bits[_ALL] == _IN and back != _IN)


def _stands(bits: bytes, request: ImportRequest) -> bool:
    """Whether the number stands as the list says."""
    return _is_blocked(bits) if request.state == "opted_out" else bits[_CONSENT] == _IN
