"""Whether a request is Vonage's: the signature over all parameters and their time, or the path.

Signed is ``&name=value`` for all parameters but ``sig`` in the order of their names, with ``&`` and
``=`` in values as ``_``: by MD5 with the secret behind it (``md5hash``), or by an HMAC. Vonage
signs only where its support turned that on; without, a secret in the URL is all there is.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator

import msgspec

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import Pair, as_bytes, check_time, form_pairs, same
from smsgate.providers.contract import check_path
from smsgate.settings import Account

_DEFAULT_SCHEME = "sha256"
_MOST_FIELDS = 100
_VALUES = msgspec.json.Decoder(dict[str, str | int])
_JSON = "application/json"


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if the request is Vonage's by the account's ``scheme``.

    Raises ``SignatureRefused``, and ``SignatureExpired`` where all is right but ``timestamp``.
    """
    if not is_signed(account):
        check_path(request, account, "webhook_secret")
        return
    parameters = _unambiguous(request)
    given = parameters.pop(b"sig", b"").lower()
    scheme = account.options.get("scheme") or _DEFAULT_SCHEME
    if not any(
        same(given, fit)
        for fit in _expected(parameters, account.values_of("webhook_secret"), scheme)
    ):
        raise SignatureRefused(
            f"The sig is missing or does not fit. It must be made by {scheme} with the account's "
            "signature secret over all parameters."
        )
    if parameters.get(b"api-key", b"") not in (b"", as_bytes(account.options.get("api_key", ""))):
        raise SignatureRefused("The api-key is not that of the account in the URL.")
    time = parameters.get(b"timestamp", b"")
    check_time(int(time[:15]) * 1_000_000 if time.isdigit() else 0, now_us)


def is_signed(account: Account) -> bool:
    """Whether the account's webhooks are signed, so that what they say of times is proved."""
    return account.options.get("scheme") != "path"


def parameters_of(request: WebhookRequest) -> tuple[Pair, ...]:
    """Return names and values: of the query of a GET, of a JSON object, or of a form.

    Raises ``Unreadable`` for JSON of another shape.
    """
    if request.method == "GET":
        return form_pairs(as_bytes(request.query))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        return form_pairs(request.body)
    try:
        values = _VALUES.decode(request.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unreadable("Vonage posts a JSON object of texts and whole numbers.") from None
    return tuple((as_bytes(name), as_bytes(str(value))) for name, value in values.items())


def sign(parameters: dict[str, str], account: Account) -> str:
    """Return ``sig`` for parameters, as Vonage makes it with the newest secret."""
    pairs = {as_bytes(name): as_bytes(value) for name, value in parameters.items()}
    scheme = account.options.get("scheme") or _DEFAULT_SCHEME
    return _signature(pairs.items(), account.secrets["webhook_secret"][0].value, scheme)


def _unambiguous(request: WebhookRequest) -> dict[bytes, bytes]:
    """The parameters, if what is signed can be read in no other way. Raises ``SignatureRefused``.

    Names are signed as they are: one with ``&`` or ``=`` in it could hide others.
    """
    if max(request.body.count(b"&"), request.url.count("&")) >= _MOST_FIELDS:
        raise SignatureRefused(f"There are over {_MOST_FIELDS} parameters; Vonage sends dozens.")
    try:
        pairs = parameters_of(request)
    except Unreadable as error:
        raise SignatureRefused(str(error)) from None
    parameters = dict(pairs)
    if len(parameters) < len(pairs) or any(b"&" in name or b"=" in name for name in parameters):
        raise SignatureRefused("A parameter is repeated, or has & or = in its name.")
    return parameters


def _expected(parameters: dict[bytes, bytes], secrets: list[str], scheme: str) -> Iterator[str]:
    """Every signature that would do. Vonage's libraries disagree whether blank values count."""
    filled = {name: value for name, value in parameters.items() if value.strip()}
    spellings = [parameters] if len(filled) == len(parameters) else [parameters, filled]
    for secret in secrets:
        for spelling in spellings:
            yield _signature(spelling.items(), secret, scheme)


def _signature(pairs: Iterable[Pair], secret: str, scheme: str) -> str:
    text = b"".join(b"&%b=%b" % (name, _plain(value)) for name, value in sorted(pairs))
    key = as_bytes(secret)
    if scheme == "md5hash":
        return hashlib.md5(text + key, usedforsecurity=False).hexdigest()
    return hmac.digest(key, text, scheme).hex()


def _plain(value: bytes) -> bytes:
    return value.replace(b"&", b"_").replace(b"=", b"_")
