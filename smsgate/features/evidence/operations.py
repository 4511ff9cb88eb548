"""One number's story, as a page for a lawyer."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from msgspec.structs import replace

from smsgate.domain.errors import CallInProgress, Unfit
from smsgate.domain.phone import as_recorded
from smsgate.features.evidence.service import EvidenceRequest, collect_evidence, page
from smsgate.interface.operation import Context, Download, operation

_turn = threading.Lock()
"""The chain of a partition is verified whole, which takes seconds; webhooks need the threads."""


@dataclass(frozen=True, slots=True)
class EvidencePage(Download):
    """The page."""

    is_faulty: bool = False
    """Whether the chain is broken."""


@operation(
    "GET /evidence/<number>",
    command="evidence <number>",
    role="agent",
    example={"number": "+14155550123", "company": "Acme Inc"},
    audit="exported evidence",
    exit_code=lambda found: int(found.is_faulty),
    media_type="text/html",
    problems={409: "Another evidence page is being made."},
)
def read_evidence(context: Context, request: EvidenceRequest) -> Download:
    """Write the complete record of a number, with its proofs, as a page to print.

    It has a cover, each event in words, the place of each record in the chain of hashes, and a
    declaration for the custodian to sign. To make a PDF, open it in a browser and print it. Exit
    code 1 if the chain is broken.
    """
    asked = replace(request, number=as_recorded(request.number.strip()))
    if not asked.number:
        raise Unfit("Name the number.", field="number")
    if not _turn.acquire(blocking=False):
        raise CallInProgress("Another evidence page is being made: try again in a few seconds.")
    try:
        found = collect_evidence(context.services, asked)
    finally:
        _turn.release()
    name = "".join(one for one in asked.number if one.isascii() and one.isalnum())
    return EvidencePage(
        f"evidence-{name or 'number'}.html",
        "text/html; charset=utf-8",
        [page(found).encode()],
        bool(found["problems"]),
    )


OPERATIONS = (read_evidence,)
