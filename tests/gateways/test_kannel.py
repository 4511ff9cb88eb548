"""Kannel from Debian: bearerbox and smsbox, bound to an SMS centre by SMPP, and its fake one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.processes import wait_until
from tests.fakes.served import ROOT, free_port, is_open
from tests.gateways.conftest import SECRET, Site, make_site, program, required, running
from tests.gateways.journeys import (
    OPT_OUTS,
    OptOut,
    opts_out_and_in_again,
    opts_out_while_smsgate_is_away,
)
from tests.gateways.sms_centre import OURS

pytestmark = [pytest.mark.gateways, pytest.mark.timeout(180)]
OTHER_PHONE = "14155550199"
"""Of the subscriber behind Kannel's fake SMS centre."""
FAKE_CENTRE = Path("/usr/lib/kannel/test/fakesmsc")
_ACCOUNT = """
provider = "kannel"
secret   = "{secret}"
send_url = "http://127.0.0.1:{send_port}/cgi-bin/sendsms"
username = "smsgate"
password = "password"
"""
_PAGE = ROOT / "docs" / "providers" / "kannel.md"
_SMSBOX = "group = smsbox\nbearerbox-host = 127.0.0.1\n"
_RETRIES_IN_FIVE_MINUTES = 30
"""With the page's `http-queue-delay`."""
_KANNEL = """
group = core
admin-port = {admin_port}
admin-password = password
smsbox-port = {box_port}
log-file = "{folder}/bearerbox-of-kannel.log"
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = centre
host = 127.0.0.1
port = {centre_port}
smsc-username = smsgate
smsc-password = password
system-type = ""
transceiver-mode = true
reconnect-delay = 1
denied-prefix = "{other};+{other}"

group = smsc
smsc = fake
smsc-id = fake
port = {fake_port}
connect-allow-ip = 127.0.0.1
allowed-prefix = "{other};+{other}"
"""


def _groups_of_the_page(web_port: int, send_port: int) -> str:
    """What docs/providers/kannel.md has in ``kannel.conf``, with our ports and secrets in it."""
    (block,) = re.findall(r"```\n( *group = smsbox\n.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    address = f"http://127.0.0.1:{web_port}/webhooks/gateway/{SECRET}"
    for theirs, ours in (
        ("group = smsbox\n", f"{_SMSBOX}sendsms-port = {send_port}\n"),
        ("https://sms.example.com/webhooks/kannel/THE-SECRET", address),
        ("password = …", "password = password"),
    ):
        assert block.count(theirs) == 1, theirs
        block = block.replace(theirs, ours)
    return "\n" + "".join(f"{line.strip()}\n" for line in block.splitlines())


@pytest.fixture(scope="module")
def kannel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, int]]:
    """The site, and the port of Kannel's fake SMS centre."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    bearerbox = required(shutil.which("bearerbox", path=path), "kannel kannel-extras")
    smsbox = required(shutil.which("smsbox", path=path), "kannel kannel-extras")
    folder = tmp_path_factory.mktemp("kannel")
    send_port, box_port, fake_port = free_port(), free_port(), free_port()
    site = make_site(folder, _ACCOUNT.format(secret=SECRET, send_port=send_port))
    conf = folder / "kannel.conf"
    conf.write_text(
        _KANNEL.format(
            admin_port=free_port(),
            box_port=box_port,
            centre_port=site.centre.port,
            fake_port=fake_port,
            folder=folder,
            other=OTHER_PHONE,
        )
        + _groups_of_the_page(site.dev.port, send_port)
    )

    def start(stack: ExitStack) -> None:
        stack.enter_context(program([bearerbox, conf], folder / "bearerbox.log"))
        assert wait_until(lambda: is_open(box_port))
        stack.enter_context(program([smsbox, conf], folder / "smsbox.log"))
        assert wait_until(lambda: is_open(send_port))

    with running(site, start):
        yield site, fake_port


@pytest.mark.parametrize("given", OPT_OUTS, ids=lambda one: one.name)
def test_a_telephone_opts_out_and_in_again(kannel: tuple[Site, int], given: OptOut) -> None:
    opts_out_and_in_again(kannel[0], given)


@pytest.mark.timeout(600)
def test_a_text_waits_at_kannel_while_smsgate_is_away_for_five_minutes(
    kannel: tuple[Site, int],
) -> None:
    """They are real ones, as nothing on the page is left out: so many does Kannel try again."""
    log = kannel[0].dev.directory.with_name("smsbox.log")
    tries = re.compile(rf"HTTP: Retrying request .*\({_RETRIES_IN_FIVE_MINUTES}/".encode())
    opts_out_while_smsgate_is_away(
        kannel[0], lambda: wait_until(lambda: bool(tries.search(log.read_bytes())), 450)
    )


def test_kannels_own_fake_centre_gets_the_confirmation(
    kannel: tuple[Site, int], tmp_path: Path
) -> None:
    text = f"{OTHER_PHONE} {OURS} text STOP"
    command = [FAKE_CENTRE, "-H", "127.0.0.1", "-r", kannel[1], "-m", "1", text]
    log = tmp_path / "fakesmsc.log"
    with program([str(part) for part in command], log):
        assert wait_until(lambda: b"unsubscribed" in log.read_bytes(), 30), log.read_text()
