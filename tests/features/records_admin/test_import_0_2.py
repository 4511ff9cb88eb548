"""From 0.2 to 0.3 by the steps of docs/upgrading.md, while texts arrive; and in the wrong order.

What 0.2.0 left was recorded from its own code: ``tests/vectors/upgrade_0_2``, with what its gate
answered (``gate.json``).
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import redis
import requests
from sqlalchemy import Column, MetaData, NullPool, Table, create_engine, select

from smsgate.cli.main import run
from smsgate.consent.events import Event
from smsgate.domain.errors import StoreNotReady
from smsgate.domain.messages import InboundMessage
from smsgate.domain.opt_out_links import make_token
from smsgate.features.records_admin.import_0_2 import UpgradeImport, renamed
from smsgate.pipeline.services import Services
from smsgate.providers import PROVIDERS
from smsgate.store.keys import PARTITIONS
from tests.fakes.served import served
from tests.pipeline.conftest import PUBLIC_URL, SENDER

pytestmark = pytest.mark.full
VECTORS = Path(__file__).parents[2] / "vectors" / "upgrade_0_2"
GATE: dict[str, dict[str, str]] = json.loads((VECTORS / "gate.json").read_text())
GATE["+14155550205"] |= {"club": "review", "quiet": "review"}
"""0.3 also holds what waits for a person from the other programs that an opt-out would cover."""
PROGRAMS = ("alerts", "orders", "club", "quiet")
FIRST, SECOND, THIRD, LISTED = (f"+1415555020{place}" for place in (0, 1, 2, 7))
LINKED = "+14157779999"
SECRET = "Zq8s1VbT0yX4mNc7Kd2LpR9wJ3hGf6Ae"
IMPORT = ("records", "import-0.2", "--database-url")
OLD_START = "SM" + f"{4:032x}"
"""Message id of the START by which ``THIRD`` got its exception."""


@dataclass
class Old:
    """What 0.2.0 left."""

    file: Path
    client: redis.Redis
    url: str

    def state(self) -> tuple[bytes, dict[bytes, bytes]]:
        """Everything in it, to see whether it changed."""
        keys = self.client.keys()
        return self.file.read_bytes(), {key: self.client.dump(key) for key in keys}


@pytest.fixture
def old(tmp_path: Path, redis_url: str) -> Iterator[Old]:
    """In a file, and in the second database of the Redis."""
    file = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(file)) as made:
        made.executescript((VECTORS / "records.sql").read_text())
    url = redis_url.replace("db=0", "db=1")
    with redis.Redis.from_url(url) as client:
        for name, value in json.loads((VECTORS / "store.json").read_text()).items():
            if isinstance(value, dict):
                client.hset(name, mapping=value)
            elif isinstance(value, list):
                client.sadd(name, *value)
            else:
                client.set(name, value)
        yield Old(file, client, url)


@pytest.fixture
def command(
    environ: Mapping[str, str], old: Old, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs a command of 0.3; gives its exit code and what it said."""

    def build(*arguments: str) -> tuple[int, str]:
        if arguments == ("import",):
            arguments = (*IMPORT, f"sqlite:///{old.file}", "--redis-url", old.url)
        code = run(arguments, environ)
        captured = capsys.readouterr()
        return code, " ".join((captured.out + captured.err).split())

    return build


@pytest.fixture
def port(environ: dict[str, str]) -> Iterator[int]:
    """Where a process of 0.3's web answers."""
    with served("smsgate.web:create_app", environ | {"SMSGATE_SECRET_KEYS": SECRET}) as port:
        yield port


@pytest.fixture
def post(port: int, bare_services: Services) -> Callable[..., int]:
    """Posts a text to 0.3's web, as Twilio does; gives the status."""

    def send(text: str, number: str, message_id: str) -> int:
        message = InboundMessage("twilio", message_id, number, SENDER, text)
        account = bare_services.settings.accounts["twilio"]
        sent = PROVIDERS["twilio"].inbound(message, account, f"{PUBLIC_URL}/webhooks/twilio")
        url = f"http://127.0.0.1:{port}{urlsplit(sent.url).path}"
        return requests.post(url, sent.body, headers=dict(sent.headers), timeout=60).status_code

    return send


def test_no_field_of_an_event_is_lost_whose_name_was_another_in_0_2() -> None:
    """An event with every field that 0.2.0 knew; a field of another name would be left out."""
    ours = renamed(json.loads((VECTORS / "event.json").read_text()))
    event = msgspec.convert(ours, Event)
    written = msgspec.json.decode(msgspec.json.encode(event))
    assert written == ours
    assert event.consent_state is not None
    assert set(event.consent_state.state.marks) == {"all", "back"}, "the names of programs stay"


def reasons(services: Services, number: str) -> dict[str, str]:
    return {
        program: services.gate.check([number], program=program)[0].reason for program in PROGRAMS
    }


def apply_all(services: Services) -> None:
    for partition in range(PARTITIONS):
        services.applier.drain(partition)


def not_ready(services: Services) -> bool:
    try:
        services.gate.check([FIRST], program="alerts")
    except StoreNotReady:
        return True
    return False


def test_nobody_is_texted_who_opted_out_before_or_while_0_3_takes_over(
    old: Old,
    command: Callable[..., tuple[int, str]],
    port: int,
    post: Callable[..., int],
    bare_services: Services,
) -> None:
    # Two events that retention removed in 0.2: an opt-out, and an opt-in by text.
    with closing(sqlite3.connect(old.file)) as file:
        gone = file.execute(
            "DELETE FROM events WHERE number = ? OR message_id = ?", (SECOND, OLD_START)
        )
        assert gone.rowcount == 2
        file.commit()
    before = old.state()
    assert command("records", "migrate")[0] == 0

    texted: list[str] = []
    ending, began = threading.Event(), threading.Event()

    def texts() -> None:
        while not ending.is_set():
            number = f"+1415777{len(texted):04d}"
            assert post("Stop", number, f"SMnew{len(texted)}") == 200
            texted.append(number)
            began.set()

    thread = threading.Thread(target=texts)
    thread.start()
    try:
        assert began.wait(30)
        assert post("STOP", THIRD, "SMlater") == 200
        assert post("START", THIRD, OLD_START) == 200, "captured, and sent again"
        # A link that 0.2 sent; ``test_opt_out_links.py`` has one that it made.
        link = make_token(LINKED, "alerts", [SECRET], time.time())
        url, form = f"http://127.0.0.1:{port}/o/{link}", {"List-Unsubscribe": "One-Click"}
        assert requests.post(url, form, timeout=60).status_code == 200
        code, said = command("import")
        assert (code, "are imported" in said) == (0, True), said
        assert "Of 2 numbers only the state was left" in said
        assert not_ready(bare_services), "the gate is opened by init alone"
        code, said = command("init")
        assert code == 0, said
    finally:
        ending.set()
        thread.join()
    apply_all(bare_services)

    for number, expected in GATE.items():
        if number != THIRD:
            assert reasons(bare_services, number) == expected, number
    assert len(texted) > 1
    for number in (*texted, THIRD, LINKED):
        assert set(reasons(bare_services, number).values()) == {"opted_out_all"}, number

    assert post("START", THIRD, OLD_START) == 200, "captured, and sent again"
    apply_all(bare_services)
    assert set(reasons(bare_services, THIRD).values()) == {"opted_out_all"}
    assert old.state() == before, "0.2 can still be asked"
    code, said = command("records", "verify")
    assert code == 0, said


@pytest.fixture
def upgraded(old: Old, command: Callable[..., tuple[int, str]]) -> Old:
    """0.3 has taken over, and nobody texted."""
    for step in (("records", "migrate"), ("import",), ("init",)):
        code, said = command(*step)
        assert code == 0, said
    return old


def test_dates_consents_reviews_and_keys_come_along(
    upgraded: Old, command: Callable[..., tuple[int, str]], bare_services: Services
) -> None:
    code, said = command("export", "--program", "alerts")
    assert code == 0, said
    assert f"{LISTED},opted_out,2025-06-15" in said
    code, said = command("review", "list")
    assert "Stop?" in said
    history = bare_services.records.reader.of_number("+14155550204")
    (consent,) = [one.event.entry.consent for one in history if one.event.entry is not None]
    assert consent is not None
    assert consent.words == "I agree to texts of Acme Club"
    assert consent.given_us == 1764000000000000
    with closing(sqlite3.connect(upgraded.file)) as file:
        digests = file.execute("SELECT name, digest FROM api_keys").fetchall()
    assert digests == [(one.name, one.digest) for one in bare_services.records.keys.all(0)]


def test_no_order_of_steps_opens_the_gate_without_the_opt_outs_of_0_2(
    old: Old, command: Callable[..., tuple[int, str]], bare_services: Services
) -> None:
    assert command("records", "migrate")[0] == 0
    old.client.sadd("smsgate:processes", "w1")
    old.client.set("smsgate:process:w1", "{}")
    code, said = command("import")
    assert (code, "processes of 0.2 still run" in said) == (2, True), said

    def stays_shut() -> None:
        for wrong in (
            ("init",),
            ("rebuild",),
            ("rebuild", "--adopt", "--allow-empty"),
        ):
            code, said = command(*wrong)
            assert (code, "are not imported yet" in said) == (2, True), said
        assert not_ready(bare_services)

    stays_shut()
    old.client.delete("smsgate:process:w1")
    for name, value, problem in (
        ("smsgate:{3}:inbox", {"e": "…"}, "lack what its Redis has"),
        ("smsgate:{4}:ledger", {"e": "…"}, "lack what its Redis has"),
    ):
        id_ = old.client.xadd(name, value)
        code, said = command("import")
        assert (code, problem in said) == (2, True), said
        old.client.xdel(name, id_)
    old.client.hset("smsgate:{3}:marker", "spooled", '{"a":{"host":"web-1"}}')
    code, said = command("import")
    assert (code, "wait in a spool of 0.2" in said) == (2, True), said
    old.client.hdel("smsgate:{3}:marker", "spooled")
    stays_shut()

    assert command("import")[0] == 0
    code, said = command("import")
    assert (code, "everything is imported already: `smsgate init`" in said) == (2, True), said
    assert not_ready(bare_services)
    assert command("init")[0] == 0
    assert reasons(bare_services, FIRST) == GATE[FIRST]
    code, said = command("import")
    assert (code, "is ready already" in said) == (2, True), said


def test_an_import_that_broke_off_keeps_the_gate_shut_and_is_begun_again(
    old: Old, command: Callable[..., tuple[int, str]], bare_services: Services, tmp_path: Path
) -> None:
    assert command("records", "migrate")[0] == 0
    whole = tmp_path / "whole.sqlite3"
    shutil.copy(old.file, whole)
    with closing(sqlite3.connect(old.file)) as file:
        file.execute("DROP TABLE api_keys")
        file.commit()
    assert command("import")[0] == 2
    assert bare_services.records.reader.count_events() > 0
    assert "are not imported yet" in command("init")[1]

    shutil.copy(whole, old.file)
    assert command("import")[0] == 0
    assert command("init")[0] == 0
    assert {number: reasons(bare_services, number) for number in GATE} == GATE


def test_a_database_on_postgresql_gives_the_same(
    old: Old, postgresql_url: str, bare_services: Services, environ: Mapping[str, str]
) -> None:
    reflected = MetaData()
    url = postgresql_url.replace("postgresql://", "postgresql+psycopg://")
    with (
        closing(sqlite3.connect(old.file)) as file,
        create_engine(f"sqlite:///{old.file}", poolclass=NullPool).connect() as source,
        create_engine(url, poolclass=NullPool).begin() as target,
    ):
        reflected.reflect(source)
        copies = MetaData()
        for table in reflected.tables.values():
            columns = [Column(one.name, one.type.as_generic()) for one in table.columns]
            copy = Table(table.name, copies, *columns)
            copy.create(target)
            rows = [dict(row) for row in source.execute(select(table)).mappings()]
            target.execute(copy.insert(), rows)
        numbers = file.execute("SELECT count(*) FROM numbers").fetchone()[0]

    assert run(("records", "migrate"), environ) == 0
    done = UpgradeImport(bare_services).run(postgresql_url, old.url, lambda *_: None)
    assert (done.events, done.numbers, done.restated, done.keys) == (12, numbers, 0, 1)
    assert run(("init",), environ) == 0
    assert {number: reasons(bare_services, number) for number in GATE} == GATE


def test_addresses_that_are_wrong_are_said_and_keep_the_gate_shut(
    old: Old, command: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    assert command("records", "migrate")[0] == 0
    for database, store, problem in (
        (f"sqlite:///{tmp_path}/none.sqlite3", old.url, f"no database of 0.2 at {tmp_path}/none"),
        ("records.sqlite3", old.url, "the addresses of 0.2 cannot be read"),
        (f"sqlite:///{old.file}", "127.0.0.1:6379", "the addresses of 0.2 cannot be read"),
    ):
        code, said = command(*IMPORT, database, "--redis-url", store)
        assert (code, problem in said) == (2, True), said
    assert not (tmp_path / "none.sqlite3").exists()
    assert "are not imported yet" in command("init")[1]
