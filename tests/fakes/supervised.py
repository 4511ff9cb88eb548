"""``python -m tests.fakes.supervised worker``: runs a process, and again whenever it ends.

As systemd and its like do: a worker that loses Redis in the middle of a job ends.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

PAUSE_S = 0.5
RUN = ("-m", "smsgate.cli", "run")


def main(*arguments: str) -> int:
    ending = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def end(*_: object) -> None:
        ending.set()
        for process in running:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    code = 0
    while not ending.is_set():
        running[:] = [subprocess.Popen([sys.executable, *RUN, *arguments])]
        if ending.is_set():
            end()
        code = running[0].wait()
        ending.wait(PAUSE_S)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
