"""The evidence page as a PDF file, by WeasyPrint (see ``docs/decisions/0017-pdf.md``).

It is made in a process of its own: it takes some 40 ms of one core for each event, in which the
process that answers webhooks would do nothing else.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys

from smsgate.domain.errors import PdfUnavailable, Unfit

MAX_EVENTS = 500
TIMEOUT_S = 300
"""After which a machine is too busy to go on."""
_NOT_INSTALLED = 3


def pdf(html: str, event_count: int) -> bytes:
    """The page as PDF. It reads nothing but the page: no file, no address.

    Raises ``Unfit`` where it has more events than ``MAX_EVENTS``, ``PdfUnavailable`` where
    WeasyPrint or Pango is not installed, or the PDF could not be made.
    """
    if event_count > MAX_EVENTS:
        raise Unfit(
            f"A PDF has at most {MAX_EVENTS:,} events, and these are {event_count:,}: "
            "choose a shorter period, or the HTML page.",
            field="since",
        )
    if importlib.util.find_spec("weasyprint") is None:
        raise _not_installed()
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", __name__],
            input=html.encode(),
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise PdfUnavailable(
            f"The PDF was not ready after {TIMEOUT_S} s. Take the HTML page, which browsers print."
        ) from error
    if done.returncode == _NOT_INSTALLED:
        raise _not_installed()
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise PdfUnavailable(
            f"The PDF could not be made ({last}). Take the HTML page, which browsers print."
        )
    return done.stdout


def _not_installed() -> PdfUnavailable:
    return PdfUnavailable(
        "PDF files need WeasyPrint and Pango: pip install 'smsgate[pdf]', and on Debian "
        "apt install libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core. "
        "The HTML page has the same contents, and browsers print it."
    )


def _render() -> None:
    """Read the page from standard input, and write the PDF to standard output."""
    try:
        weasyprint = importlib.import_module("weasyprint")
    except (ImportError, OSError):  # OSError: Pango is not there
        sys.exit(_NOT_INSTALLED)
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    page = weasyprint.HTML(file_obj=sys.stdin.buffer, encoding="utf-8", url_fetcher=nothing)
    sys.stdout.buffer.write(page.write_pdf())


if __name__ == "__main__":
    _render()
