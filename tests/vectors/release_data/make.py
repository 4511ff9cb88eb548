"""Writes ``data.json``: what the code of a release leaves in Redis and SQL, and what it says of it.

Run with the code of that release, whose names it uses. Check the release out, copy this file to
``tests/gateway/test_make_release_data.py`` there, and run it by pytest with ``RELEASE_DATA`` naming
the file to write. The one here was made by commit fdf2eb4 (28 November 2026).
"""

# ruff: noqa: I001 - the names are those of that release
from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from smsgate.gateway.lists.importing import Listing
from smsgate.messages import Consent
from smsgate.store.keys import LANES
from smsgate.wiring import build_importing
from tests.fakes.twilio_api import Answer

APPLIED = {
    "stopped": "+14155550101",
    "came back": "+14155550102",
    "stopped orders": "+14155550103",
    "may have stopped": "+14155550104",
    "opted out by us": "+14155550105",
    "locked": "+14155550106",
    "consented": "+14155550107",
    "of a list": "+14155550108",
    "asked for help": "+14155550109",
    "refused by the provider": "+14155550110",
}
WAITING = {
    "stops": "+14155550121",
    "stops, comes back and stops": "+14155550122",
    "comes back": "+14155550123",
}
ORDERS = "+14155550888"


def text(client, key):
    """A key as JSON, its bytes as Latin-1."""
    kind = client.type(key).decode()
    plain = lambda value: value.decode("latin-1")  # noqa: E731 - as short as it is
    if kind == "string":
        value = plain(client.get(key))
    elif kind == "hash":
        value = {plain(name): plain(one) for name, one in client.hgetall(key).items()}
    elif kind == "set":
        value = sorted(map(plain, client.smembers(key)))
    elif kind == "zset":
        value = {plain(name): score for name, score in client.zrange(key, 0, -1, withscores=True)}
    elif kind == "list":
        value = [*map(plain, client.lrange(key, 0, -1))]
    else:
        last = client.xinfo_stream(key)["last-generated-id"]
        entries = client.xrange(key)
        value = {
            "last": plain(last),
            "entries": [
                [plain(id_), {plain(name): plain(one) for name, one in fields.items()}]
                for id_, fields in entries
            ],
        }
    return [kind, value]


def answers(gateway):
    """By number and program what the gate says."""
    return {
        number: {name: one.reason for name, one in gateway.status(number).items()}
        for number in (*APPLIED.values(), *WAITING.values())
    }


def drain(gateway):
    for lane in range(LANES):
        gateway.apply(lane)


def test_make(gateway, signed, api, redis_client, environ):
    gateway.records.migrate()

    def say(words, number, **more):
        gateway.ingest("twilio", signed(words, number, **more))

    one = APPLIED
    say("STOP", one["stopped"])
    say("STOP", one["came back"])
    say("STOP", one["stopped orders"], sender=ORDERS)
    say("para", one["may have stopped"])
    gateway.override("suppress", one["opted out by us"], "alerts", "ana", "asked by phone")
    gateway.lock(one["locked"], "ana", "a court said so")
    agreed = Consent(words="Yes, text me", medium="web", given_us=1_760_000_000_000_000)
    gateway.record_consent(one["consented"], "club", agreed, "operator", "ana")
    drain(gateway)
    say("START", one["came back"])
    drain(gateway)
    build_importing(gateway).enter(
        [one["of a list"]], Listing("alerts", "opted_out", actor="ana", note="stopped.csv")
    )
    for lane in range(LANES):
        gateway.send_replies(lane)
    gateway.recording.move_all()
    # What follows is in the ledgers and not in the records.
    api.script(Answer(400, {"code": 21211, "message": "Invalid 'To' number"}))
    say("HELP", one["refused by the provider"])
    drain(gateway)
    for lane in range(LANES):
        gateway.send_replies(lane)
    say("HELP", one["asked for help"])
    drain(gateway)
    # What follows is in the inbox; an opt-out is on hold.
    say("STOP", WAITING["stops"])
    for words in ("STOP", "START", "STOP"):
        say(words, WAITING["stops, comes back and stops"])
    say("STOP", WAITING["comes back"])
    say("START", WAITING["comes back"])
    before = answers(gateway)

    keys = {
        key.decode("latin-1"): text(redis_client, key)
        for key in sorted(redis_client.keys("*"))
        if not key.startswith(b"rq:worker")
    }
    path = Path(environ["SMSGATE_DATA_DIR"]) / "records.sqlite3"
    with sqlite3.connect(path) as file:
        rows = [*file.iterdump()]

    drain(gateway)
    found = {
        "numbers": {"applied": APPLIED, "waiting": WAITING},
        "answers": before,
        "answers_when_applied": answers(gateway),
        "events": {
            number: [
                [event.id, event.kind, event.outcome]
                for event in gateway.history(number)
                if event.kind != "reply"
            ]
            for number in (*APPLIED.values(), *WAITING.values())
        },
        "redis": keys,
        "sql": rows,
    }
    Path(os.environ["RELEASE_DATA"]).write_text(
        json.dumps(found, indent=1, ensure_ascii=True) + "\n", encoding="ascii"
    )
