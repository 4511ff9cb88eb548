"""The tables: made by migrations, of one version, and refused where they are of another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import resources

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import column, insert, table

from smsgate.domain.errors import RecordsNotReady
from smsgate.features.operators.storage import ActionLog, OperatorStorage
from smsgate.records import Records, migrating, tables
from smsgate.records.console_tables import operators
from smsgate.records.tables import api_keys, metadata
from tests.records.values import event, lines


@pytest.fixture(autouse=True)
def really(migrate_really, monkeypatch):
    monkeypatch.setattr(migrating, "migrate", migrate_really)


def test_migrating_makes_the_tables_and_again_changes_nothing(bare_records):
    assert bare_records.migrate() == ("", tables.VERSION)
    bare_records.check()
    assert bare_records.migrate() == (tables.VERSION, tables.VERSION)


def test_what_the_migrations_make_is_what_the_queries_ask_for(records):
    with records.database.reading() as connection:
        found = compare_metadata(
            MigrationContext.configure(connection, opts={"version_table": tables.VERSION_TABLE}),
            metadata,
        )
    assert found == []


def test_our_version_is_the_newest_migration():
    folder = resources.files("smsgate.records").joinpath("migrations")
    script = ScriptDirectory(str(folder))
    assert script.get_current_head() == tables.VERSION
    assert {one.revision for one in script.walk_revisions()} == set(tables.KNOWN)


def test_without_tables_the_command_that_makes_them_is_named(bare_records, database_url):
    if database_url.startswith("sqlite"):
        with bare_records.database.writing(make=True):
            pass  # an empty file
    with pytest.raises(RecordsNotReady, match=r"no tables.*smsgate records migrate"):
        bare_records.writer.keep({0: lines(event(1))})
    with pytest.raises(RecordsNotReady, match="smsgate records migrate"):
        bare_records.check()


@pytest.mark.parametrize(
    ("version", "known", "said"),
    [
        ("0000", ("0000", tables.VERSION), "have version 0000 .*: run `smsgate records migrate`"),
        (
            "9999",
            (tables.VERSION,),
            "9999, made by another smsgate.*: run that smsgate, or a newer one",
        ),
    ],
)
def test_tables_of_another_version_are_neither_read_nor_written(
    records, monkeypatch, version, known, said
):
    monkeypatch.setattr(tables, "KNOWN", known)
    with records.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE records_version SET version_num = '{version}'")

    with pytest.raises(RecordsNotReady, match=said):
        records.writer.keep({0: lines(event(1))})
    with pytest.raises(RecordsNotReady, match=said):
        records.reader.count_events()
    if version == "9999":
        with pytest.raises(RecordsNotReady, match=said):
            records.migrate()


@pytest.mark.full
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_text_is_refused(postgresql_server, encoding):
    name = f"of_{encoding.lower()}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0"
            " LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    records = Records(postgresql_server.replace("/postgres", f"/{name}"))
    with pytest.raises(RecordsNotReady, match=f"{encoding}.*need UTF8.*createdb --encoding=UTF8"):
        records.migrate()
    records.close()


def test_two_hosts_that_migrate_at_once_end_with_one_set_of_tables(bare_records, database_url):
    others = [Records(database_url) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        versions = [done[1] for done in pool.map(Records.migrate, others)]
    for one in others:
        one.close()

    assert versions == [tables.VERSION] * 3
    bare_records.check()


def test_keys_that_were_made_before_they_could_be_limited_go_on_to_open(bare_records, monkeypatch):
    monkeypatch.setattr(tables, "VERSION", "0005")
    bare_records.migrate()
    old = {"id": "1", "name": "crm", "scope": "write", "digest": b"1" * 32, "made_by": "tests"}
    with bare_records.database.writing() as connection:
        columns = [one for one in api_keys.c if one.name != "programs"]
        kept = table("api_keys", *(column(one.name, one.type) for one in columns))
        connection.execute(insert(kept).values(old | {"made_us": 1, "ends_us": 0}))
    monkeypatch.undo()
    migrating.migrate(bare_records.database)

    (key,) = bare_records.keys.all(2)
    assert (key.name, key.scope, key.programs) == ("crm", "write", ())
    bare_records.keys.add(replace(key, id="2", name="new", digest=b"2" * 32, programs=("a", "b")))
    assert [one.programs for one in bare_records.keys.all(2)] == [(), ("a", "b")]


def test_an_address_that_several_people_had_stays_with_whom_it_is_proven_of(
    bare_records, monkeypatch
):
    monkeypatch.setattr(tables, "VERSION", "0013")
    bare_records.migrate()
    people = [
        ("ana", "team@example.com", ""),
        ("ben", "Team@example.com", ""),
        ("cleo", "shared@example.com", "bound"),
        ("dan", "shared@example.com", ""),
        ("eve", "Eve@example.com", ""),
        ("finn", "", ""),
        ("gina", "", ""),
    ]
    with bare_records.database.writing() as connection:
        for name, email, subject in people:
            row = dict.fromkeys(("password_hash", "totp_secret", "recovery", "made_by"), "")
            row |= dict.fromkeys(("totp_step", "made_us", "ended_us", "failed"), 0)
            row |= {"id": name, "name": name, "folded": name, "role": "agent", "email": email}
            row |= {"subject": subject, "locked_until_us": 0}
            connection.execute(insert(operators).values(row))
    monkeypatch.undo()
    migrating.migrate(bare_records.database)

    found = {one.name: one.email for one in OperatorStorage(bare_records.database).all()}
    assert {name: email for name, email in found.items() if email} == {
        "cleo": "shared@example.com",
        "eve": "eve@example.com",
    }
    said = {one.operator: one for one in ActionLog(bare_records.database).newest("", 9)}
    assert sorted(said) == ["ana", "ben", "dan"]
    assert said["ana"].what == "e-mail address removed"
    assert "team@example.com was also given to ben." in said["ana"].note
    assert "shared@example.com was also given to cleo." in said["dan"].note
