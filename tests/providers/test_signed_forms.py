"""Signed forms against published values and against Twilio's own library."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from smsgate.providers.forms import form_pairs, sorted_form, twilio_signature
from smsgate.providers.signed_url import url_spellings

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
# Values of the test suites of twilio-python, -node and -java; their Auth Token is 12345.
PUBLISHED = [
    (URL, CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (URL, {}, "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
    ("https://mycompany.com/myapp.php", CALL, "1xaxFBvyzXYvWplzNOSs28HWO94="),
    (f"{URL}&type=thiswontbeusedinthesignaturegeneratorandsoshouldbeignored", CALL,
     "hYkNsTBttoNGkyCS0p+wWmQoRTg="),
    ("https://mycompany.com/webhook/España?año=2023", CALL, "G/Hx6mqqnjUNlPAoi2Sp9bGst0g="),
    ("https://mycompany.com:443/myapp.php?foo=1&bar=2", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    (URL, {"Sid": "CA123", "SidAccount": "AC123", "Digits": ["5678", "1234", "1234"]},
     "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    (URL, {"callSid": "lowercase", "CallSid": "uppercase", "CALLSID": "allcaps"},
     "jDK7WKT8wiNrwggd4ceTv4e1MJ4="),
    (URL, {"Digits": "", "CallSid": "CA1234567890ABCDE", "EmptyParam": ""},
     "9HHp/OqQMEwdrVebHDdA/+tqjX8="),
    (URL, {"Message": "Hello & goodbye! @#$%^*()", "From": "+1 (415) 867-5309",
           "Special": "unicode: ñáéíóú"}, "dCPiR4WtQ6QFN6pJh81CtlCcWLQ="),
]  # fmt: skip


def signed(url: str, form: dict, algorithm="sha1", secret="12345") -> str:
    pairs = form_pairs(urlencode(form, doseq=True).encode())
    return twilio_signature(url, sorted_form(pairs), secret, algorithm)


@pytest.mark.parametrize(("url", "form", "signature"), PUBLISHED)
def test_published_signatures_are_made(url, form, signature):
    assert signed(url, form) == signature


class Repeated(dict):
    """What Twilio's library wants of a form with repeated names."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    form=st.dictionaries(texts, st.lists(texts, min_size=1)),
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    algorithm=st.sampled_from(["sha1", "sha256"]),
)
@example(form={"\uffff": ["1"], "\U00010000": ["2"]}, secret="x", algorithm="sha1")
@example(form={"": ["", "a"], "A": ["a b+c%&=;"]}, secret="é", algorithm="sha256")
def test_any_form_gets_the_signature_that_twilios_library_gives_it(form, secret, algorithm):
    theirs = RequestValidator(secret).compute_signature(
        URL, Repeated(form), f"HMAC_{algorithm.upper()}"
    )
    assert signed(URL, form, algorithm, secret) == theirs


@given(
    host=st.sampled_from(["example.com", "example.com:443", "example.com:80", "example.com:81"]),
    scheme=st.sampled_from(["http", "https"]),
    path=st.from_regex(r"(/[a-z0-9/]*)(\?[a-z=&]+)?", fullmatch=True),
)
def test_the_spellings_of_a_url_are_those_that_twilios_library_tries(host, scheme, path):
    url = f"{scheme}://{host}{path}"
    validator = RequestValidator("12345")
    for spelling in url_spellings(url):
        assert validator.validate(url, {}, validator.compute_signature(spelling, {}))
    assert len(set(url_spellings(url))) == 2


@pytest.mark.parametrize(
    ("url", "spellings"),
    [
        ("https://a.example/p", {"https://a.example/p", "https://a.example:443/p"}),
        ("http://a.example/p", {"http://a.example/p", "http://a.example:80/p"}),
        ("https://a.example:81/p", {"https://a.example:81/p", "https://a.example/p"}),
        ("https://a.example?x=/:1", {"https://a.example?x=/:1", "https://a.example:443?x=/:1"}),
        ("https://a.example", {"https://a.example", "https://a.example:443"}),
        ("https://[::1]/p", {"https://[::1]/p", "https://[::1]:443/p"}),
        ("https://[::1]:81/p", {"https://[::1]:81/p", "https://[::1]/p"}),
        # Twilio's library for Python takes all that follows the first colon for the port.
        ("https://u:1@a.example:81/p", {"https://u:1@a.example:81/p", "https://u:1@a.example/p"}),
        # It knows nothing of the second spelling of an apostrophe, which the one for Node tries.
        (
            "https://a.example/'?b='",
            {
                "https://a.example/'?b='",
                "https://a.example:443/'?b='",
                "https://a.example/'?b=%27",
                "https://a.example:443/'?b=%27",
            },
        ),
        ("", {""}),
    ],
)
def test_a_url_is_tried_with_and_without_port(url, spellings):
    assert set(url_spellings(url)) == spellings


@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        (b"", []),
        (b"a=1&b=2&a=1", [(b"a", b"1"), (b"b", b"2"), (b"a", b"1")]),
        (b"a=&b&=c&=", [(b"a", b""), (b"b", b""), (b"", b"c"), (b"", b"")]),
        (b"&&a=1&", [(b"a", b"1")]),
        (b"a=b=c", [(b"a", b"b=c")]),
        (b"a+b=c+d%2Be", [(b"a b", b"c d+e")]),
        (b"%41%42=%c3%A9", [(b"AB", "é".encode())]),
        (b"a=%&b=%4&c=%zz&d=%%41", [(b"a", b"%"), (b"b", b"%4"), (b"c", b"%zz"), (b"d", b"%A")]),
        (b"a=1;b=2", [(b"a", b"1;b=2")]),
        (b"\xff=\x00", [(b"\xff", b"\x00")]),
    ],
)  # fmt: skip
def test_a_form_is_split_by_the_rules_of_the_url_standard(raw, pairs):
    assert form_pairs(raw) == tuple(pairs)
