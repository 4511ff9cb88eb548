"""A provider's own request made anew for another address: for forms that their URL vouches for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smsgate.domain.messages import HttpCall, Posted, WebhookRequest
from smsgate.domain.signing import as_bytes, is_form

IDEMPOTENCY = "I-Twilio-Idempotency-Token"
"""The header by which Twilio lets an application tell repeated webhooks apart
(twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""


def posted_of(request: WebhookRequest) -> Posted | None:
    """What is needed to make a request anew; None where it carries no form."""
    content_type = request.headers.get("content-type", "")
    if request.method == "GET":
        return Posted("GET", "", as_bytes(request.query))
    return Posted(request.method, content_type, request.body) if is_form(content_type) else None


def made_anew(
    posted: Posted, url: str, sign: Callable[[str, bytes], Mapping[str, str]]
) -> HttpCall:
    """Describe the call with the same form to ``url``; ``sign`` gives headers for URL and form."""
    if posted.method == "GET":
        mark = "&" if "?" in url else "?"
        url = f"{url}{mark}{posted.form.decode('latin-1')}"
        return HttpCall("GET", url, sign(url, b""))
    headers = {"Content-Type": posted.content_type, **sign(url, posted.form)}
    return HttpCall(posted.method, url, headers, posted.form)
