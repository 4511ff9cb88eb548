"""Names inside stored JSON stay as they were written first, whatever the attributes are called."""

from __future__ import annotations

import msgspec

from smsgate.consent.events import Event, Mark
from smsgate.domain.forwards import Forward
from smsgate.domain.messages import Decision, Entry, Intent


def test_the_event_time_is_stored_as_stamp_us():
    """Data that earlier versions wrote is read, and they read ours."""
    entry = Entry(number="+14155550123", program="alerts", decision=Decision(Intent.OPT_OUT, "x"))
    values = (
        Event(id="1", kind="opt_out", outcome="applied", number="+14155550123", event_time_us=7),
        Mark(stops=True, event_time_us=7, account="twilio", id="1-0"),
        Forward("0-1-000000", entry, "1-0", "e", "applied", event_time_us=7),
    )
    for value in values:
        written = msgspec.json.encode(value)
        assert b'"stamp_us":7' in written
        assert msgspec.json.decode(written, type=type(value)) == value
