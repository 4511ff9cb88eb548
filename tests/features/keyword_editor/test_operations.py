"""Keyword sets by command and over ``/v1``: listed, tried, saved and reverted."""

from __future__ import annotations

import io
import json

import pytest

from smsgate.content_versions import ContentVersions
from tests.fakes.own_services import ready_services
from tests.fakes.values import entry

CONFIG = """
[accounts.twilio]
provider = "twilio"
account_sid = "AC00000000000000000000000000000001"
auth_token = "a-token-of-the-tests"
[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = ["en", "es"]
region = "US"
"""
SET = """
language = "es"
extends = true
without = "ALTO"
[[entries]]
intent = "{intent}"
words = "{words}"
"""
NEW = SET.format(intent="opt_out", words="ZUMBIDO")


@pytest.fixture
def environ(tmp_path, redis_url):
    (tmp_path / "smsgate.toml").write_text(CONFIG, "utf-8")
    return {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": redis_url,
        "SMSGATE_API_KEYS": "a-key-that-is-long-enough-for-tests",
    }


@pytest.fixture
def services(environ):
    with ready_services(environ) as made:
        yield made


@pytest.fixture
def there(terminal, environ, services):
    return terminal(**environ)


@pytest.fixture
def file(tmp_path):
    found = tmp_path / "es.toml"
    found.write_text(NEW)
    return found


def words_of(there, *options):
    return {one["word"]: one for one in there.json("keywords", "list", *options)["items"]}


def test_a_file_is_saved_as_the_consoles_set_recognised_and_reverted(there, services, file):
    assert there.run("keywords", "set", "es", str(file), "--note", "heard") == 0
    assert there.output == "Saved as version 1 of es.\n"
    (saved,) = ContentVersions(services.records, "keywords").of("es", 9)
    assert saved.author.startswith("terminal:")
    assert (saved.note, saved.content.strip()) == ("heard", NEW.strip())
    found = words_of(there, "--source", "console")
    assert (found["ZUMBIDO"]["intent"], found["ZUMBIDO"]["language"]) == ("opt_out", "es")
    assert there.json("explain", "zumbido")["intent"] == "opt_out"
    assert there.json("keywords", "show", "es")["owner"] == "console"
    assert there.run("keywords", "show", "es") == 0
    assert there.output.endswith(f"version 1, used by alerts\n{NEW.lstrip()}")

    assert there.run("keywords", "revert", "es") == 0
    assert there.output == "Saved as version 2 of es.\n"
    assert there.json("explain", "zumbido")["intent"] == "none"
    assert there.run("keywords", "revert", "es") == 2
    assert "Nothing has changed" in there.errors
    assert there.run("keywords", "revert", "es", "--to", "1") == 0
    assert there.json("explain", "zumbido")["intent"] == "opt_out"

    assert there.run("keywords", "revert", "es", "--to", "9") == 2
    assert "es has no version 9" in there.errors


def test_keywords_are_listed_by_what_they_are_and_page_by_page(there):
    spanish = words_of(there, "--language", "es", "--program", "alerts")
    assert spanish["BAJA"]["source"] == "shipped"
    assert "UNSUBSCRIBE" not in spanish
    assert {one["intent"] for one in words_of(there, "--intent", "help").values()} == {"help"}
    assert {*words_of(there, "--text", "unsubscr")} >= {"UNSUBSCRIBE"}
    first = there.json("keywords", "list", "--limit", "10")
    second = there.json("keywords", "list", "--limit", "10", "--after", first["next"])
    assert first["total"] == second["total"] > 20
    assert first["items"] != second["items"]
    assert there.run("keywords", "list", "--program", "nope") == 2
    assert "there are: alerts" in there.errors


def test_a_replay_says_what_a_set_would_change_and_saves_nothing(there, services, file):
    for text in ("zumbido", "alto", "stop", "hello"):
        services.store.sample_log.note(entry(text=text))
    services.store.sample_log.flush()
    assert there.run("keywords", "replay", "es", str(file), "--json") == 1
    found = json.loads(there.output)
    assert found["added"] == ["zumbido (opt_out, whole, low risk)"]
    assert found["removed"] == ["alto (opt_out, whole, low risk)"]
    texts = {one["text"]: (one["before"], one["after"]) for one in found["changes"]}
    assert texts == {"zumbido": ("none", "opt_out"), "alto": ("opt_out", "none")}
    assert (found["looked"], found["is_complete"]) == (4, True)
    assert ContentVersions(services.records, "keywords").newest() == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("es", "x = ", "es.toml"),
        ("es", SET.format(intent="opt_in", words="STOP"), "STOP"),
        ("es", "\n", "revert it"),
        ("fr", NEW.replace("es", "xx"), "fr"),
        ("xx", "x = 1\n", "there is no keyword set 'xx'"),
        ("es", b"\xff", "no UTF-8"),
    ],
)
def test_a_set_with_a_fault_is_2_and_not_saved(there, services, file, name, text, said):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert there.run("keywords", "set", name, str(file)) == 2
    assert said in there.errors
    assert ContentVersions(services.records, "keywords").newest() == []


@pytest.mark.parametrize("mended", [("revert", "es"), ("set", "es", "-")])
def test_a_set_of_a_newer_release_that_hinders_a_start_can_be_replaced(
    there, services, monkeypatch, mended
):
    ContentVersions(services.records, "keywords").add("es", f"unheard_of = 1\n{NEW}", 0, "ann")
    assert there.run("config", "check") == 2
    assert there.run("keywords", "list") == 2
    assert "console keywords/es.toml" in there.errors
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(NEW.encode())))
    assert there.run("keywords", *mended) == 0
    assert there.run("config", "check") == 0


def test_of_two_programs_that_save_over_v1_the_second_is_told(api):
    first = api.call("PUT", "/keywords/es?base=0&note=heard", data=NEW)
    assert (first.status_code, first.json) == (200, {"name": "es", "version": 1})
    faulty = api.call("PUT", "/keywords/es", data="x = ")
    assert (faulty.status_code, faulty.json["reason"]) == (422, "configuration_error")
    half = api.call("PUT", "/keywords/es", data=NEW, environ_overrides={"CONTENT_LENGTH": "9000"})
    assert half.status_code == 400
    second = api.call("PUT", "/keywords/es?base=0", data=NEW + "\n# mine")
    assert (second.status_code, second.json["reason"]) == (409, "content_changed")
    (saved,) = ContentVersions(api.services.records, "keywords").of("es", 9)
    assert (saved.author[:4], saved.note) == ("api:", "heard")
    tried = api.call("POST", "/keywords/try", json={"text": "please baja", "program": "alerts"})
    assert (tried.json["rule"], "Acme Alerts" in tried.json["facts"]["reply"]) == (
        "keyword_politely",
        True,
    )
