"""What rows say, duplicates, kinds of numbers, and writing rows again."""

from __future__ import annotations

import csv
import io

import pytest

from smsgate import files
from smsgate.features.lists.rows import SeenNumbers, kind_of, moment_us
from smsgate.files import csv_line
from tests.features.lists.files import rows_of

US = "+14155550123"
MAY_US = 1_746_090_000_000_000


def test_rows_of_a_log_are_opt_outs_only_where_its_error_says_so():
    found = rows_of(f"To,ErrorCode,Sid,SentDate\n{US},21610,SM1,2025-05-01T09:00:00Z\n"
                    f"{US},30003,S,\n{US},,S,\n")  # fmt: skip
    assert [one.reason for one in found] == ["", "other", "other"]
    assert found[0].state == "opted_out"
    assert [one.since_us for one in found] == [MAY_US, 0, 0]


def test_states_of_consents_are_read_and_unknown_ones_are_problems():
    header = "contact_id,sender_id,status,date_of_consent\n"
    found = rows_of(f"{header}{US},MG1,opt-out,\n{US},MG1,Opt-In,\n{US},MG1,maybe,\n")
    assert [one.state for one in found[:2]] == ["opted_out", "subscribed"]
    assert [one.reason for one in found] == ["", "", "bad_state"]


def test_a_blank_line_is_no_bad_row_and_an_empty_cell_is_one():
    found = rows_of(f"phone,x\n{US},1\n\n,2\n")
    assert [one.reason for one in found] == ["", "blank", "empty"]


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


def test_numbers_are_known_again_by_their_group():
    seen = SeenNumbers()
    some = [f"+{at}" for at in (10**6, 10**14, 10**15 - 1)]
    assert seen.add("a", some[:2]) == {*some[:2]}
    assert seen.add("a", some) == {some[2]}
    assert seen.add("b", some) == {*some}
    assert seen.among("a", [*some, "+12345678"]) == {*some}
    assert seen.among("c", some) == set()


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
