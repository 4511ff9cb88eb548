"""A list before a send: everybody is in one of two files, as it came, or there are no files."""

from __future__ import annotations

import io

import pytest

from smsgate.domain.errors import StoreUnavailable, UnknownProgram
from smsgate.features.lists import scrub as module
from smsgate.features.lists.list_file import ListOptions
from smsgate.features.lists.results import OUTCOMES
from smsgate.features.lists.scrub import scrub_list
from tests.fakes import manual
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.values import NUMBER, OTHER

STOPPED, HELD = "+14155550177", "+14155550178"


@pytest.fixture(autouse=True)
def opted_out(services):
    import_numbers(services, [STOPPED], list_entry("alerts"))
    manual.opt_out(services, HELD, "all", "ana", "")


@pytest.fixture
def scrubbed(services, tmp_path):
    def run(raw, program="alerts", **options):
        clean, blocked = tmp_path / "clean", tmp_path / "blocked"
        given = ListOptions(program=program, **options)
        done = scrub_list(
            services.settings,
            services.gate,
            given,
            io.BytesIO(raw),
            clean,
            blocked,
            lambda *_: None,
        )
        return done, clean.read_bytes(), blocked.read_bytes()

    return run


def test_a_list_is_parted_and_keeps_columns_order_and_encoding(services, scrubbed):
    rows = [
        '"Åsa\r\nof Oslo",(415) 555-0123,',
        f"Bo,{STOPPED},gold",
        "Cy,none,",
        "Di,415-555-0123,again",
        f"Ed,{HELD}",
        "",
        f"Flo,{OTHER},new",
    ]
    raw = "\r\n".join(["name,phone,status", *rows, ""]).encode("utf-8-sig")
    done, clean, blocked = scrubbed(raw, region="US")

    kept = ["name,phone,status", rows[0], rows[6], ""]
    assert clean == "\r\n".join(kept).encode("utf-8-sig")
    assert blocked.decode("utf-8-sig").split("\r\n") == [
        "name,phone,status,blocked_reason,blocked_why",
        f"Bo,{STOPPED},gold,opted_out_all,opted out of everything",
        f"Cy,none,,not_a_number,{OUTCOMES['not_a_number']}",
        "Di,415-555-0123,again,duplicate,same number as another row",
        f'Ed,{HELD},,hold,"opt-out being applied, already blocking"',
        "",
    ]
    assert done.rows == 6
    assert done.outcomes == {
        "clean": 2, "opted_out_all": 1, "not_a_number": 1, "duplicate": 1, "hold": 1
    }  # fmt: skip


def test_a_list_of_latin_1_is_written_as_it_was_read(scrubbed):
    raw = f"name,phone\nÅsa,{NUMBER}\n".encode("latin-1")
    assert scrubbed(raw)[1] == raw


def test_the_blocked_of_a_list_of_one_column_have_commas_before_their_reasons(scrubbed):
    _, clean, blocked = scrubbed(f"phone\n{NUMBER}\n{STOPPED}\nAna, Bo\n".encode())
    assert clean == f"phone\n{NUMBER}\n".encode()
    assert blocked.decode().splitlines() == [
        "phone,blocked_reason,blocked_why",
        f"{STOPPED},opted_out_all,opted out of everything",
        f'"Ana, Bo",not_a_number,{OUTCOMES["not_a_number"]}',
    ]


def test_windows_hide_neither_duplicates_nor_opt_outs(services, scrubbed, monkeypatch):
    numbers = [f"+1415555{at:04}" for at in range(300)]
    lines = "".join(f"{number}\n" for number in [*numbers, *numbers])
    whole = scrubbed(lines.encode())
    monkeypatch.setattr(module, "WINDOW", 10)
    assert scrubbed(lines.encode())[1:] == whole[1:]
    assert whole[0].outcomes == {"clean": 298, "duplicate": 300, "opted_out_all": 1, "hold": 1}


def test_where_a_consent_is_required_only_those_who_gave_one_are_clean(services, scrubbed):
    import_numbers(services, [OTHER], list_entry("club", "subscribed"))
    done, clean, _ = scrubbed(f"{NUMBER}\n{OTHER}\n{STOPPED}".encode(), "club")
    assert clean == f"{OTHER}\n".encode()
    assert done.outcomes == {"clean": 1, "no_consent": 1, "opted_out_all": 1}


def test_where_the_gate_cannot_tell_there_is_no_answer(services, scrubbed, monkeypatch):
    with pytest.raises(UnknownProgram):
        scrubbed(f"{NUMBER}\n".encode(), "nobody")
    with pytest.raises(UnknownProgram):
        scrubbed(b"phone\n", "nobody")

    def away(*_, **__):
        raise StoreUnavailable("away")

    monkeypatch.setattr(services.gate, "refused", away)
    with pytest.raises(StoreUnavailable):
        scrubbed(f"{NUMBER}\n".encode())
