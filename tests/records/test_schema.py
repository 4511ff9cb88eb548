"""The tables: made by migrations, of one version, and refused where they are of another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from smsgate.domain.errors import RecordsNotReady
from smsgate.records import Records, migrations, tables
from smsgate.records.tables import metadata
from tests.records.values import event, lines


@pytest.fixture(autouse=True)
def really(migrate_really, monkeypatch):
    monkeypatch.setattr(migrations, "migrate", migrate_really)


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


def test_without_tables_the_command_that_makes_them_is_named(bare_records, database_url):
    if database_url.startswith("sqlite"):
        with bare_records.database.writing(make=True):
            pass  # an empty file
    with pytest.raises(RecordsNotReady, match=r"no tables.*smsgate records migrate"):
        bare_records.writer.keep({0: lines(event(1))})
    with pytest.raises(RecordsNotReady, match="smsgate records migrate"):
        bare_records.check()


def test_tables_of_another_version_are_neither_read_nor_written(records):
    with records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE records_version SET version_num = '9999'")
    said = "9999, made by another smsgate.*: run that smsgate, or a newer one"
    for call in (records.reader.count_events, records.migrate):
        with pytest.raises(RecordsNotReady, match=said):
            call()
    with pytest.raises(RecordsNotReady, match=said):
        records.writer.keep({0: lines(event(1))})


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


@pytest.mark.parametrize("version", ["0001", "0015"])
def test_tables_of_0_1_and_0_2_are_refused_in_one_sentence_and_not_changed(records, version):
    with records.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE records_version SET version_num = '{version}'")
    for call in (records.check, records.migrate, records.reader.count_events):
        with pytest.raises(RecordsNotReady, match=r"0\.1 or 0\.2.*nothing was changed.*upgrading"):
            call()
