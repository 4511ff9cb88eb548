"""A process takes over what is applied, in the midst of its work."""

from __future__ import annotations

import gc
import os
import socket
import threading
import weakref
from collections.abc import Iterator

import msgspec
import pytest
import structlog

from smsgate import __version__
from smsgate.domain.errors import ConfigurationError, OtherConfiguration, StoreUnavailable
from smsgate.pipeline import configuration_watch
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.configuration_rollout import apply_configuration
from smsgate.pipeline.configuration_watch import ConfigurationWatch
from smsgate.pipeline.live import Live
from smsgate.pipeline.services import Services
from smsgate.store import Store
from smsgate.store.processes import AppliedConfiguration
from smsgate.store.shared_keys import APPLIED, process_of
from tests.fakes.processes import PATIENCE_S, wait_until
from tests.pipeline.configuration.conftest import CONFIG, Files


class Made:
    """What a process makes of a gateway."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.ended = threading.Event()

    @property
    def title(self) -> str:
        return self.services.settings.programs.get("alerts").title


@pytest.fixture
def live(files: Files, store: Store) -> Iterator[Live[Made]]:
    made = Live(files.environ, lambda _, services: Made(services), lambda one: one.ended.set())
    yield made
    made.close()


@pytest.fixture
def following(live: Live[Made]) -> ConfigurationWatch:
    """As a process has it, turned by hand."""
    live.follow("web")
    assert live._watch is not None
    live._watch.stop()
    live._watch._thread.join()
    return live._watch


def now(live: Live[Made]) -> Made:
    with live.latest.using() as made:
        return made.product


def test_a_change_is_put_in_force_around_the_same_collaborators(
    live: Live[Made], files: Files
) -> None:
    before = now(live)
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    files.write_token("a-newer-token")

    assert live.renew(files.version)

    after = now(live)
    assert (before.title, after.title) == ("Acme Alerts", "Acme News")
    assert after.services.settings.accounts["twilio"].values_of("auth_token") == ["a-newer-token"]
    for name in ("store", "spool", "gate", "job_queue", "outbound", "records"):
        assert getattr(after.services, name) is getattr(before.services, name)
    assert live.services is after.services
    assert before.ended.wait(PATIENCE_S)
    assert not after.ended.is_set()


def test_who_is_at_work_with_the_old_one_finishes_with_it(live: Live[Made], files: Files) -> None:
    with live.latest.using() as generation:
        before = generation.product
        files.write(CONFIG.replace("Acme Alerts", "Acme News"))
        live.renew(files.version)
        assert before.title == "Acme Alerts"
        assert not before.ended.wait(0.1)
        assert now(live).title == "Acme News"
    assert before.ended.wait(PATIENCE_S)


def test_what_does_not_differ_is_not_made_anew(live: Live[Made], files: Files) -> None:
    before = now(live)
    assert not live.renew(files.version)
    assert now(live) is before


def test_a_faulty_configuration_changes_nothing(live: Live[Made], files: Files) -> None:
    before, version = now(live), files.version
    files.write(CONFIG.replace("Acme Alerts", ""))
    files.write_word("qwyjibo", "opt_aut")

    with pytest.raises(ConfigurationError) as raised:
        live.renew(version)

    assert {fault.key for fault in raised.value.faults} == {"programs.alerts.name", "entries[1]"}
    assert now(live) is before


def test_what_fails_while_it_is_made_changes_nothing(files: Files, store: Store) -> None:
    broken = threading.Event()

    def make(_: object, services: Services) -> Made:
        if broken.is_set():
            raise RuntimeError("cannot be made")
        return Made(services)

    live = Live(files.environ, make)
    live.follow("web")
    broken.set()
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    applied = apply_configuration(files.environ, store, "tests")
    try:
        assert wait_until(lambda: [one.problem for one in processes(store, applied.id)] != [])
        (problem,) = [one.problem for one in processes(store, applied.id)]
        assert problem == "it could not be put in force (RuntimeError); the log says more"
        assert now(live).title == "Acme Alerts"
    finally:
        live.close()


def processes(store: Store, applied: str) -> list:
    return [one for one in store.heartbeats.running() if one.applied == applied]


def test_files_of_another_version_than_was_applied_are_not_taken(
    live: Live[Made], files: Files
) -> None:
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    with pytest.raises(OtherConfiguration) as raised:
        live.renew("0123456789ab")
    assert raised.value.version == files.version
    assert now(live).title == "Acme Alerts"


def test_what_cannot_change_is_kept_and_said(
    live: Live[Made], files: Files, following: ConfigurationWatch, store: Store, redis_url: str
) -> None:
    files.write_redis_url("redis://127.0.0.1:1/0")
    store.configurations.apply(apply_nowhere(files, store))
    following.run_once()

    (process,) = store.heartbeats.running()
    assert process.restart == ("REDIS_URL", "QUEUE_URL")
    assert live.configuration.settings.redis_url == redis_url
    files.write_redis_url(redis_url)
    apply_configuration(files.environ, store, "tests")
    following.run_once()
    assert store.heartbeats.running()[0].restart == ()


def apply_nowhere(files: Files, store: Store):
    """What the command writes, whatever Redis its own environment names."""
    return apply_configuration(files.environ, store, "tests")


def test_a_process_says_what_it_runs_and_is_forgotten_when_it_ends(
    files: Files, store: Store
) -> None:
    live = Live(files.environ, lambda _, services: services)
    live.follow("worker")
    assert wait_until(lambda: store.heartbeats.running() != [])
    (process,) = store.heartbeats.running()
    assert (process.name, process.version) == ("worker", files.version)
    live.close()
    assert store.heartbeats.running() == []


def test_a_process_says_on_one_line_what_it_starts_with(live: Live[Made], files: Files) -> None:
    with structlog.testing.capture_logs() as lines:
        live.follow("worker")
    (line,) = [one for one in lines if one["event"] == "process started"]
    assert (line["process"], line["software"]) == ("worker", __version__)
    assert line["version"] == files.version
    assert len(line["outside"]) == 4
    assert (line["config"], line["pid"]) == (str(files.folder), os.getpid())


def test_a_heartbeat_says_where_and_since_when_by_redis_s_clock(
    live: Live[Made], store: Store
) -> None:
    live.follow("web")
    assert wait_until(lambda: store.heartbeats.running() != [])
    (process,) = store.heartbeats.running()
    assert (process.host, process.pid) == (socket.gethostname(), os.getpid())
    assert process.software == __version__
    assert 0 <= store.heartbeats.now_us() - process.started_us < 120_000_000


def test_a_heartbeat_goes_on_while_a_configuration_is_read(
    live: Live[Made], files: Files, store: Store, redis_client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keyword sets may take longer to compile than a process without a heartbeat is waited for."""
    reading, read = threading.Event(), threading.Event()

    def slow(_: str) -> bool:
        reading.set()
        return read.wait(60)

    monkeypatch.setattr(live, "renew", slow)
    live.follow("web")
    assert wait_until(lambda: store.heartbeats.running() != [])
    apply_configuration(files.environ, store, "tests")
    assert reading.wait(PATIENCE_S)
    (process,) = store.heartbeats.running()
    redis_client.delete(process_of(process.id))
    try:
        assert wait_until(lambda: store.heartbeats.running() != [])
    finally:
        read.set()


def test_an_announcement_notifies_a_process_and_without_one_it_looks_itself(
    live: Live[Made], files: Files, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration_watch, "PERIOD_S", 3600.0)
    live.follow("worker")
    watch = live._watch
    assert watch is not None
    assert wait_until(lambda: watch._listener.listens and not watch._notified.is_set())
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    apply_configuration(files.environ, store, "tests")
    assert wait_until(lambda: now(live).title == "Acme News")

    def deaf(*_: object) -> bool:
        raise StoreUnavailable("no permissions to access a channel")

    monkeypatch.setattr(type(watch._listener._news), "wait", deaf)
    assert wait_until(lambda: not watch._listener.listens)
    watch._notified.set()  # the next pause is that of one that does not listen
    files.write(CONFIG.replace("Acme Alerts", "Acme Times"))
    applied = load_configuration(files.environ).version
    store.client.set(APPLIED, msgspec.json.encode(AppliedConfiguration("x", applied, "before", 1)))
    assert wait_until(lambda: now(live).title == "Acme Times")


def test_a_fault_is_told_until_it_is_mended_and_then_it_is_taken_over(
    live: Live[Made], files: Files, following: ConfigurationWatch, store: Store
) -> None:
    """By itself: files may reach a host later than the command."""
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    applied = apply_configuration(files.environ, store, "tests")
    files.write(CONFIG.replace("Acme Alerts", ""))
    with structlog.testing.capture_logs() as said:
        following.run_once()
        following._retry_at = 0.0
        following.run_once()

    (process,) = store.heartbeats.running()
    assert process.applied == applied.id
    assert "smsgate.toml: programs.alerts.name: is empty" in process.problem
    assert [one["event"] for one in said] == ["configuration not taken over"]
    assert now(live).title == "Acme Alerts"
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    following.run_once()
    assert now(live).title == "Acme Alerts"  # not so often
    following._retry_at = 0.0
    following.run_once()
    assert now(live).title == "Acme News"
    assert store.heartbeats.running()[0].problem == ""


def test_a_secret_that_cannot_be_read_is_told_and_the_old_one_stays(
    live: Live[Made], files: Files, following: ConfigurationWatch, store: Store
) -> None:
    apply_configuration(files.environ, store, "tests")
    (files.folder / "token").unlink()
    following.run_once()

    (process,) = store.heartbeats.running()
    assert process.version == files_version(live)
    assert "TOKEN_FILE" in process.problem
    assert now(live).services.settings.accounts["twilio"].values_of("auth_token") == ["the-token"]


def files_version(live: Live[Made]) -> str:
    return live.configuration.version


def test_a_process_that_starts_with_newer_files_has_them_without_a_complaint(
    files: Files, store: Store
) -> None:
    """A deployment brings files and starts the processes anew; nobody has to apply anything."""
    apply_configuration(files.environ, store, "tests")
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    live = Live(files.environ, lambda _, services: Made(services))
    live.follow("web")
    assert wait_until(lambda: store.heartbeats.running() != [])
    (process,) = store.heartbeats.running()
    assert (process.problem, process.version) == ("", files.version)
    assert now(live).title == "Acme News"
    live.close()


def test_a_change_during_the_start_is_not_missed(files: Files, store: Store) -> None:
    live = Live(files.environ, lambda _, services: Made(services))
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    apply_configuration(files.environ, store, "tests")
    live.follow("web")
    assert wait_until(lambda: now(live).title == "Acme News")
    live.close()


def test_while_the_store_is_away_all_goes_on(files: Files) -> None:
    files.write_redis_url("redis://127.0.0.1:1/0")
    live = Live(files.environ, lambda _, services: Made(services))
    live.follow("web")
    following = live._watch
    assert following is not None
    assert following.run_once() > 0
    assert now(live).title == "Acme Alerts"
    live.close()


def test_a_secret_alone_is_a_change(live: Live[Made], files: Files) -> None:
    files.write_token("a-newer-token,the-token")
    assert live.renew(files.version)
    tokens = now(live).services.settings.accounts["twilio"].values_of("auth_token")
    assert tokens == ["a-newer-token", "the-token"]


def test_of_what_has_ended_no_classifier_stays_in_memory(live: Live[Made], files: Files) -> None:
    before = live.configuration
    made = before.classifiers["alerts"]
    kept = [weakref.ref(made), weakref.ref(made.phrases.lexicon)]
    del made
    files.write_word("qwyjibo")
    gc.disable()
    try:
        live.renew(files.version)
        assert wait_until(lambda: [one() for one in kept] == [None, None])
    finally:
        gc.enable()


def test_keyword_sets_that_have_not_changed_are_not_read_again(
    live: Live[Made], files: Files
) -> None:
    before = live.configuration.classifiers["alerts"]
    files.write(CONFIG.replace("Acme Alerts", "Acme News"))
    with live.latest.using():
        live.renew(files.version)
        after = live.configuration.classifiers["alerts"]
    assert after is not before
    assert after.phrases is before.phrases
    assert after.program.title == "Acme News"
