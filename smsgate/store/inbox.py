"""The inbox: the only way in for whatever changes a number's state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from smsgate.messages import Added, Arrival, Decision, Entry, Intent, Stored
from smsgate.store.connection import Client, Script, translated
from smsgate.store.keys import LANE_KEYS, Keys, lane_of

WAKE_MS = 2_000
"""How long a job is waited for before another one is asked for."""
REMEMBER_S = 48 * 3600
"""How long message ids are remembered; providers redeliver for up to 24 hours."""

_decode = msgspec.json.Decoder(Entry).decode
_pack = msgspec.msgpack.encode


@dataclass(frozen=True, slots=True)
class Batch:
    """What a worker read from a lane's inbox, and the cursor from which it read."""

    cursor: str
    entries: tuple[Stored, ...]


class Inbox:
    """The inboxes of all lanes."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client
        self._add = Script(client, "add")
        self._rest = Script(client, "rest")

    def add(self, arrivals: Sequence[Arrival]) -> tuple[list[Added], list[int]]:
        """Store entries durably and place their holds; one round trip a lane.

        Gives what became of each, in order, and the lanes for which a job is to be asked for.
        Raises ``StoreUnavailable``; then what was stored is told apart by its message id when
        the provider tries again.
        """
        if len(arrivals) == 1:
            lane = lane_of(arrivals[0].entry.number)
            added, wake = self._add_to(LANE_KEYS[lane], arrivals)
            return added, [lane] if wake else []
        return self._add_to_lanes(arrivals)

    def _add_to_lanes(self, arrivals: Sequence[Arrival]) -> tuple[list[Added], list[int]]:
        places: dict[int, list[int]] = defaultdict(list)
        for place, arrival in enumerate(arrivals):
            places[lane_of(arrival.entry.number)].append(place)
        result = [Added("")] * len(arrivals)
        wakes: list[int] = []
        for lane, of_lane in places.items():
            added, wake = self._add_to(LANE_KEYS[lane], [arrivals[place] for place in of_lane])
            for place, one in zip(of_lane, added, strict=True):
                result[place] = one
            if wake:
                wakes.append(lane)
        return result, wakes

    def _add_to(self, keys: Keys, arrivals: Sequence[Arrival]) -> tuple[list[Added], bool]:
        seen: list[str] = []
        rows = [_row(keys, arrival, seen) for arrival in arrivals]
        names = [keys.inbox, keys.holds, keys.reviews, keys.wake_inbox, keys.optins, *seen]
        wake, *ids = self._add(names, [WAKE_MS, REMEMBER_S, _pack(rows)])
        return [Added(id=one.decode(), duplicate=not one) for one in ids], wake == 1

    def read(self, lane: int, count: int) -> Batch:
        """The oldest entries of a lane and the cursor behind which they stand."""
        keys = LANE_KEYS[lane]
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            # The cursor first: if it moves in between, the commit is refused.
            pipeline.get(keys.cursor)
            pipeline.xrange(keys.inbox, count=count)
            cursor, rows = pipeline.execute()
        entries = tuple(
            Stored(id=id_.decode(), stamp_us=int(fields[b"s"]), entry=_entry(fields[b"e"]))
            for id_, fields in rows
        )
        return Batch(cursor=(cursor or b"").decode(), entries=entries)

    def rest(self, lane: int) -> None:
        """Forget the wake of an inbox that is empty, so that the next entry asks for a job."""
        keys = LANE_KEYS[lane]
        self._rest([keys.inbox, keys.wake_inbox], [])

    def depth(self, lane: int) -> int:
        """How many entries wait in a lane."""
        with translated():
            return int(self._client.xlen(LANE_KEYS[lane].inbox))


def json_text(value: msgspec.Struct) -> str:
    """JSON as text: Redis's msgpack reader does not know byte strings."""
    return msgspec.json.encode(value).decode()


def hold_field(scope: str, number: str) -> str:
    """Field of the hash of holds (and, with a program, of review holds)."""
    return f"{scope}:{number}"


def _entry(raw: bytes) -> Entry:
    """An entry; one that cannot be read is kept as what it is, so that it does not stop its lane.

    Its hold stays, since nobody knows any more whom it is for.
    """
    try:
        return _decode(raw)
    except msgspec.DecodeError as error:
        decision = Decision(Intent.NONE, rule="unreadable", note=str(error))
        return Entry(number="", program="", decision=decision, text=raw.decode(errors="replace"))


def _row(keys: Keys, arrival: Arrival, seen: list[str]) -> tuple[object, ...]:
    entry = arrival.entry
    intent = entry.decision.intent
    index, member = 0, ""
    if entry.message_id:
        seen.append(keys.seen(entry.account, entry.message_id))
        index, member = len(seen), f"{entry.account}:{entry.message_id}"
    real = entry.phone and bool(entry.program)
    return (
        json_text(entry),
        arrival.age_us,
        arrival.sent_us or False,
        hold_field(entry.scope, entry.number) if real and intent.stops else "",
        hold_field(entry.program, entry.number) if real and intent is Intent.REVIEW else "",
        index,
        member,
        intent is Intent.OPT_IN and bool(member),
    )
