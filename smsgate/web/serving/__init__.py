"""The server: HTTP/1.1 from connections to the doors and back.

One thread of a process reads all connections, and answers webhooks itself; everything else is a
WSGI application's, which runs in threads of its own. A general server hands each request from
thread to thread several times, which costs more than verifying and storing a message.
"""

from __future__ import annotations

from smsgate.web.serving.parsing import Limits
from smsgate.web.serving.process import Application, serve_until_told

__all__ = ["Application", "Limits", "serve_until_told"]
