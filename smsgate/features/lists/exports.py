"""Exports that are known by their headers: which column is the subscriber's, and what a row says.

Sources: Twilio's bulk upsert of consents (``contact_id``, ``status``, ``date_of_consent``) and its
message resource (``to``, ``error_code``, ``date_sent``; the console's log of messages has the same
names without underscores) with error 21610; Telnyx ``GET /v2/messaging_optouts`` (``to`` receives,
``from`` sends); Plivo's message records with error 200; AWS ``DescribeOptedOutNumbers``. Headers of
downloads from the consoles of Telnyx and Plivo are not published; those of their APIs are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

_PLAIN = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Export:
    """A known kind of file. Names of columns are as ``plain`` gives them."""

    name: str
    needs: frozenset[str]
    """Columns by which it is known."""
    number: str
    since: str = ""
    state: str = ""
    states: Mapping[str, str] = field(default_factory=dict)
    """What a state of theirs means: ``opted_out``, ``subscribed``, or nothing for us (empty)."""
    international: bool = False
    """Whether numbers have their country, but no plus."""


_OURS = {"opted_out": "opted_out", "locked": "opted_out", "subscribed": "subscribed"}
_TWILIO = {"opt-out": "opted_out", "opt-in": "subscribed", "re-opt-in": "subscribed"}
EXPORTS = (
    Export("smsgate", frozenset({"number", "state", "since", "source"}), "number", "since",
           "state", _OURS),
    Export("twilio consents", frozenset({"contactid", "status", "senderid"}), "contactid",
           "dateofconsent", "status", _TWILIO),
    Export("twilio messages", frozenset({"to", "errorcode", "sid"}), "to", "datesent",
           "errorcode", {"21610": "opted_out", "": "", "*": ""}),
    Export("twilio message log", frozenset({"to", "errorcode", "sid", "sentdate"}), "to",
           "sentdate", "errorcode", {"21610": "opted_out", "": "", "*": ""}),
    Export("telnyx", frozenset({"to", "from", "messagingprofileid"}), "to", "createdat"),
    Export("plivo", frozenset({"tonumber", "messageuuid", "errorcode"}), "tonumber",
           "messagetime", "errorcode", {"200": "opted_out", "": "", "*": ""}, international=True),
    Export("aws", frozenset({"optedoutnumber"}), "optedoutnumber", "optedouttimestamp"),
)  # fmt: skip
ANY_OTHER = "*"
"""Key of ``states`` for what is not in it: rows that say something else, such as another error."""
NUMBERS = (
    "number", "phone", "phonenumber", "phonenumbers", "mobile", "mobilenumber", "mobilephone",
    "cell", "cellphone", "cellnumber", "msisdn", "e164", "contactnumber", "tel", "telephone",
    "sms", "smsnumber", "subscriber", "recipient", "to", "contactid",
)  # fmt: skip
"""Headers under which lists have their numbers, best first."""


def plain(header: str) -> str:
    """A header without case, blanks and punctuation: ``Phone number`` is ``phonenumber``."""
    return _PLAIN.sub("", header).casefold()


def export_of(headers: Collection[str]) -> Export | None:
    """The known export with such headers (as ``plain`` gives them): the one that needs most."""
    found = [one for one in EXPORTS if one.needs <= {*headers}]
    return max(found, key=lambda one: len(one.needs), default=None)
