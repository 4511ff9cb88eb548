"""Long streams of texts: answered by several processes as by one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from smsgate.pipeline.configuration import load_configuration
from tests.fakes.once import compiled_sets

LINES = [*[f'"text {at} stop please"' for at in range(2500)], "5", '"see you at six"', '"STOP"']
SCRIPT = """
import sys
from smsgate.cli.explain_stream import stream
from smsgate.cli.explain import classifier_of

classifier = classifier_of({"SMSGATE_CONFIG": sys.argv[1], "SMSGATE_DATA_DIR": sys.argv[1]}, "")
sys.exit(stream(sys.stdin.buffer, sys.stdout.buffer, classifier, "", int(sys.argv[2])))
"""
CONFIG = """
[accounts.twilio]
provider = "twilio"
[programs.alerts]
name = "Acme Alerts"
account = "twilio"
senders = ["*"]
keywords = ["en"]
region = "US"
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are made by forking")
def test_several_processes_answer_as_one_does_and_in_order(tmp_path, keyword_sets):
    (tmp_path / "smsgate.toml").write_text(CONFIG, "utf-8")
    load_configuration({"SMSGATE_CONFIG": str(tmp_path), "SMSGATE_DATA_DIR": str(tmp_path)})
    compiled_sets(keyword_sets, tmp_path)
    answers = []
    for processes in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", SCRIPT, str(tmp_path), processes],
            input="\n".join(LINES).encode(),
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, b"")
        answers.append([json.loads(line) for line in done.stdout.splitlines()])
    assert answers[0] == answers[1]
    assert [answer.get("intent", "error") for answer in answers[1][-3:]] == [
        "error", "none", "opt_out",
    ]  # fmt: skip
    assert len(answers[1]) == len(LINES)
