"""What a running Jasmin posted, through the gateway: no opt-out is acknowledged and forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.features.reviews.cases import read_cases
from smsgate.store.keys import partition_of
from tests.fakes.own_services import ready_services
from tests.fakes.values import NUMBER
from tests.providers.recorded import everything

RECORDED = {one.name: one for one in everything() if one.provider == "jasmin"}
CONFIG = """
[accounts.jasmin]
provider = "jasmin"
secret   = "k7Vq2-path-secret.of~32"
send_url = "https://jasmin.example.com:1401/send"
username = "smsgate"
password = "opens-nothing"

[programs.smpp]
name     = "Acme SMPP"
account  = "jasmin"
senders  = ["*"]
keywords = ["en", "es", "fr", "ar", "he", "ru", "zh-Hans", "ja", "ko"]
region   = "US"
"""
STOPS = [
    "stop", "stop_get", "gsm", "latin_1", "latin_1_as_0", "arabic", "arabic_get", "chinese",
    "cyrillic", "cyrillic_8859_5", "hebrew_8859_8", "emoji", "jis", "iso_2022_jp", "kanji",
    "korean", "payload", "multipart_udh", "multipart_sar", "flash_ucs2", "coding_digit",
]  # fmt: skip


@pytest.fixture
def services(environ):
    with ready_services(environ, CONFIG) as made:
        yield made


@pytest.mark.parametrize("name", STOPS)
def test_an_opt_out_in_any_data_coding_is_one(services, name):
    receipt = services.ingest.receive("jasmin", RECORDED[name].request)
    outcome = "review" if name == "gsm" else "opt_out"  # a keyword that goes on with a price
    assert (receipt.outcome, receipt.answer.body) == (outcome, b"ACK/Jasmin")
    reason = services.gate.check([NUMBER], program="smpp")[0].reason
    assert reason == ("review" if name == "gsm" else "hold")


@pytest.mark.parametrize("name", ["reserved_11", "reserved_128", "octets_2"])
@pytest.mark.parametrize(
    ("word", "outcome"), [(b"STOP", "opt_out"), (b"START", "review"), (b"Hello", "review")]
)
def test_in_a_data_coding_that_nobody_knows_an_opt_out_counts_and_all_else_is_looked_at(
    services, name, word, outcome
):
    request = RECORDED[name].request
    body = request.body.replace(b"STOP", word).replace(b"STOP".hex().encode(), word.hex().encode())
    assert services.ingest.receive("jasmin", replace(request, body=body)).outcome == outcome


def test_a_data_coding_that_nobody_knows_is_named_in_review(services):
    request = RECORDED["reserved_11"].request
    body = request.body.replace(b"STOP", b"Hola").replace(
        b"STOP".hex().encode(), b"Hola".hex().encode()
    )
    services.ingest.receive("jasmin", replace(request, body=body))
    services.applier.drain(partition_of(NUMBER))
    (case,) = read_cases(
        services.store, services.records, services.store.inbox_reader.open_reviews()
    )
    assert case.text == "Hola"  # as received
    assert "data coding 11 is not known" in case.reason


@pytest.mark.parametrize("name", ["octets_4", "class_1_octets", "empty"])
def test_octets_that_are_no_text_change_nothing(services, name):
    assert services.ingest.receive("jasmin", RECORDED[name].request).outcome == "none"
