"""nginx in front of a server, with the limits of deploy/nginx.conf."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.processes import wait_until
from tests.fakes.served import ROOT, free_port, is_open

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
_SERVER_80 = re.compile(r"    server \{\n        listen 80;.*?\n    \}\n", re.DOTALL)


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    """Serve by plain HTTP on a port of the loopback, which is given, as deploy/nginx.conf says."""
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(_here((ROOT / "deploy/nginx.conf").read_text(), folder, port, upstream))
    assert NGINX
    command = [NGINX, "-p", str(folder), "-c", str(file), "-g", "daemon off;", "-e", "error.log"]
    with subprocess.Popen(command) as process:
        try:
            assert wait_until(lambda: is_open(port))
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _here(config: str, folder: Path, port: int, upstream: int) -> str:
    """Only addresses, paths and TLS differ from what is deployed."""
    config = _SERVER_80.sub("", config)
    config = re.sub(r"\n +ssl_certificate.*", "", config)
    config = config.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    config = config.replace("        server 127.0.0.1:8002 max_fails=0;\n", "")
    config = config.replace("server 127.0.0.1:8001 max_fails=0;", f"server 127.0.0.1:{upstream};")
    own = f"pid {folder}/nginx.pid;\n"
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return own + config.replace("http {\n", "http {\n" + temporary)
