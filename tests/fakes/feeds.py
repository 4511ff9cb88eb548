"""Another program that takes the calls of a feed, and what happens before it is told."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

from tests.fakes import manual
from tests.fakes.values import NUMBER

NEW, OLD = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))


@dataclass
class Receiver:
    """Another program: takes calls, or answers as it is told to."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """Numbers whose calls it does not take."""
    taken: list[dict[str, object]] = field(default_factory=list)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        self.seen.append((headers, body))
        data = json.loads(body)["data"]
        if self.refused.intersection(numbers_of(data)):
            return 500
        if self.status < 300:
            self.taken.append(data)
        return self.status


class Clock:
    """Seconds since 1970, as a test wants them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def change(services, action: str = "suppress", number: str = NUMBER, scope: str = "all") -> None:
    """Something that happens, until it is recorded."""
    if action == "suppress":
        manual.opt_out(services, number, scope, "jane", "asked")
    else:
        named = {"basis": "evidence", "evidence": "a call", "is_admin": True}
        manual.restore(services, number, scope, "jane", "asked", **named)
    for partition in services.store.inbox.busy():
        services.applier.drain(partition)
    services.archiver.move_all()


def numbers_of(data: dict[str, object]) -> list[str]:
    """The number of a call, or those of a list."""
    return data.get("numbers") or [data["number"]]


def told(receiver: Receiver) -> list[tuple[str, bool, str]]:
    return [(one["number"], one["allowed"], one["reason"]) for one in receiver.taken]
