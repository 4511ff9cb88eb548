"""Sends messages by Apprise: mail, Slack, PagerDuty and a hundred more, by the URL of each.

Apprise takes 55 MB and most of a second to load. So each message has a process of its own, which
gets the URL by standard input: other users of the machine can read arguments. Apprise's own pause
between two messages of a process, 5.5 s for many services, never comes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote

from pydantic import SecretStr

from smsgate.domain.errors import CallFailed

Kind: TypeAlias = Literal["failure", "warning", "success", "info"]
"""Words of Apprise, which services show by colour or urgency."""
TIMEOUT_S = 30.0
"""For one message."""
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    title: str
    body: str
    kind: Kind = "info"


def send(url: SecretStr, message: Message) -> str:
    """Send a message; return why it was not taken: in the words of Apprise, without secrets.

    The text is empty where it was taken.
    """
    given = json.dumps([url.get_secret_value(), message.title, message.body, message.kind])
    try:
        done = subprocess.run(
            [sys.executable, "-m", "smsgate.apprise_process"],
            input=given,
            capture_output=True,
            check=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"there was no answer within {TIMEOUT_S:g} s"
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        return f"the process that sends failed ({type(error).__name__})"
    problem = done.stdout
    for part in sorted(re.split(r"[/:@?&=#,]+", url.get_secret_value()), key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET and "." not in part:  # hosts help who reads it
            problem = problem.replace(part, "•••")
    return problem


def send_email(server: SecretStr, to: str, subject: str, text: str) -> None:
    """Send one e-mail to one address by a ``mailto`` URL. Raises ``CallFailed``."""
    sign = "&" if "?" in server.get_secret_value() else "?"
    url = SecretStr(f"{server.get_secret_value()}{sign}to={quote(to)}&format=text")
    if problem := send(url, Message(subject, text)):
        raise CallFailed(problem, left=True)
