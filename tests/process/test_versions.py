"""Which configuration it is: a hash of what the files say, the same on every host."""

from __future__ import annotations

import time

from smsgate.process.configuration import changed_files, load_configuration
from tests.process.conftest import CONFIG, SECOND, Files


def test_a_comment_makes_no_other_version_and_everything_else_does(files: Files) -> None:
    seen = [files.version]
    files.write("# a comment\n" + CONFIG)
    assert files.version == seen[0]
    for change in (
        lambda: files.write(CONFIG.replace("Acme Alerts", "Acme News")),
        lambda: files.write(CONFIG + SECOND.format(more="")),
        lambda: files.write_word("qwyjibo"),
        lambda: files.write_word("qwyjibo", "help"),
    ):
        change()
        assert files.version not in seen
        seen.append(files.version)


def test_a_secret_makes_another_version_and_a_host_does_not(files: Files) -> None:
    before = load_configuration(files.environ).version
    here = {"PORT": "9000", "SMSGATE_DATA_DIR": str(files.folder / "other"), "WEB_THREADS": "9"}
    assert load_configuration({**files.environ, **here}).version == before
    files.write_token("another-token")
    other = load_configuration(files.environ).version
    assert (other != before, other[:8] == before[:8]) == (True, True)
    assert "another-token" not in other


def test_files_that_are_written_after_the_start_are_named(files: Files) -> None:
    loaded = load_configuration(files.environ)
    assert changed_files(loaded.settings, loaded.read_s) == ()
    time.sleep(0.02)
    files.write_word("qwyjibo")
    (changed,) = changed_files(loaded.settings, loaded.read_s)
    assert changed.endswith("keywords/en.toml")
