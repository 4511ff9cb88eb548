"""What a STOP takes: bytes of Redis's append-only file, of its memory, and of the records.

    python -m bench.sizes [--texts 5000] [--json]

One process does what web, worker, sender and clock do: as many numbers text STOP, each is accepted,
applied, confirmed and recorded. Redis runs with ``appendfsync always`` and rewrites nothing in the
meantime; its memory is that of the 48 hours in which it remembers a number's state and message. The
records are in PostgreSQL, where there is one, and in SQLite.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.messages import InboundMessage
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services, build_services
from smsgate.providers import PROVIDERS
from smsgate.store.keys import PARTITIONS
from tests.fakes.twilio_api import TwilioApi
from tests.journey.system import CONFIG, SID, TOKEN
from tests.records import postgresql

URL = "https://sms.example.com"


@contextmanager
def records_url(folder: Path, groups: ProcessGroups) -> Iterator[str]:
    """PostgreSQL of the run's own, else SQLite."""
    programs = postgresql.programs()
    if programs is None:
        yield f"sqlite:///{folder / 'records.sqlite3'}"
        return
    with postgresql.server(programs, groups) as url:
        yield url


def size_of_records(services: Services) -> int:
    """Bytes of the database, its indexes included."""
    database = services.records.database
    if database.file is not None:
        with database.writing() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        return database.file.stat().st_size
    with database.reading() as connection:
        size = text("SELECT pg_database_size(current_database())")
        return int(connection.execute(size).scalar_one())


def opt_out(services: Services, count: int) -> None:
    """Texts of as many numbers, from the webhook to the records."""
    account = services.settings.accounts["twilio"]
    for place in range(count):
        message = InboundMessage(
            account="twilio",
            message_id=f"SM{place:032x}",
            number=f"+1415{5_000_000 + place}",
            sender="+14155550999",
            text="STOP",
        )
        request = PROVIDERS["twilio"].inbound(message, account, f"{URL}/webhooks/twilio")
        services.ingest.receive("twilio", request)
    for partition in range(PARTITIONS):
        services.applier.drain(partition)
    for partition in range(PARTITIONS):
        services.sender.drain(partition, 30)
    services.archiver.move_all()


def measured(folder: Path, groups: ProcessGroups, count: int) -> dict[str, float]:
    """Bytes for each STOP."""
    server = redis_server.start(folder / "redis", groups)
    client = redis.Redis.from_url(server.url)
    client.config_set("auto-aof-rewrite-percentage", 0)
    (folder / "config").mkdir()
    with TwilioApi({SID: TOKEN}) as api, records_url(folder, groups) as records:
        (folder / "config/smsgate.toml").write_text(CONFIG % api.url)
        environ = {
            "SMSGATE_CONFIG": str(folder / "config"),
            "SMSGATE_DATA_DIR": str(folder / "var"),
            "SMSGATE_PUBLIC_URL": URL,
            "REDIS_URL": server.url,
            "DATABASE_URL": records,
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
        }
        services = build_services(load_configuration(environ))
        services.records.migrate()
        services.store.metadata.create()
        publish_programs(services.settings, services.store)
        before = _sizes(client, folder), size_of_records(services)
        opt_out(services, count)
        after = _sizes(client, folder), size_of_records(services)
        kind = "SQLite" if services.records.database.file else "PostgreSQL"
        services.close()
    groups.end(server.process)
    file, memory = (after[0][at] - before[0][at] for at in (0, 1))
    return {
        "append-only file, a STOP": file / count,
        "memory of Redis for 48 hours, a STOP": memory / count,
        f"records in {kind}, a STOP with its reply": (after[1] - before[1]) / count,
        "replies sent": len(api.sent) / count,
    }


def _sizes(client: redis.Redis, folder: Path) -> tuple[int, int]:
    files = (folder / "redis/appendonlydir").iterdir()
    return sum(one.stat().st_size for one in files), int(client.info("memory")["used_memory"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizes", description=__doc__)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ProcessGroups() as groups:
        found = measured(Path(folder), groups, given.texts)
    if given.json:
        print(json.dumps(found))
        return
    table = Table("what", "bytes", title=f"{given.texts:,} numbers that text STOP")
    for name, figure in found.items():
        table.add_row(name, f"{figure:,.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
