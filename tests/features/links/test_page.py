from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from smsgate.features.links import page_text
from smsgate.links import make_token
from smsgate.store.connection import open_redis
from smsgate.store.keys import partition_of
from smsgate.store.store import Store
from smsgate.web import create_app
from tests.fakes.own_services import ALERTS, NEW, make_services

NUMBER = "+14155550123"
SUBSCRIBER = {"REMOTE_ADDR": "8.8.4.4"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url)
    yield made
    made.close()


@pytest.fixture
def client(services) -> FlaskClient:
    return create_app(services).test_client()


@pytest.fixture
def link() -> str:
    return "/o/" + make_token(NUMBER, "alerts", [NEW], time.time())


def may_text(services) -> dict[str, bool]:
    return {
        name: answer.allowed
        for name, answer in services.gate.check_programs(NUMBER, services.settings.programs).items()
    }


def entries(services) -> list:
    return [
        one.entry
        for partition in range(16)
        for one in services.store.inbox.read(partition, 99).entries
    ]


def buttons(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<button[^>]* name="([^"]*)" value="([^"]*)"', page)


# --- reading changes nothing ----------------------------------------------------------------


def test_the_page_says_who_asks_and_offers_each_program_and_all(client, link) -> None:
    answer = client.get(link)
    assert answer.status_code == 200
    assert "You received this link in a text message from \u2068Acme Alerts\u2069." in answer.text
    assert buttons(answer.text) == [("scope", "alerts"), ("scope", "orders"), ("scope", "all")]


def test_whoever_only_fetches_the_link_opts_nobody_out(client, services, link) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        for target in (link, f"{link}?scope=all", f"{link}?List-Unsubscribe=One-Click"):
            assert client.open(target, method=method).status_code == 200
    assert client.get(link, data={"scope": "all"}).status_code == 200
    assert client.head(link).data == b""
    assert entries(services) == []
    assert may_text(services) == {"alerts": True, "orders": True}


# --- one press --------------------------------------------------------------------------------


def test_one_press_stops_one_program_from_the_answer_on(client, services, link) -> None:
    answer = client.post(link, data={"scope": "alerts"})
    assert answer.status_code == 200
    assert "\u2068Acme Alerts\u2069 will send no more text messages" in answer.text
    assert buttons(answer.text) == [("scope", "orders"), ("scope", "all")]
    assert may_text(services) == {"alerts": False, "orders": True}


def test_one_press_stops_another_program_or_everything(client, services, link) -> None:
    client.post(link, data={"scope": "orders"})
    assert may_text(services) == {"alerts": True, "orders": False}
    answer = client.post(link, data={"scope": "all"})
    assert "We will send no more text messages" in answer.text
    assert buttons(answer.text) == []
    assert may_text(services) == {"alerts": False, "orders": False}


def test_the_entry_says_that_the_subscriber_opted_out_by_link(client, services, link) -> None:
    client.post(link, data={"scope": "alerts"}, headers={"Accept-Language": "es"})
    [entry] = entries(services)
    assert (entry.source, entry.actor, entry.decision.rule) == ("link", "subscriber", "link")
    assert (entry.number, entry.program, entry.scope) == (NUMBER, "alerts", "alerts")
    assert entry.decision.language == "es"


def test_pressed_twice_it_is_recorded_twice_and_answered_alike(client, services, link) -> None:
    first, second = (client.post(link, data={"scope": "all"}) for _ in range(2))
    assert (first.status_code, first.text) == (second.status_code, second.text)
    services.applier.drain(partition_of(NUMBER))
    assert [event.outcome for event in services.history.of_number(NUMBER)] == ["applied", "repeat"]


def test_no_text_answers_an_opt_out_by_link(client, services, link) -> None:
    client.post(link, data={"scope": "all"})
    services.applier.drain(partition_of(NUMBER))
    [event] = services.history.of_number(NUMBER)
    assert (event.kind, event.after) == ("opt_out", "blocked")
    assert event.note == "no text asked for it"
    assert services.store.unsent_replies.pending() == (0, [])


def test_one_click_without_the_page_opts_out_as_a_stop_would(client, services, link) -> None:
    answer = client.post(link, data="List-Unsubscribe=One-Click", content_type=FORM)
    assert answer.status_code == 200
    assert entries(services)[0].scope == "all"
    assert may_text(services) == {"alerts": False, "orders": False}


def test_a_single_program_needs_no_choice(tmp_path, redis_url, link) -> None:
    services = make_services(tmp_path, redis_url, ALERTS)
    client = create_app(services).test_client()
    [(name, value)] = buttons(client.get(link).text)
    answer = client.post(link, data={name: value})
    assert answer.status_code == 200
    assert buttons(answer.text) == []
    assert entries(services)[0].scope == "all"
    services.close()


def test_the_page_does_not_tell_whether_the_number_was_subscribed(client, services, link) -> None:
    before = client.get(link)
    done = client.post(link, data={"scope": "all"})
    services.applier.drain(partition_of(NUMBER))
    assert client.get(link).text == before.text
    assert client.post(link, data={"scope": "all"}).text == done.text
    assert NUMBER not in before.text + done.text
    assert NUMBER[-4:] not in before.text + done.text


# --- attackers --------------------------------------------------------------------------------


def test_a_changed_link_and_one_of_another_secret_get_a_page_and_change_nothing(
    client, services, link
) -> None:
    changed = link[:-3] + ("AAg" if not link.endswith("AAg") else "BBg")
    foreign = "/o/" + make_token(NUMBER, "alerts", ["another"], time.time())
    for target in (changed, foreign, "/o/x", "/o/" + "A" * 5000):
        for answer in (client.get(target), client.post(target, data={"scope": "all"})):
            assert answer.status_code == 404
            assert "This link does not work" in answer.text
            assert "reply STOP" in answer.text
    assert entries(services) == []


def test_an_expired_link_says_so_and_what_to_do_instead(client, services) -> None:
    old = "/o/" + make_token(NUMBER, "alerts", [NEW], time.time() - 400 * 86400)
    answer = client.post(old, data={"scope": "all"})
    assert answer.status_code == 410
    assert "reply STOP" in answer.text
    assert entries(services) == []


BODIES = [
    b"",
    b"scope=",
    b"scope=nothing",
    b"scope=all%00",
    b"scope=ALL",
    b"scope[]=all",
    b"List-Unsubscribe=no",
    b"scope=%0d%0aSet-Cookie:%20a=b",
    b"scope=alerts/../orders",
    b"\xff\xfe=\xff",
]


def test_a_form_that_chooses_nothing_known_is_asked_again(client, services, link) -> None:
    for body in BODIES:
        answer = client.post(link, data=body, content_type=FORM)
        assert answer.status_code == 422, body
        assert ("scope", "alerts") in buttons(answer.text)
        assert "Set-Cookie" not in answer.headers
    assert entries(services) == []


def test_a_form_over_the_limit_is_refused_before_it_is_read(client, services, link) -> None:
    huge = b"scope=all&x=" + b"a" * 5000
    answer = client.post(link, data=huge, content_type=FORM)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"].startswith("text/html")
    many = b"&".join(b"a%d=" % n for n in range(500)) + b"&scope=all"
    assert client.post(link, data=many, content_type=FORM).status_code in (200, 422)
    assert len(entries(services)) <= 1


def test_what_stands_in_the_path_goes_nowhere(client) -> None:
    for token in ("%0d%0aX-Evil:%20yes", "a%0aSet-Cookie:%20a=b", "<script>evil"):
        answer = client.get(f"/o/{token}", headers={"Host": "evil.example"})
        assert answer.status_code == 404
        assert "X-Evil" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert "evil" not in answer.text.lower()
        assert "<script" not in answer.text


def test_every_answer_keeps_itself_to_itself(client, link) -> None:
    for method in ("GET", "POST"):
        for target in (link, link + "x"):
            _is_guarded(client.open(target, method=method, data={"scope": "alerts"}))


def _is_guarded(answer) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"].startswith("noindex")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_the_policy_knows_the_styles_of_the_page_and_there_is_no_script(client, link) -> None:
    answer = client.get(link)
    [css] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert "src=" not in answer.text
    assert "href=" not in answer.text


def test_an_address_that_guesses_has_to_wait_and_nobody_else_does(client, services, link) -> None:
    for n in range(30):
        guess = "/o/" + make_token(f"+1415555{n:04}", "alerts", ["a guess"], time.time())
        assert client.get(guess, environ_base=SUBSCRIBER).status_code == 404
    stopped = client.post(link, data={"scope": "all"}, environ_base=SUBSCRIBER)
    assert stopped.status_code == 429
    assert int(stopped.headers["Retry-After"]) <= 60
    assert "reply STOP" in stopped.text
    assert entries(services) == []
    other = {"REMOTE_ADDR": "8.8.8.8"}
    assert client.post(link, data={"scope": "all"}, environ_base=other).status_code == 200


def test_links_that_were_cut_or_are_old_are_no_guesses(client, link) -> None:
    old = "/o/" + make_token(NUMBER, "alerts", [NEW], time.time() - 400 * 86400)
    for _ in range(31):
        client.get(link[:-4], environ_base=SUBSCRIBER)
        client.get(old, environ_base=SUBSCRIBER)
    assert client.get(link, environ_base=SUBSCRIBER).status_code == 200


def test_without_a_store_an_opt_out_is_not_confirmed(tmp_path, redis_url, link) -> None:
    services = make_services(tmp_path, redis_url)
    services.close()
    client = create_app(make_away(services)).test_client()
    assert client.get(link, environ_base=SUBSCRIBER).status_code == 200
    answer = client.post(link, data={"scope": "all"}, environ_base=SUBSCRIBER)
    assert answer.status_code == 503
    assert "Please try again in a minute" in answer.text
    assert "Retry-After" in answer.headers


def make_away(services):
    """The same gateway on a Redis that nobody runs."""
    return replace(services, store=Store(open_redis("redis://127.0.0.1:1/0", 0.2)))


# --- languages --------------------------------------------------------------------------------

LANGUAGES = [
    ("es-MX,es;q=0.9,en;q=0.8", "es"),
    ("zh-TW,zh;q=0.9", "zh-Hant"),
    ("zh-CN", "zh-Hans"),
    ("zh", "zh-Hans"),
    ("xx-YY, fr;q=0.5", "fr"),
    ("ar-EG", "ar"),
    ("*", "en"),
    ("", "en"),
    ("tlh", "en"),
    (";;;,,q=zz", "en"),
    ("en;q=0.1,de;q=0.9", "de"),
]


def test_the_page_is_in_the_language_of_the_subscribers_browser(client, link) -> None:
    for header, language in LANGUAGES:
        answer = client.get(link, headers={"Accept-Language": header})
        assert answer.headers["Content-Language"] == language, header
        assert f'<html lang="{language}"' in answer.text
        assert answer.headers["Vary"] == "Accept-Language"


def test_every_language_has_every_text_and_names_the_program_where_it_must() -> None:
    known = page_text.load_texts()
    largest = {"en", "zh-hans", "hi", "es", "fr", "ar", "bn", "pt", "ru", "ur", "id", "de", "ja"}
    assert largest <= set(known)
    for texts in known.values():
        assert all(getattr(texts, name).strip() for name in texts.__struct_fields__)
        for sentence in (texts.sender, texts.one, texts.one_done):
            assert sentence.count("{program}") == 1, texts.language
        assert "STOP" in texts.broken_text
        assert "STOP" in texts.later_text
        assert "START" in texts.resume
