"""gammu-smsd from Debian with a dummy telephone, through the provider ``form``.

It hands texts over by a script (``RunOnReceive``) and has no HTTP interface for replies: a few
lines here take them and call ``gammu-smsd-inject``, as an operator's own script would.
"""

from __future__ import annotations

import http.server
import json
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.processes import wait_until
from tests.fakes.served import free_port
from tests.gateways.conftest import SECRET, Site, make_site, program, required, running
from tests.gateways.journeys import (
    OPT_OUTS,
    OptOut,
    opts_out_and_in_again,
    opts_out_while_smsgate_is_away,
)
from tests.gateways.sms_centre import OURS, UCS2

pytestmark = [pytest.mark.gateways, pytest.mark.timeout(180)]
RECEIVE = Path(__file__).with_name("gammu_receive.sh")
_ACCOUNT = """
provider = "form"
secret   = "{secret}"
send_url = "http://127.0.0.1:{send_port}/"
"""
_GAMMU = """
[gammu]
model = dummy
connection = none
port = {folder}/phone

[smsd]
service = files
logfile = {folder}/smsd.log
inboxpath = {folder}/inbox/
outboxpath = {folder}/outbox/
sentsmspath = {folder}/sent/
errorsmspath = {folder}/error/
inboxformat = unicode
RunOnReceive = {receive}
CommTimeout = 1
ReceiveFrequency = 1
LoopSleep = 1
CheckSecurity = 0
MultipartTimeout = 2
"""


class Sent:
    """What the telephone sent to the subscriber: files that gammu-smsd moves when they are out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[Path] = set()

    def get(self, timeout: float) -> tuple[str, int]:
        """The next text, and in how many parts it went."""
        if not wait_until(lambda: bool(self._new()), timeout):
            raise queue.Empty
        file = self._new()[0]
        self._seen.add(file)
        parts: dict[str, str] = {}
        for part in file.read_text(errors="replace").split("[SMSBackup")[1:]:
            units = "".join(re.findall(r"^Text\d\d = (\w+)", part, re.MULTILINE))
            parts[part[:3]] = bytes.fromhex(units).decode("utf-16-be")
        return "".join(text for _, text in sorted(parts.items())), len(parts)

    def empty(self) -> bool:
        """Whether everything was fetched."""
        return not self._new()

    def _new(self) -> list[Path]:
        return sorted(set(self._folder.iterdir()) - self._seen)


@dataclass
class Telephone:
    """A dummy telephone of gammu's, in the place of an SMS centre."""

    config: Path
    received: Sent
    phone: str = ""

    def text(self, text: str, coding: int = 0, *, parts: int = 1) -> None:
        """Put a text that has arrived into the telephone; gammu cuts it into parts by itself."""
        unicode = ["-unicode"] if coding == UCS2 else []
        command = ["gammu", "-c", str(self.config), "savesms", "TEXT", "-folder", "1", "-unread"]
        command += ["-sender", f"+{self.phone}", "-autolen", "600", *unicode, "-text", text]
        subprocess.run(command, check=True, capture_output=True, timeout=20)
        assert parts < 10

    def is_bound(self) -> bool:
        """There is nothing to bind to."""
        return True

    def close(self) -> None:
        """There is nothing to hang up."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A dummy telephone, gammu-smsd and smsgate."""
    smsd = required(shutil.which("gammu-smsd"), "gammu gammu-smsd curl")
    required(shutil.which("gammu"), "gammu gammu-smsd curl")
    required(shutil.which("curl"), "gammu gammu-smsd curl")
    folder = tmp_path_factory.mktemp("gammu")
    for name in ("phone", "inbox", "outbox", "sent", "error"):
        (folder / name).mkdir()
    config = folder / "smsdrc"
    config.write_text(_GAMMU.format(folder=folder, receive=RECEIVE))
    send_port = free_port()
    made = make_site(folder, _ACCOUNT.format(secret=SECRET, send_port=send_port))
    made.centre.close()
    made.centre = Telephone(config, Sent(folder / "sent"))  # type: ignore[assignment]
    environ = {
        "SMSGATE_SENDER": f"+{OURS}",
        "SMSGATE_WEBHOOK": f"http://127.0.0.1:{made.dev.port}/webhooks/gateway/{SECRET}",
    }

    def start(stack: ExitStack) -> None:
        stack.enter_context(_Injecting(config, send_port))
        stack.enter_context(program([smsd, "-c", config], folder / "smsd.out", environ))

    with running(made, start):
        yield made


class _Injecting:
    """Takes replies as ``form`` posts them, and lets gammu-smsd send them."""

    def __init__(self, config: Path, port: int) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                reply = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                command = ["gammu-smsd-inject", "-c", str(config), "TEXT", reply["to"]]
                command += ["-autolen", "600", "-unicode", "-text", reply["text"]]
                subprocess.run(command, check=True, capture_output=True, timeout=20)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)

    def __enter__(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize("given", OPT_OUTS, ids=lambda one: one.name)
def test_a_telephone_opts_out_and_in_again(site: Site, given: OptOut) -> None:
    opts_out_and_in_again(site, given)


def test_a_text_waits_at_gammu_while_smsgate_is_away(site: Site) -> None:
    opts_out_while_smsgate_is_away(site)
