"""Decided texts are kept as test cases that the keyword tests can run."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor

import pytest

from smsgate.errors import Unfit
from smsgate.gateway.reviews.labelling import FILE, keep


def rows(folder):
    with (folder / FILE).open(encoding="utf-8") as file:
        found = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["label"], row["text"].replace("\\n", "\n")) for row in found]


def test_a_text_is_kept_once_as_the_tests_read_it(tmp_path):
    folder = tmp_path / "not there yet"
    assert keep(folder, "opt_out", 'enough\talready\r\n"now"\u2028x\0')
    assert keep(folder, "none", "enough of the cake")
    assert not keep(folder, "none", "enough of the cake")
    assert rows(folder) == [
        ("opt_out", 'enough already\n"now"\nx'),
        ("none", "enough of the cake"),
    ]
    assert (folder / FILE).stat().st_mode & 0o077 == 0


def test_a_text_has_one_label(tmp_path):
    keep(tmp_path, "none", "enough")
    with pytest.raises(Unfit, match="labelled none"):
        keep(tmp_path, "opt_out", "enough")
    assert rows(tmp_path) == [("none", "enough")]


def test_a_file_that_somebody_edited_goes_on(tmp_path):
    (tmp_path / FILE).write_text("label\ttext\nnone\thello")
    assert keep(tmp_path, "opt_out", "enough")
    assert rows(tmp_path) == [("none", "hello"), ("opt_out", "enough")]


@pytest.mark.parametrize("text", ["", " \n\t", "x" * 1_001])
def test_what_is_no_test_case_is_refused(tmp_path, text):
    with pytest.raises(Unfit):
        keep(tmp_path, "none", text)
    assert not (tmp_path / FILE).exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unfit, match="cannot be written"):
        keep(tmp_path / "file", "none", "enough")


def test_many_at_once_lose_nothing(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: keep(tmp_path, "none", f"text {at % 20}"), range(80)))
    assert sorted(rows(tmp_path)) == sorted(("none", f"text {at}") for at in range(20))
