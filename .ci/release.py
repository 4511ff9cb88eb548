"""``make release VERSION=0.3.0``: everything of a release but pushing it.

It checks that the tree is clean and tested, dates the CHANGELOG's section, moves its upgrade notes
to docs/upgrading.md, sets the version, commits, builds sdist and wheel, tries the wheel in an
environment of its own, and writes the text of the tag. What goes wrong leaves the tree as it was.
"""

from __future__ import annotations

import argparse
import datetime
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).parents[1]
TESTED = ROOT / "build/tested"
"""The commit that ``.ci/run`` passed for."""
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
UNRELEASED = "## [Unreleased]\n"
NOTES = "### Upgrade notes\n"
IN_SOURCE = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
IN_KUBERNETES = re.compile(r'(newTag: "|registry\.example\.com/smsgate:)\d+\.\d+\.\d+')


class NotReleased(Exception):
    """Why there can be no release; the text says what would be right."""


def number(version: str) -> tuple[int, ...]:
    """The three numbers of a version. Raises ``NotReleased`` where it has not three."""
    if not VERSION.fullmatch(version):
        raise NotReleased(f"VERSION={version}: give three numbers, such as 0.3.0")
    return tuple(map(int, version.split(".")))


def dated(changelog: str, version: str, date: str) -> tuple[str, str, str]:
    """The changelog with what is unreleased under the version and the date.

    Gives it, the new section without its upgrade notes, and these. Raises ``NotReleased`` where
    the version is no newer than the last one, or nothing is unreleased.
    """
    released = re.findall(r"^## \[([\d.]+)\]", changelog, re.MULTILINE)
    if released and number(version) <= number(released[0]):
        raise NotReleased(f"{released[0]} is released: VERSION must be above it")
    before, _, rest = changelog.partition(UNRELEASED)
    section, mark, after = rest.partition("\n## [")
    if not re.search(r"^- ", section, re.MULTILINE):
        raise NotReleased(
            "CHANGELOG.md has no entry under [Unreleased]: there is nothing to release"
        )
    entries, _, notes = section.partition(NOTES)
    entries, notes = entries.strip(), notes.strip()
    if notes:
        link = f"docs/upgrading.md#{version.replace('.', '')}"
        entries += f"\n\n{NOTES}\nBefore you update, read [the notes of {version}]({link})."
    dated_section = f"## [{version}] - {date}\n\n{entries}\n"
    return f"{before}{UNRELEASED}\n{dated_section}{mark}{after}", entries, notes


def noted(upgrading: str, version: str, notes: str) -> str:
    """The page of upgrade notes with those of the version before the older ones."""
    if not notes:
        return upgrading
    head, mark, older = upgrading.partition("\n## ")
    section = f"\n## {version}\n\n{notes}\n"
    return f"{head.rstrip()}\n{section}" + (f"\n## {older}" if mark else "")


def refuse_unfit() -> None:
    """Raise ``NotReleased`` unless the tree is clean and its commit has passed ``.ci/run``."""
    if changed := _output("git", "status", "--porcelain"):
        raise NotReleased(f"commit or remove these first:\n{changed}")
    commit = _output("git", "rev-parse", "HEAD")
    if not TESTED.is_file() or TESTED.read_text().strip() != commit:
        raise NotReleased(f"commit {commit[:8]} was not tested: run .ci/run")


def write_version(version: str) -> None:
    """Set the version in the source."""
    source = ROOT / "smsgate/__init__.py"
    text, found = IN_SOURCE.subn(f'__version__ = "{version}"', source.read_text())
    if not found:
        raise NotReleased(f"{source.relative_to(ROOT)} has no line `__version__ = …`")
    source.write_text(text)


def write_manifests(version: str) -> None:
    """Let the manifests of Kubernetes name the image of the version."""
    for name in ("kustomization.yaml", "migrate.yaml"):
        manifest = ROOT / "deploy/kubernetes" / name
        manifest.write_text(IN_KUBERNETES.sub(rf"\g<1>{version}", manifest.read_text()))


def following(version: str) -> str:
    """The version of the source until the next release: 0.4.0.dev0 after 0.3.1."""
    major, minor, _ = number(version)
    return f"{major}.{minor + 1}.0.dev0"


def build(folder: Path) -> tuple[Path, Path]:
    """Build the wheel and the sdist into a folder; gives them."""
    shutil.rmtree(folder, ignore_errors=True)
    _output(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def try_wheel(wheel: Path, version: str) -> None:
    """Install the wheel where nothing else is, and let a STOP block a number there."""
    with tempfile.TemporaryDirectory(prefix="smsgate-release-") as name:
        folder = Path(name)
        _output(sys.executable, "-m", "venv", str(folder / "venv"))
        pip = [str(folder / "venv/bin/python"), "-m", "pip", "--quiet"]
        constraints = str(ROOT / "config/constraints.txt")
        _output(*pip, "install", "--constraint", constraints, f"{wheel}[dev]")
        _output(*pip, "check")
        smsgate = str(folder / "venv/bin/smsgate")
        said = _output(smsgate, "--version")
        if version not in said:
            raise NotReleased(f"the wheel says {said!r} and not {version}")
        _try_dev(smsgate, folder)


def _try_dev(smsgate: str, folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [smsgate, "dev", "--port", str(port)]
    log = (folder / "dev.log").open("w")
    with log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz", 60)
            _output(smsgate, "text", "Stop.", "--from", "+14155550123", cwd=folder)
            check = [smsgate, "check", "+14155550123", "--program", "alerts"]
            code = subprocess.run(check, cwd=folder, check=False, stdout=log).returncode
        finally:
            process.terminate()
            process.wait(30)
    if code != 1:
        raise NotReleased(f"a STOP blocked nobody:\n{(folder / 'dev.log').read_text()}")


def _wait_for(url: str, seconds: float) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            sleep(0.2)
        else:
            return
    raise NotReleased(f"{url} did not answer within {seconds:.0f} s")


def _commit(subject: str, body: str) -> None:
    _output("git", "commit", "--quiet", "--all", "--message", subject, "--message", body)


def _output(*command: str, cwd: Path = ROOT) -> str:
    """What a command prints. Raises ``NotReleased`` where it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReleased(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}".strip())
    return done.stdout.strip()


def release(version: str, date: str, say: Callable[[str], object]) -> None:
    """Do all of it. Raises ``NotReleased``, with the tree as it was."""
    number(version)
    refuse_unfit()
    changelog, upgrading = ROOT / "CHANGELOG.md", ROOT / "docs/upgrading.md"
    text, entries, notes = dated(changelog.read_text(), version, date)
    try:
        changelog.write_text(text)
        upgrading.write_text(noted(upgrading.read_text(), version, notes))
        write_version(version)
        write_manifests(version)
        _commit(f"release: {version}", "Its wheel was tried in an environment of its own.")
    except BaseException:
        _output("git", "checkout", "--quiet", "--", ".")
        raise
    try:
        wheel, sdist = build(ROOT / "dist")
        say(f"Built {wheel.name} and {sdist.name}.")
        try_wheel(wheel, version)
    except BaseException:
        _output("git", "reset", "--quiet", "--hard", "HEAD~1")
        raise
    tag = ROOT / f"dist/v{version}.txt"
    tag.write_text(f"smsgate {version}\n\n{entries}\n")
    commit = _output("git", "rev-parse", "--short", "HEAD")
    write_version(following(version))
    _commit(f"release: go on as {following(version)}", "So that no later build takes its name.")
    file = tag.relative_to(ROOT)
    say(f"Committed as {commit}. To publish it:")
    say(f"  git tag --annotate v{version} --cleanup whitespace --file {file} {commit}")
    say(f"  git push origin main v{version}")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("version")
    given = parser.parse_args()
    try:
        release(given.version, datetime.datetime.now(datetime.UTC).date().isoformat(), print)
    except NotReleased as error:
        sys.stderr.write(f"no release: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
