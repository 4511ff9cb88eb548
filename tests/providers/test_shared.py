"""What several providers share: who answers, secrets in the path, how bytes are read."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import WebhookRequest
from smsgate.providers.forms import media_urls
from smsgate.providers.path_secret import check_path
from smsgate.providers.reading import text_of
from smsgate.settings import Account


def at(url: str) -> WebhookRequest:
    return WebhookRequest("POST", url, {}, b"")


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://x/webhooks/a/new", True),
        ("https://x/webhooks/a/old?secret=wrong", True),
        ("https://x/webhooks/a/other?a=/new", False),
        ("https://x/webhooks/a/new/", False),
        ("https://x/webhooks/a/", False),
        ("https://x/webhooks/a", False),
        ("new", True),
    ],
)
def test_the_secret_in_the_path_is_its_last_part_and_nothing_else(url, fits):
    account = Account(
        "a", "kannel", {}, {"secret": (SecretStr("new"), SecretStr("old"), SecretStr(""))}
    )
    if fits:
        check_path(at(url), account, "secret")
    else:
        with pytest.raises(SignatureRefused, match="`secret`"):
            check_path(at(url), account, "secret")


def test_media_are_read_up_to_the_first_gap():
    assert list(media_urls({"MediaUrl0": "a", "MediaUrl1": "b", "MediaUrl3": "d"})) == ["a", "b"]


def test_bytes_that_are_no_utf_8_are_letters_all_the_same():
    assert (text_of("é🛑".encode()), text_of(b"arr\xeat")) == ("é🛑", "arrêt")
