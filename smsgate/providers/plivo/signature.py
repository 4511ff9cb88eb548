"""Whether a request is Plivo's: V3, which covers URL and form, or V2, which covers the path alone.

What is signed are the bytes that query and form spell once their escapes are undone. V3 joins a
name and its value without anything between them, and neither version signs a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import Pair, as_bytes, form_pairs, hmac_base64, same
from smsgate.settings import Account

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 500


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:  # noqa: ARG001
    """Return if Plivo signed the request by the account's ``signature``. No time is signed.

    By V2 only the path is covered; then ``parse`` takes the nonce for the message's id, so that
    whoever saw one request can neither repeat it nor hang another text on its signature.
    Raises ``SignatureRefused``.
    """
    given = request.headers.get(_header(account), "")
    if not (given and nonce_of(request, account)):
        raise SignatureRefused(
            f"The request lacks {_header(account)} or its nonce. If Plivo sends another header "
            "instead, name it in the account's `signature`."
        )
    if max(request.body.count(b"&"), request.url.count("&")) >= _MOST_FIELDS:
        raise SignatureRefused(f"The form has over {_MOST_FIELDS} fields; Plivo's have dozens.")
    offered = given.split(",") if _version(account) == "v3" else [given]
    expected = list(_expected(request, account))
    if not any(same(one, other) for one in offered for other in expected):
        raise SignatureRefused(
            f"The {_header(account)} does not fit. It must be made with this account's token over "
            "the public URL, exactly as it was given to Plivo, and the form."
        )


def has_form(request: WebhookRequest) -> bool:
    """Whether the request carries a form: in the query of a GET, or as the body's type says."""
    if request.method == "GET":
        return True
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def form_of(request: WebhookRequest) -> tuple[Pair, ...]:
    """Return names and values of the form from where Plivo puts it; none where there is none."""
    if request.method == "GET":
        return form_pairs(as_bytes(request.query))
    return form_pairs(request.body) if has_form(request) else ()


def nonce_of(request: WebhookRequest, account: Account) -> str:
    """Return the nonce that is signed, or ``""``."""
    return request.headers.get(_nonce_header(account), "")


def signed_part(request: WebhookRequest, account: Account) -> bytes:
    """Return what is signed of a request by the account's ``signature``."""
    nonce = as_bytes(nonce_of(request, account))
    url = as_bytes(request.url.partition("#")[0].partition("?")[0])
    signed = _signed_v3(request, url) + b"." if _version(account) == "v3" else url
    return signed + nonce


def vouches_for_the_form(account: Account) -> bool:
    """Whether what ``parse`` reads is signed."""
    return _version(account) == "v3"


def sign(request: WebhookRequest, nonce: str, account: Account) -> dict[str, str]:
    """Return the headers by which Plivo signs ``request`` with the account's newest token."""
    headers = {**request.headers, _nonce_header(account): nonce}
    signed = WebhookRequest(request.method, request.url, headers, request.body)
    return {**headers, _header(account): next(_expected(signed, account))}


def _expected(request: WebhookRequest, account: Account) -> Iterator[str]:
    """Every signature that would do, of the newest token first."""
    signed = signed_part(request, account)
    for token in _tokens(account):
        yield hmac_base64(token, signed, "sha256")


def _signed_v3(request: WebhookRequest, url: bytes) -> bytes:
    """URL, query as ``k=v&k=v``, form as ``kvkv``; both sorted, repeated values all kept."""
    query = b"&".join(b"=".join(pair) for pair in sorted(form_pairs(as_bytes(request.query))))
    form = b"" if request.method == "GET" else b"".join(
        name + value for name, value in sorted(form_of(request))
    )  # fmt: skip
    if not form:
        return url + (b"?" + query if query else b"")
    return url + b"?" + query + (b"." if query else b"") + form


def _version(account: Account) -> str:
    return (account.options.get("signature") or "v3").rpartition("-")[2]


def _header(account: Account) -> str:
    return f"x-plivo-signature-{account.options.get('signature') or 'v3'}"


def _nonce_header(account: Account) -> str:
    return f"x-plivo-signature-{_version(account)}-nonce"


def _tokens(account: Account) -> list[str]:
    """The tokens to try, newest first. Only the `ma-` headers are made with the main account's."""
    main = (account.options.get("signature") or "").startswith("ma-")
    fields = ("main_auth_token", "auth_token") if main else ("auth_token",)
    found = (account.values_of(field) for field in fields)
    return next((tokens for tokens in found if tokens), [])
