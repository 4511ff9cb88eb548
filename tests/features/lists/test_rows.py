"""What rows say, duplicates, kinds of numbers, and writing rows again."""

from __future__ import annotations

import csv
import io
import random

import pytest

from smsgate import files
from smsgate.features.lists.rows import NumberSet, kind_of, moment_us, rows_of
from smsgate.features.lists.scrub import with_columns
from smsgate.features.lists.shapes import Shape
from smsgate.files import csv_line
from tests.features.lists.files import listed, whole

US = "+14155550123"
MAY_US = 1_746_090_000_000_000


def rows(text, region=""):
    file = listed(text)
    return rows_of(whole(file), file.shape, region)


def test_rows_of_a_log_are_opt_outs_only_where_its_error_says_so():
    found = rows(f"To,ErrorCode,Sid,SentDate\n{US},21610,SM1,2025-05-01T09:00:00Z\n{US},30003,S,\n"
                 f"{US},,S,\n")  # fmt: skip
    assert found.states[0] == "opted_out"
    assert found.problems == {1: "other", 2: "other"}
    assert found.since_us == [MAY_US, 0, 0]


def test_states_of_consents_are_read_and_unknown_ones_are_problems():
    header = "contact_id,sender_id,status,date_of_consent\n"
    found = rows(f"{header}{US},MG1,opt-out,\n{US},MG1,Opt-In,\n{US},MG1,maybe,\n")
    assert found.states == ["opted_out", "subscribed", "bad_state"]
    assert found.problems == {2: "bad_state"}


def test_a_blank_line_is_no_bad_row_and_an_empty_cell_is_one():
    assert rows(f"phone,x\n{US},1\n\n,2\n").problems == {1: "blank", 2: "empty"}


@pytest.mark.parametrize(
    ("said", "us"),
    [
        ("2025-05-01T09:00:00Z", MAY_US),
        ("2025-05-01 09:00:00", MAY_US),
        ("2025-05-01 11:00:00+02:00", MAY_US),
        ("Thu, 01 May 2025 09:00:00 +0000", MAY_US),
        ("01/05/2025", 0),
        ("", 0),
        ("2999-01-01", 0),
        ("1900-01-01", 0),
    ],
)
def test_times_are_read_as_exports_write_them(said, us):
    assert moment_us(said) == us


def test_a_set_of_numbers_knows_what_it_has_seen():
    drawn = random.Random(1)
    some = [drawn.randrange(10**6, 10**15) for _ in range(20_000)]
    some += [14155550123 + at * (1 << 15) for at in range(500)]  # all in one table
    seen, known = NumberSet(), set()
    for number in [*some, *drawn.sample(some, 5_000)]:
        assert seen.add(number) is (number not in known)
        known.add(number)
    assert seen.count == len(known)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (US, "unknown"),
        ("+18005550123", "toll_free"),
        ("+19005550123", "premium_rate"),
        ("+447911123456", "mobile"),
        ("+442079460123", "fixed_line"),
        ("+4915112345678", "mobile"),
        ("+4930123456", "fixed_line"),
        ("+49199", "unassigned"),
    ],
)
def test_the_kind_of_a_number_is_known_by_its_plan(number, kind):
    assert kind_of(number) == kind


@pytest.mark.parametrize(
    ("raw", "shape", "written"),
    [
        ("Ana,+1\r\n", Shape("csv", header=("n", "p")), 'Ana,+1,why,"a, b"\r\n'),
        ("Ana", Shape("csv", header=("n", "p", "q")), 'Ana,,,why,"a, b"\n'),
        ('"a\nb";1\n', Shape("csv", delimiter=";", header=("n", "p")), '"a\nb";1;why;a, b\n'),
        ("+1\n", Shape("lines"), '+1,why,"a, b"\n'),
        ('{"a":1}\n', Shape("ndjson"), '{"a":1,"reason":"why","said":"a, b"}\n'),
        ("broken\n", Shape("ndjson"), "broken\n"),
    ],
)
def test_columns_are_added_behind_a_row_as_it_stands(raw, shape, written):
    assert with_columns(raw, shape, {"reason": "why", "said": "a, b"}) == written


def test_no_spreadsheet_runs_what_we_write():
    assert csv_line([US, "=1+1", "-x", "+a"]) == f"{US},'=1+1,'-x,'+a\n"
    assert io.StringIO(csv_line(["a\nb"])).getvalue() == '"a\nb"\n'
    assert (
        csv_line(["＝1+1", "＋1", -1.5, None, "ok ;-D", "10-20"])
        == "'＝1+1,'＋1,-1.5,,ok ;'-D,10-20\n"
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("before", ["x", "", "x,y", '"', "x\n", "x\r\n", 'x;"', 'x"|""', "x\t"])
def test_no_spreadsheet_with_another_separator_finds_a_formula(separator, before):
    for formula in ("=cmd|' /C calc'!A0", "@SUM(A1)", "+1+1", "-1+1", "＝1+1"):
        for cut in (";", "\t", "|", "\n", ""):
            line = csv_line(["first", f"{before}{cut}{formula}", "=last"])
            rows = csv.reader(line.splitlines(keepends=True), delimiter=separator)
            for cell in (cell for row in rows for cell in row):
                assert not cell.startswith(("=", "+", "-", "@", "＝")), (line, cell)


def test_a_file_is_never_written_through_a_link_beside_it(tmp_path):
    theirs, path = tmp_path / "theirs", tmp_path / "out.csv"
    theirs.write_text("theirs")
    (tmp_path / "out.csv.part").symlink_to(theirs)
    with files.whole(path) as out:
        out.write(b"ours")
    assert (path.read_text(), theirs.read_text()) == ("ours", "theirs")
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(tmp_path.iterdir()) == [path, theirs]
