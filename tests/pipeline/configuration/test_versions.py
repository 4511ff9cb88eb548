"""Which configuration it is: a hash of what the files say, the same on every host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from smsgate.domain.errors import ConfigurationError
from smsgate.pipeline.configuration import (
    FIXED,
    are_same_settings,
    followable_settings,
    load_configuration,
    outside_of,
)
from tests.pipeline.configuration.conftest import CONFIG, SECOND, Files


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


def test_a_keyword_file_that_no_program_has_makes_no_other_version(files: Files) -> None:
    before = files.version
    (files.folder / "keywords").mkdir()
    (files.folder / "keywords" / "xx.toml").write_text('language = "xx"')
    assert files.version == before


def test_what_the_environment_says_is_no_part_of_it(files: Files) -> None:
    first = load_configuration(files.environ)
    files.write_token("another-token")
    other = load_configuration(
        {**files.environ, "PORT": "9000", "SMSGATE_API_KEYS": "another-key-of-the-tests-k9"}
    )
    assert other.version == first.version


def test_the_values_behind_the_files_are_told_apart_and_hardly_told(files: Files) -> None:
    settings = load_configuration(files.environ).settings
    elsewhere = replace(settings, port=1, data_dir=Path("/x"), redis_url="redis://x")
    files.write_token("another-token")
    changed = load_configuration(files.environ).settings

    assert outside_of(settings) == outside_of(elsewhere) != outside_of(changed)
    assert len(outside_of(settings)) == 4
    assert are_same_settings(settings, replace(settings))
    assert not are_same_settings(settings, changed)
    assert not are_same_settings(settings, elsewhere)


def test_what_cannot_change_is_kept_and_named(files: Files) -> None:
    old = load_configuration(files.environ).settings
    changed: dict = dict.fromkeys(("redis_url", "queue_url", "database_url"), "redis://other")
    changed |= {"data_dir": Path("/other"), "port": 1, "web_concurrency": 9, "web_threads": 9}
    new = replace(old, **changed, public_url="https://new.example.com")

    settings, restart = followable_settings(old, new)

    assert settings == replace(old, public_url="https://new.example.com")
    assert restart == tuple(FIXED.values())
    assert followable_settings(old, replace(old)) == (old, ())


def test_a_keyword_file_that_changes_while_it_is_read_is_not_taken_for_the_other(
    files: Files,
) -> None:
    loaded = load_configuration(files.environ)
    files.write_word("qwyjibo")
    with pytest.raises(ConfigurationError, match="keywords: alerts: was changed while it was read"):
        loaded.build_classifiers()
    load_configuration(files.environ).build_classifiers()
