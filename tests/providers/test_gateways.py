"""Kannel, Jasmin and whatever posts a form: what only they do."""

from __future__ import annotations

import codecs
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.classifier.wording import defaults
from smsgate.domain.gsm import count
from smsgate.domain.messages import Reply, WebhookRequest
from smsgate.providers import PROVIDERS
from tests.providers.recorded import everything

form = PROVIDERS["form"]
jasmin = PROVIDERS["jasmin"]
kannel = PROVIDERS["kannel"]

RECORDED = {str(one): one for one in everything()}
KANNEL = RECORDED["kannel-stop"].account
JASMIN = RECORDED["jasmin-stop"].account
FORM = RECORDED["form-stop"].account
SECRET = "k7Vq2-path-secret.of~32"


def reply(text: str) -> Reply:
    return Reply("5-0", "opt_out", "a", "+14155550123", "+14155550100", "p", text, 0)


# --- Kannel -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("You are out. {^} @ $", "0"),
        ("Désabonnement confirmé : à l'été, Señor, où ? Größe Ü Å ø æ € Δ", "0"),
        ("¡Adiós! 🛑", "2"),
        ("Arrêt", "2"),
        ("façade", "2"),
        ("a `quote`", "2"),
        ("a\ttab", "2"),
    ],
)
def test_kannel_sends_seven_bits_where_the_gsm_alphabet_has_every_letter(text, coding):
    call = kannel.reply(reply(text), KANNEL)
    parts = urlsplit(call.url)
    assert (call.method, call.body) == ("GET", b"")
    assert call.url.startswith("https://kannel.example.com:13013/cgi-bin/sendsms?")
    assert dict(parse_qsl(parts.query)) == {
        "username": "smsgate", "password": "opens-nothing", "from": "+14155550100",
        "to": "+14155550123", "text": text, "charset": "UTF-8", "coding": coding,
    }  # fmt: skip


def test_kannel_sends_by_the_smsc_that_is_named():
    account = replace(KANNEL, options={**KANNEL.options, "smsc": "carrier"})
    assert parse_qs(urlsplit(kannel.reply(reply("x"), account).url).query)["smsc"] == ["carrier"]


@given(text=st.binary(max_size=30), charset=st.binary(max_size=12), coding=st.sampled_from("012x"))
def test_kannels_texts_are_read_whatever_bytes_they_have(text, charset, coding):
    """Whatever were refused, Kannel would answer with an error message to the subscriber."""
    query = urlencode({"id": 1, "from": 2, "to": 3, "text": text, "charset": charset})
    url = f"https://sms.example.com/webhooks/kannel/{SECRET}?{query}&coding={coding}"
    assert len(kannel.parse(WebhookRequest("GET", url, {}, b""), KANNEL)) == 1


@pytest.mark.parametrize(
    ("charset", "doubt"),
    [
        ("KOI8-R", "its character set is not known"),
        ("x", "its character set is not known"),
        ("GSM", ""),
        ("utf-8", ""),
        ("binary", ""),
        ("WINDOWS-1252", ""),
        ("", ""),
    ],
)
def test_a_text_in_an_unknown_character_set_is_kept_as_received_and_in_doubt(charset, doubt):
    query = f"id=1&from=%2B14155550123&to=%2B14155550999&text=caf%E9&charset={charset}"
    request = replace(
        RECORDED["kannel-stop"].request,
        url=f"https://sms.example.com/webhooks/kannel/{SECRET}?{query}",
    )
    (message,) = kannel.parse(request, KANNEL)
    assert (message.text, message.doubt) == ("café", doubt)


# --- both ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", sorted(defaults()))
def test_a_shipped_reply_goes_out_in_the_encoding_that_its_segments_are_counted_in(language):
    for template in defaults()[language].values():
        text = template.format(program="Acme Alerts", contact="+18005550100")
        cheap = count(text).encoding == "GSM-7"
        query = dict(parse_qsl(urlsplit(kannel.reply(reply(text), KANNEL).url).query))
        form = dict(parse_qsl(jasmin.reply(reply(text), JASMIN).body.decode()))
        assert (query["coding"], form["coding"]) == (("0", "0") if cheap else ("2", "8"))


# --- Jasmin -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("You are out. {^} @ $", {"coding": "0", "content": "You are out. {^} @ $"}),
        ("Répondez à l'été, Señor ü €", {"coding": "0", "content": "Répondez à l'été, Señor ü €"}),
        ("¡Sí 🛑", {"coding": "8", "hex-content": "00a1005300ed0020d83dded1"}),
        ("`", {"coding": "8", "hex-content": "0060"}),
        ("ê", {"coding": "8", "hex-content": "00ea"}),
    ],
)
def test_jasmin_sends_the_gsm_alphabet_or_ucs_2(text, rest):
    call = jasmin.reply(reply(text), JASMIN)
    assert (call.method, call.url) == ("POST", "https://jasmin.example.com:1401/send")
    assert dict(parse_qsl(call.body.decode())) == {
        "username": "smsgate", "password": "opens-nothing", "from": "+14155550100",
        "to": "+14155550123", **rest,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("x" * 152 + "€" + "x" * 6, "0"),  # 160 septets, one segment
        ("x" * 152 + "€" + "x" * 7, "8"),  # would be cut after the escape
        ("x" * 151 + "€" + "x" * 8, "0"),
        ("x" * 153 + "€" + "x" * 8, "0"),
        ("x" * 305 + "€", "8"),  # at the end of the second segment
    ],
)
def test_jasmin_is_given_no_long_text_that_it_would_cut_within_a_letter(text, coding):
    assert dict(parse_qsl(jasmin.reply(reply(text), JASMIN).body.decode()))["coding"] == coding


def test_jasmin_hears_that_a_text_was_taken():
    """Else it posts the text again."""
    assert jasmin.acknowledgement(JASMIN).body == b"ACK/Jasmin"


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (bytes(range(0x20, 0x24)), ' !"#'),
        (b"\x00\x02\x11\x40\x60\x0d\x0a", "@$_¡¿\r\n"),
        (
            b"\x1b\x0a\x1b\x14\x1b\x28\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40",
            "\f^{}\\[~]|",
        ),
        (b"\x1b\x65", "€"),
        (b"\x1bS\x1b", "S"),
    ],
)
def test_the_gsm_alphabet_is_read(octets, text):
    """Against 3GPP TS 23.038, tables 6.2.1 and 6.2.1.1."""
    body = urlencode({"id": 1, "from": 2, "to": 3, "coding": 0, "binary": octets.hex()}).encode()
    url = f"https://sms.example.com/webhooks/jasmin/{SECRET}"
    (message,) = jasmin.parse(WebhookRequest("POST", url, {}, body), JASMIN)
    assert message.text == text


# Written out once more: SMPP 3.4, 5.2.19; 3GPP TS 23.038, 4.
TEXTS = [
    (0, b"D\x05sabonner", "Désabonner"),
    (1, b"stop", "stop"),
    (3, b"D\xe9sabonner", "Désabonner"),
    (5, b"\x92\xe2\x8e~", "停止"),
    (6, b"\xc1\xc2\xbe\xbf", "СТОП"),
    (7, b"\xe4\xf1\xf8", "הסר"),
    (8, b"\x06\x2a\x06\x48\x06\x42\x06\x41", "توقف"),
    (9, b"\x92\xe2\x8e~", "停止"),
    (10, b"\x1b$BDd;_\x1b(B", "停止"),
    (13, b"\xc4\xe4\xbb\xdf", "停止"),
    (13, b"\x1b$BDd;_\x1b(B", "停止"),
    (14, b"\xbc\xf6\xbd\xc5\xb0\xc5\xba\xce", "수신거부"),
    (0x10, b"\x05", "é"),
    (0x18, b"\x90\x00\x8b\xa2", "退订"),
    (0x53, b"\x05", "é"),
    (0xC8, b"\x05", "é"),
    (0xD8, b"\x05", "é"),
    (0xE8, b"\x90\x00\x8b\xa2", "退订"),
    (0xF1, b"\x05", "é"),
]


def read_of_jasmin(octets: bytes, coding: int | str | bytes):
    fields = {"id": 1, "from": 2, "to": 3, "content": octets, "binary": octets.hex()}
    body = urlencode({**fields, "coding": coding}).encode()
    (message,) = jasmin.parse(WebhookRequest("POST", "", {}, body), JASMIN)
    return message.text, message.doubt


@pytest.mark.parametrize(("coding", "octets", "text"), TEXTS)
def test_jasmins_data_coding_is_a_raw_byte_or_a_number(coding, octets, text):
    assert read_of_jasmin(octets, bytes([coding])) == (text, "")
    assert read_of_jasmin(octets, str(coding)) == (text, "")


@pytest.mark.parametrize("coding", [2, 4, 0x14, 0x54, 0xF5])
def test_octets_are_no_text_unless_all_of_them_are_letters(coding):
    assert read_of_jasmin(b"\x06\x05\x04\x0b\x84\x23\xf0\x01STOP", bytes([coding])) == ("", "")
    doubt = f"data coding {coding} is not for texts"
    assert read_of_jasmin(b"STOP\r\n", bytes([coding])) == ("STOP\r\n", doubt)


@pytest.mark.parametrize("coding", [11, 12, 15, 0x1C, 0x20, 0x80, 0xBF, 256, 999])
def test_a_text_in_a_data_coding_that_is_not_known_is_in_doubt(coding):
    doubt = f"data coding {coding} is not known"
    assert read_of_jasmin(b"STOP", str(coding)) == ("STOP", doubt)
    assert read_of_jasmin("СТОП".encode("utf-16-be"), str(coding)) == ("СТОП", doubt)


@pytest.mark.parametrize("coding", ["UCS2", b"\x00\x08", "²", "0008"])
def test_what_is_no_data_coding_is_in_doubt(coding):
    assert read_of_jasmin(b"STOP", coding) == (
        "STOP",
        "data coding of more than one byte is not known",
    )


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"STO", "STO"), ("STOP".encode("utf-16-be") + b"\0", "STOP\ufffd"), (b"\x06", "\ufffd")],
)
def test_half_a_letter_of_ucs_2_is_in_doubt(octets, text):
    assert read_of_jasmin(octets, b"\x08") == (text, "data coding 8 has two octets for each letter")


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("050003090201", "[part 1 of 2] "),
        ("06080412340302", "[part 2 of 3] "),
        ("0a00030902022501010000", "[part 2 of 2] "),
        ("050003090101", ""),
        ("0605040b8423f0", ""),
        ("03240101", ""),
        ("06240101250101", ""),
    ],
)
def test_the_header_of_a_part_of_a_long_text_is_no_text(header, part):
    octets = bytes.fromhex(header)
    assert read_of_jasmin(octets + b" STOP", b"\x00") == (f"{part} STOP", "")
    assert read_of_jasmin(octets + "СТОП".encode("utf-16-be"), b"\x08") == (f"{part}СТОП", "")


@pytest.mark.parametrize(
    "octets",
    [b"\x05", b"\x05\x00\x03\x09\x02", b"\x05\x00\x03\x09\x02\x03x", b"\x05\x00\x03\x09\x01\x00x",
     b"\x05\x00\x02\x09\x02\x01x", b"\x06\x00\x03\x09\x02\x01xSTOP", b"\x7f" * 8],
)  # fmt: skip
def test_what_is_no_header_is_text(octets):
    """Too short, a part beyond the whole, no part, a wrong size, an end that does not fit."""
    assert read_of_jasmin(octets, b"\x00")[0][0] in "éùà"


def test_a_mark_of_the_order_of_octets_is_heeded():
    assert read_of_jasmin(codecs.BOM_UTF16_LE + "STOP".encode("utf-16-le"), b"\x08") == ("STOP", "")


@pytest.mark.parametrize("coding", [b"\x08", "8"])
@pytest.mark.parametrize("binary", [None, b""])
def test_content_alone_has_the_octets_of_its_data_coding(binary, coding):
    form = {"id": "m-1", "from": "14155550123", "to": "14155550100", "coding": coding}
    form |= {"content": "توقف".encode("utf-16-be")} | ({} if binary is None else {"binary": binary})
    request = WebhookRequest("POST", "", {}, urlencode(form).encode())
    (message,) = jasmin.parse(request, JASMIN)
    assert message.text == "توقف"


@given(
    octets=st.binary(max_size=30),
    coding=st.one_of(st.binary(max_size=3), st.integers(0, 300).map(lambda one: b"%d" % one)),
)
def test_jasmins_texts_are_read_whatever_bytes_they_have(octets, coding):
    text, _ = read_of_jasmin(octets, coding)
    assert isinstance(text, str)


# --- a form -------------------------------------------------------------------------------------


def test_a_form_is_sent_under_the_names_of_the_account():
    options = {**FORM.options, "send_body": "form", "send_to": "msisdn", "send_text": "message"}
    call = form.reply(reply("¡Sí! & 🛑"), replace(FORM, options=options))
    assert call.url == "https://gateway.example.com/send"
    assert call.headers["Authorization"] == "Basic dXNlcjpvcGVucy1ub3RoaW5n"
    assert dict(parse_qsl(call.body.decode())) == {
        "from": "+14155550100", "msisdn": "+14155550123", "message": "¡Sí! & 🛑"
    }  # fmt: skip
