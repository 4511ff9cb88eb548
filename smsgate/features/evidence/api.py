"""``GET /v1/evidence/<number>``: one number's story, as a page for a lawyer."""

from __future__ import annotations

import msgspec

from smsgate.domain.phone import e164
from smsgate.features.evidence.service import collect_evidence, page
from smsgate.interface.operation import Context, Download, operation
from smsgate.interface.schemas import Number


class EvidenceQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Whose evidence."""

    number: Number


@operation(
    "GET /evidence/<number>",
    role="viewer",
    scope="admin",
    example={"number": "+14155550123"},
    media_type="text/html",
)
def read_evidence(context: Context, request: EvidenceQuery) -> Download:
    """Collect all that is recorded of a number, with its proofs, as a page to print."""
    number = e164(request.number)
    found = page(collect_evidence(context.services, number))
    return Download(f"evidence-{number}.html", "text/html; charset=utf-8", [found.encode()])


OPERATIONS = (read_evidence,)
