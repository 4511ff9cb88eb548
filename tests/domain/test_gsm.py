from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.domain.gsm import count

COUNTED = [
    # text, encoding, units, segments
    ("", "GSM-7", 0, 1),
    ("a", "GSM-7", 1, 1),
    ("a" * 160, "GSM-7", 160, 1),
    ("a" * 161, "GSM-7", 161, 2),
    ("a" * 306, "GSM-7", 306, 2),
    ("a" * 307, "GSM-7", 307, 3),
    ("€" * 80, "GSM-7", 160, 1),
    ("€" * 80 + "a", "GSM-7", 161, 2),
    ("[]{}\\^~|€\f", "GSM-7", 20, 1),
    ("@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", "GSM-7", 41, 1),
    ("line\nline\r\n", "GSM-7", 11, 1),
    # An escaped character is not cut in two: 152 + € begins the second segment, and so on.
    ("a" * 152 + "€" + "a" * 151, "GSM-7", 305, 2),
    ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
    ("ç", "UCS-2", 1, 1),
    ("á" * 70, "UCS-2", 70, 1),
    ("á" * 71, "UCS-2", 71, 2),
    ("á" * 134, "UCS-2", 134, 2),
    ("á" * 135, "UCS-2", 135, 3),
    ("😀" * 35, "UCS-2", 70, 1),
    ("😀" * 36, "UCS-2", 72, 2),
    # A surrogate pair is not cut in two: 33 of them fill 66 of 67 units.
    ("😀" * 66, "UCS-2", 132, 2),
    ("😀" * 67, "UCS-2", 134, 3),
    ("`", "UCS-2", 1, 1),
    ("\x1b", "UCS-2", 1, 1),
    ("\ud83d", "UCS-2", 1, 1),
]


@pytest.mark.parametrize(("text", "encoding", "units", "segments"), COUNTED)
def test_a_text_is_counted_exactly(text: str, encoding: str, units: int, segments: int) -> None:
    counted = count(text)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, units, segments)


@given(st.text(max_size=400))
def test_units_are_those_of_the_encoding_and_one_more_character_never_costs_less(text: str) -> None:
    counted = count(text)
    if counted.encoding == "UCS-2":
        assert counted.units == len(text.encode("utf-16-le")) // 2
    assert counted.segments >= -(-counted.units // (160 if counted.encoding == "GSM-7" else 70))
    assert count(text + "a").segments >= counted.segments
    assert (counted.encoding == "UCS-2") == bool(counted.foreign)


def test_the_characters_that_force_ucs2_are_named() -> None:
    assert count("It’s “á” it’s").foreign == ("’", "“", "á", "”")
