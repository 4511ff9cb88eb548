"""The deployment guide, followed word for word on a machine that has never seen smsgate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smsgate import __version__
from tests.deploy import machine
from tests.deploy.guide import commands
from tests.deploy.machine import Machine

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(machine.missing()), reason=machine.missing()),
]
SOURCE = "/root/smsgate"
PREPARATION = """
mkdir -p /etc/ssl/sms.example.com
cd /etc/ssl/sms.example.com
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=sms.example.com \\
  -addext subjectAltName=DNS:sms.example.com -keyout privkey.pem -out fullchain.pem 2>/dev/null
cat fullchain.pem >> /etc/ssl/certs/ca-certificates.crt
echo 127.0.0.1 sms.example.com >> /etc/hosts
"""
"""What the guide leaves to its reader: a name that leads here, and a certificate for it."""
ENVIRON = {
    "DEBIAN_FRONTEND": "noninteractive",
    "REQUESTS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
}
PROVIDER = """
import collections, http.client, json, os, pathlib, requests, threading
from smsgate import Gate
from smsgate.domain.messages import InboundMessage
from smsgate.process.configuration import load_configuration
from smsgate.providers import PROVIDERS

url = "https://sms.example.com/webhooks/twilio"
account = load_configuration(os.environ).settings.accounts["twilio"]
end, seen, pause = pathlib.Path("/tmp/end"), collections.Counter(), threading.Event()
taken, log = [], open("/tmp/taken", "w", buffering=1)

def texts(thread):
    for place in range(100_000):
        if pause.wait(0.05) or end.exists():
            return
        id_, number = f"SM{thread:016x}{place:016x}", f"+1415{5_000_000 + thread * 10_000 + place}"
        message = InboundMessage(
            account="twilio", message_id=id_, number=number, sender="+12025550100", text="STOP"
        )
        asked = PROVIDERS["twilio"].inbound(message, account, url)
        try:
            answer = requests.post(url, data=asked.body, headers=dict(asked.headers), timeout=15)
            seen[str(answer.status_code)] += 1
            if answer.status_code == 200:
                taken.append(number)
                log.write(number + "\\n")
        except requests.RequestException as error:
            seen[type(error).__name__] += 1

threads = [threading.Thread(target=texts, args=(one,)) for one in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
gate = Gate.from_url(os.environ["REDIS_URL"])
lost = [number for number in taken if gate.allows(number, program="alerts")]
print(json.dumps({"seen": seen, "lost": lost}))
"""
"""Texts STOP from one number after the other, with a new connection for each, until told to end.

``/tmp/taken`` has a line for each that got a 200. At the end it asks the gate which of those may
still be texted.
"""


SIGNED_QUERY = """
url += "?a=%7Eb&&c=&d=%2F+e"
message = InboundMessage(
    account="twilio", message_id="SM" + "5" * 32, number="+14155550124", sender="+1", text="Hi"
)
asked = PROVIDERS["twilio"].inbound(message, account, url)
connection = http.client.HTTPSConnection("sms.example.com")  # which leaves the target as it is
target = asked.url.partition("sms.example.com")[2]
connection.request("POST", target, asked.body, dict(asked.headers))
print(connection.getresponse().status)
"""

OF_TWILIO = {"AC" + 32 * "0": "AC" + 32 * "5", "replace-me": "what-the-console-of-twilio-shows"}
"""What the reader writes in place of what the guide has."""


class Reader:
    """Types the guide's commands into one shell, as root, in the source."""

    def __init__(self, on: Machine) -> None:
        self.machine = on
        self.printed: list[str] = []
        on.run("touch /root/shell")

    def types(self, block: str) -> str:
        """One block of commands; each of them must succeed. Gives what they print."""
        installs = "apt-get" in block or "pip install" in block
        for placeholder, value in OF_TWILIO.items():
            block = block.replace(placeholder, value)
        script = f"""
. /root/shell
cd {SOURCE}
{block}
for name in HOST VERSION PREVIOUS REDIS_PASSWORD POSTGRES_PASSWORD; do
  test -z "${{!name:-}}" || declare -p $name
done > /root/shell
"""
        return self.machine.run(script, reaches_registries=installs, environ=ENVIRON, timeout_s=400)

    def follows(self, heading: str) -> list[str]:
        return [self.types(block) for block in commands(heading)]


def _check_the_steps(reader: Reader) -> None:
    """Each has succeeded; they lead to a smsgate without a problem."""
    checked, doctor, operator, subscriber = *reader.printed[6:7], *reader.printed[10:]
    assert "The configuration is in order" in checked
    assert {line.split()[0] for line in doctor.splitlines()} == {"ok"}
    assert "https://sms.example.com/console/password/" in operator
    assert "opted_out_all" in subscriber
    assert reader.machine.run("systemctl is-system-running").strip() == "running"


def _check_the_proxy(reader: Reader) -> None:
    """nginx ends TLS, keeps the query as it is, and limits bodies."""
    ask = "curl --silent --output /dev/null --write-out '%{http_code}'"
    assert reader.machine.run(f"{ask} http://sms.example.com/healthz") == "301"
    big = f"head -c 2000000 /dev/zero | {ask} --data-binary @- https://sms.example.com/v1/check"
    assert reader.machine.run(big) == "413"
    # A signature covers the query byte for byte, needless escapes and empty fields too.
    script = PROVIDER.partition("def texts")[0] + SIGNED_QUERY
    reader.machine.run(f"cat > /tmp/query.py <<'END'\n{script}\nEND")
    signed = "SMSGATE=/opt/smsgate/bin/python smsgate /tmp/query.py"
    assert reader.machine.run(signed, environ=ENVIRON).strip() == "200"


def _check_the_sandbox(reader: Reader) -> None:
    """A process can write its data directory and nothing else: a shell in its namespaces tries."""
    script = """
    main=$(systemctl show --property MainPID --value smsgate-web@8001)
    grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/$main/status
    for place in /etc /etc/smsgate /opt/smsgate /usr /var/lib /var/lib/smsgate /tmp; do
      nsenter --target $main --mount setpriv --reuid=smsgate --regid=smsgate --clear-groups \\
        touch $place/probe 2>/dev/null && echo "writes to $place"
    done
    true
    """
    said = reader.machine.run(script).splitlines()
    assert [line.split()[1] for line in said[:3]] == ["0" * 16, "1", "2"]
    assert said[3:] == ["writes to /var/lib/smsgate", "writes to /tmp"]


def _check_the_restart(reader: Reader) -> None:
    """No text is refused meanwhile, and each one that was taken blocks its number."""
    reader.machine.run(
        f"rm -f /tmp/end /tmp/taken; cat > /tmp/provider.py <<'END'\n{PROVIDER}\nEND"
    )
    (restart,) = commands("Restart without a gap")
    said = reader.types(f"""
taken() {{ cat /tmp/taken 2>/dev/null | wc -l; }}
fifty_more() {{ goal=$(($(taken) + 50)); until test $(taken) -ge $goal; do sleep 0.1; done; }}
SMSGATE=/opt/smsgate/bin/python smsgate /tmp/provider.py > /tmp/seen &
fifty_more
{restart}
fifty_more
touch /tmp/end
wait
cat /tmp/seen
""")
    found = json.loads(said.splitlines()[-1])
    assert found["lost"] == []
    seen = found["seen"]
    # A connection that nginx kept may be closed by the one that ends: Twilio tries that again.
    assert sum(seen.values()) - seen["200"] <= 1, seen


def _check_upgrade_and_roll_back(reader: Reader) -> None:
    """No opt-out is lost, although the records are put back as they were before the upgrade."""
    (restart,) = commands("Restart without a gap")
    numbers = {"Upgrade": "+14155550201", "Roll back": "+14155550202"}
    reader.machine.run(
        f"sed -i 's/^__version__ = .*/__version__ = \"9.0.0\"/' {SOURCE}/smsgate/__init__.py"
    )
    for heading, version in (("Upgrade", "9.0.0"), ("Roll back", __version__)):
        reader.follows(heading)
        reader.types(restart)
        runs = "tr '\\0' ' ' < /proc/$(systemctl show -P MainPID smsgate-web@8001)/cmdline"
        assert f"/opt/smsgate-{version}/bin" in reader.machine.run(runs)
        reader.types(f"smsgate text Stop --from {numbers[heading]}; sleep 6; smsgate doctor")
    for number in ("+14155550123", *numbers.values()):
        reader.types(f"smsgate check {number} --program alerts || test $? = 1")
    assert "equal" in reader.types("smsgate records verify; smsgate records diff")


def test_a_reader_who_follows_the_guide_word_for_word_runs_smsgate(tmp_path: Path) -> None:
    """In one test, since its machine takes a minute to install."""
    with Machine(tmp_path) as fresh:
        fresh.unpack_source(SOURCE)
        fresh.run(PREPARATION)
        reader = Reader(fresh)
        reader.printed = reader.follows("One host, step by step")
        _check_the_steps(reader)
        _check_the_proxy(reader)
        _check_the_sandbox(reader)
        _check_the_restart(reader)
        _check_upgrade_and_roll_back(reader)
