"""A list before a send: everybody is in one of two files, as it came, or there are no files."""

from __future__ import annotations

import io

import pytest

from smsgate.domain.errors import StoreUnavailable, UnknownProgram
from smsgate.domain.messages import Arrival, Decision, Intent
from smsgate.features.lists import scrub as module
from smsgate.features.lists.number_import import ImportRequest, NumberImport
from smsgate.features.lists.scrub import ScrubOptions, scrub_list, unreachable
from smsgate.store.keys import PARTITIONS
from tests.fakes.own_services import ALERTS, ORDERS, make_services
from tests.fakes.values import NUMBER, OTHER, entry
from tests.features.lists.test_importing import CLUB

STOPPED, HELD = "+14155550177", "+14155550178"


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url, ALERTS + ORDERS + CLUB)
    made.records.migrate()
    NumberImport(made).enter([STOPPED], ImportRequest("alerts", "opted_out"))
    made.manual.opt_out(HELD, "all", "ana", "")
    yield made
    made.close()


@pytest.fixture
def scrubbed(services, tmp_path):
    def run(raw, program="alerts", **options):
        clean, blocked = tmp_path / "clean", tmp_path / "blocked"
        given = ScrubOptions(program=program, **options)
        done = scrub_list(services, given, io.BytesIO(raw), clean, blocked, lambda *_: None)
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
    raw = "\r\n".join(["name,phone,tier", *rows, ""]).encode("utf-16")
    done, clean, blocked = scrubbed(raw, region="US")

    kept = ["name,phone,tier", rows[0], rows[6], ""]
    assert clean == "\r\n".join(kept).encode("utf-16")
    assert blocked.decode("utf-16").split("\r\n") == [
        "name,phone,tier,blocked_reason,blocked_why",
        f"Bo,{STOPPED},gold,opted_out_all,opted out of everything",
        "Cy,none,,letters,contains letters",
        "Di,415-555-0123,again,duplicate,same number as an earlier row",
        f"Ed,{HELD},,hold,opt-out being applied",
        "",
    ]
    assert (done.rows, done.clean) == (6, 2)
    assert done.outcomes == {"opted_out_all": 1, "letters": 1, "duplicate": 1, "hold": 1}


def test_windows_hide_neither_duplicates_nor_opt_outs(services, scrubbed, monkeypatch):
    numbers = [f"+1415555{at:04}" for at in range(300)]
    lines = "".join(f"{number}\n" for number in [*numbers, *numbers])
    whole = scrubbed(lines.encode())
    monkeypatch.setattr(module, "WINDOW", 10)
    assert scrubbed(lines.encode()) == whole
    assert whole[0].clean == 298
    assert whole[0].outcomes == {"duplicate": 300, "opted_out_all": 1, "hold": 1}


def test_where_a_consent_is_required_only_those_who_gave_one_are_clean(services, scrubbed):
    NumberImport(services).enter([OTHER], ImportRequest("club", "subscribed"))
    done, clean, _ = scrubbed(f"{NUMBER}\n{OTHER}\n{STOPPED}".encode(), "club")
    assert clean == f"{OTHER}\n".encode()
    assert done.outcomes == {"no_consent": 1, "opted_out_all": 1}


def test_kinds_block_what_is_surely_no_mobile_number(services, scrubbed):
    raw = b"+18005550123\n+442079460123\n+447911123456\n+14155550123\n"
    done, clean, _ = scrubbed(raw, types=True)
    assert clean == b"+447911123456\n+14155550123\n"
    assert done.outcomes == {"not_mobile": 2}
    assert done.unknown_kind == 1
    assert scrubbed(raw)[0].clean == 4


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


# --- hygiene --------------------------------------------------------------------------------


def report(services, number, note, message_id):
    decision = Decision(Intent.NONE, rule="unreachable", keyword="30005", note=note)
    arrival = Arrival(
        entry(Intent.NONE, number, decision=decision, source="provider", message_id=message_id)
    )
    services.store.inbox.add([arrival])
    for partition in range(PARTITIONS):
        services.applier.drain(partition)


def test_landlines_and_dead_numbers_are_known_by_reports(services, scrubbed):
    report(services, NUMBER, "a landline", "1")
    report(services, OTHER, "the number is unknown or no longer in use", "2")
    report(services, HELD, "the handset is off, away or out of service", "3")
    for _ in range(2):  # from the ledgers, then from the records
        found = unreachable(services)
        assert found == {NUMBER: "landline", OTHER: "dead"}
        services.archiver.move_all()
    done, clean, _ = scrubbed(f"{NUMBER}\n{OTHER}\n+447911123456\n".encode())
    assert clean == b"+447911123456\n"
    assert done.outcomes == {"landline": 1, "dead": 1}


def test_a_number_that_texts_again_is_not_dead(services):
    report(services, NUMBER, "the number is no longer in use", "1")
    services.store.inbox.add([Arrival(entry(Intent.HELP, NUMBER, message_id="SM2"))])
    for partition in range(PARTITIONS):
        services.applier.drain(partition)
    services.archiver.move_all()
    assert unreachable(services) == {}
