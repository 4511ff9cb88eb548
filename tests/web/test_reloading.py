"""One application follows another while requests are answered."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest
from werkzeug.test import Client

from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.latest_value import LatestValue
from smsgate.pipeline.live import Live
from smsgate.web.process import ReloadingApplication, app_of
from tests.fakes.processes import PATIENCE_S
from tests.pipeline.configuration.conftest import CONFIG


class Application:
    """Answers with its name, when it is let."""

    def __init__(self, name: str) -> None:
        self.product = self
        self.name = name
        self.asked, self.let = threading.Event(), threading.Event()

    def __call__(self, environ, start_response):
        self.asked.set()
        assert self.let.wait(PATIENCE_S)
        if environ["PATH_INFO"] == "/fails":
            raise RuntimeError(self.name)
        start_response("200 OK", [])
        return [self.name.encode()]


def test_a_request_is_answered_to_its_end_by_the_one_that_it_began_with() -> None:
    first, second = Application("first"), Application("second")
    second.let.set()
    latest = LatestValue(first)
    client = Client(ReloadingApplication(latest))
    answers: list[str] = []
    slow = threading.Thread(target=lambda: answers.append(client.get("/").text))
    slow.start()
    assert first.asked.wait(PATIENCE_S)

    old = latest.replace(second)

    assert Client(ReloadingApplication(latest)).get("/").text == "second"
    assert not old.wait_until_unused(0.05)
    first.let.set()
    slow.join()
    assert old.wait_until_unused(1)
    assert answers == ["first"]


def test_a_request_that_fails_is_no_longer_counted() -> None:
    first = Application("first")
    first.let.set()
    latest = LatestValue(first)
    with pytest.raises(RuntimeError, match="first"):
        Client(ReloadingApplication(latest)).get("/fails")
    assert latest.replace(Application("second")).wait_until_unused(0)


@pytest.fixture
def environ(tmp_path):
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    return {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "TOKEN": "t",
    }


@pytest.fixture
def live(environ):
    """As a process of web has it; what that sets apart is given back."""
    made = Live(environ, app_of)
    yield made
    made.close()
    gc.unfreeze()


def rename(environ, live, name):
    file = Path(environ["SMSGATE_CONFIG"]) / "smsgate.toml"
    file.write_text(CONFIG.replace("Acme", name))
    assert live.renew(load_configuration(environ).version)


def test_classifiers_are_made_before_an_application_takes_its_place(environ, live) -> None:
    """On the thread that renews: else the first texts after a change would wait for them."""
    rename(environ, live, "Other")
    assert set(live.configuration.classifiers._made) == {"alerts"}


def test_the_collector_passes_over_what_stays_and_what_has_gone_stays_not(environ, live) -> None:
    def set_apart():
        return gc.get_freeze_count(), len(gc.get_objects())

    apart, others = set_apart()
    assert apart > 10 * others
    first = weakref.ref(live.latest.value.product)
    assert first() is not None
    for name in ("Other", "Another"):
        rename(environ, live, name)
        for thread in live._retiring:
            thread.join(PATIENCE_S)
    assert first() is None
    assert set_apart()[0] < 1.2 * apart
