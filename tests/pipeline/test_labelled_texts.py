"""Decided texts are kept as test cases that the keyword tests can run."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor

import pytest

from smsgate.domain.errors import Unfit
from smsgate.domain.messages import InboundMessage
from smsgate.pipeline.forgetting import forget_number
from smsgate.pipeline.labelled_texts import FILE, keep
from smsgate.providers import PROVIDERS
from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER
from tests.pipeline.conftest import PUBLIC_URL, SENDER

twilio = PROVIDERS["twilio"]

OTHER = next(
    number
    for number in map("+1415555{:04d}".format, range(200, 300))
    if partition_of(number) == partition_of(NUMBER)
)
"""Another number of the same partition."""


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


def test_what_came_from_a_number_goes_when_it_is_forgotten(forgetful, tmp_path):
    """By the decision that it names, even where the words were erased by retention before."""
    folder = forgetful.settings.data_dir
    keep(folder, "none", "by hand")
    mine, other = decided(forgetful, NUMBER, "enough now"), decided(forgetful, OTHER, "no more?")
    keep(folder, "opt_out", "enough now", mine)
    keep(folder, "opt_out", "no more?", other)
    with (folder / FILE).open("a") as file:
        file.write("none\ta line without an end\tx-1-y")
    done = forget_number(forgetful, NUMBER, "anna", "asked for it")
    assert done.cases == 1
    assert [text for _, text in rows(folder)] == ["by hand", "no more?", "a line without an end"]
    assert forget_number(forgetful, NUMBER, "anna", "asked for it").cases == 0


def test_a_number_without_cases_leaves_the_file_alone(forgetful):
    folder = forgetful.settings.data_dir
    assert forget_number(forgetful, NUMBER, "anna", "").cases == 0
    assert not (folder / FILE).exists()
    keep(folder, "none", "hello", f"{partition_of(NUMBER)}-1-0")
    assert forget_number(forgetful, NUMBER, "anna", "").cases == 0
    assert rows(folder) == [("none", "hello")]


@pytest.fixture
def forgetful(services):
    services.records.migrate()
    return services


def decided(services, number: str, text: str) -> str:
    """Decide a text that waits; gives the decision's key."""
    partition = partition_of(number)
    message = InboundMessage("twilio", f"SM{number}", number, SENDER, text)
    account = services.settings.accounts["twilio"]
    services.ingest.receive(
        "twilio", twilio.inbound(message, account, f"{PUBLIC_URL}/webhooks/twilio")
    )
    entry = services.store.inbox.read(partition, 1).entries[0]
    services.applier.drain(partition)
    services.archiver.move_all()
    return f"{partition}-{entry.id}"
