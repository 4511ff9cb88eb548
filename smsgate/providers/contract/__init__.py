"""The contract between smsgate and its providers, and what several of them have in common.

A provider is a module of pure functions: it describes calls and understands answers, and
never makes a call, reads a clock or looks at the environment. ``types`` says what it must offer,
``absent`` stands in for what it has not; ``fields``, ``reading``, ``texts`` and ``sending`` are
shared, so that no provider needs to know another.
"""

from __future__ import annotations

from smsgate.providers.contract.absent import no_certificate, no_handshake, no_reports
from smsgate.providers.contract.anew import IDEMPOTENCY, made_anew, posted_of
from smsgate.providers.contract.fields import PATH_SECRET, REGION
from smsgate.providers.contract.reading import (
    FATES,
    UUID,
    answered_by_network,
    check_path,
    check_present,
    fate_in,
    id_doubt,
    is_status_form,
    json_parts,
    known_of,
    media_urls,
    network_alone,
    parts_of,
    path_alone,
    read_json,
)
from smsgate.providers.contract.sending import (
    FORM,
    NOT_SENT,
    Meaning,
    answer_json,
    coded,
    failed,
    retry_after_s,
    send_url,
    status_url,
    token_call,
    told,
)
from smsgate.providers.contract.texts import (
    MASK,
    GivenText,
    PartUnreadable,
    TextMissing,
    field_names,
    promised_text,
    read_each,
    readable,
    shown_names,
)
from smsgate.providers.contract.types import Field, Handshake, Provider, Report

__all__ = [
    "FATES",
    "FORM",
    "IDEMPOTENCY",
    "MASK",
    "NOT_SENT",
    "PATH_SECRET",
    "REGION",
    "UUID",
    "Field",
    "GivenText",
    "Handshake",
    "Meaning",
    "PartUnreadable",
    "Provider",
    "Report",
    "TextMissing",
    "answer_json",
    "answered_by_network",
    "check_path",
    "check_present",
    "coded",
    "failed",
    "fate_in",
    "field_names",
    "id_doubt",
    "is_status_form",
    "json_parts",
    "known_of",
    "made_anew",
    "media_urls",
    "network_alone",
    "no_certificate",
    "no_handshake",
    "no_reports",
    "parts_of",
    "path_alone",
    "posted_of",
    "promised_text",
    "read_each",
    "read_json",
    "readable",
    "retry_after_s",
    "send_url",
    "shown_names",
    "status_url",
    "token_call",
    "told",
]
