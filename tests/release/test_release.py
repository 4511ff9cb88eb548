"""What ``make release`` makes of the changelog, and a whole release in a copy of the project."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A thing.

### Upgrade notes

- Do this.

## [0.2.0] - 2026-01-01

- Old.
"""
PAGE = "# Upgrade notes\n\nRead them.\n\n## 0.2.0\n\n- Older.\n"


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci/release.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_unreleased_gets_version_and_date(release) -> None:
    text, entries, notes = release.dated(CHANGELOG, "0.3.0", "2026-02-03")
    assert notes == "- Do this."
    assert entries.startswith("### Added\n\n- A thing.")
    assert "[the notes of 0.3.0](docs/upgrading.md#030)" in entries
    assert text == (
        f"# Changelog\n\n## [Unreleased]\n\n## [0.3.0] - 2026-02-03\n\n{entries}\n"
        "\n## [0.2.0] - 2026-01-01\n\n- Old.\n"
    )


def test_a_first_release_has_no_older_section(release) -> None:
    text, *_ = release.dated("# C\n\n## [Unreleased]\n\n- All.\n", "0.2.0", "2026-02-03")
    assert text == "# C\n\n## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\n- All.\n"


def test_the_notes_come_before_those_of_older_versions(release) -> None:
    page = release.noted(PAGE, "0.3.0", "- Do this.")
    assert page == (
        "# Upgrade notes\n\nRead them.\n\n## 0.3.0\n\n- Do this.\n\n## 0.2.0\n\n- Older.\n"
    )
    first = release.noted("# Upgrade notes\n", "0.3.0", "- Do this.")
    assert first == "# Upgrade notes\n\n## 0.3.0\n\n- Do this.\n"
    assert release.noted(PAGE, "0.3.0", "") == PAGE


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("0.3", "three numbers"),
        ("v0.3.0", "three numbers"),
        ("", "three numbers"),
        ("0.2.0", "must be above"),
        ("0.1.9", "must be above"),
    ],
)
def test_a_version_that_cannot_follow_is_refused(release, version: str, why: str) -> None:
    with pytest.raises(release.NotReleased, match=why):
        release.dated(CHANGELOG, version, "2026-02-03")


def test_nothing_is_released_without_an_entry(release) -> None:
    empty = CHANGELOG.replace("- A thing.\n", "").replace("- Do this.\n", "")
    with pytest.raises(release.NotReleased, match="no entry"):
        release.dated(empty, "0.3.0", "2026-02-03")


def test_the_next_release_of_this_changelog_can_be_made(release) -> None:
    # Right after a release nothing is unreleased.
    changelog = (ROOT / "CHANGELOG.md").read_text()
    changelog = changelog.replace(release.UNRELEASED, f"{release.UNRELEASED}\n- One thing more.\n")
    text, entries, _ = release.dated(changelog, "9.0.0", "2026-02-03")
    assert "## [9.0.0] - 2026-02-03" in text
    assert entries


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Release Test", "-c", "user.email=release@test.example"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.full
@pytest.mark.timeout(400)
@pytest.mark.skipif(not shutil.which("git"), reason="there is no git here")
def test_a_release_is_a_commit_a_wheel_that_works_and_the_text_of_a_tag(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    git(tmp_path, "init", "--quiet", str(copy))
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    (copy / "CHANGELOG.md").write_text(CHANGELOG)
    git(copy, "config", "user.name", "Release Test")
    git(copy, "config", "user.email", "release@test.example")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "all")

    def make(version: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, ".ci/release.py", version]
        return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)

    assert "was not tested" in make("9.0.0").stderr
    (copy / "build").mkdir()
    (copy / "build/tested").write_text(git(copy, "rev-parse", "HEAD"))
    (copy / "README.md").write_text("changed")
    assert "README.md" in make("9.0.0").stderr
    git(copy, "checkout", "README.md")

    done = make("9.0.0")
    assert done.returncode == 0, done.stderr
    assert git(copy, "status", "--porcelain") == ""
    subjects = git(copy, "log", "-2", "--format=%s").splitlines()
    assert subjects == ["release: go on as 9.1.0.dev0", "release: 9.0.0"]
    assert {path.suffix for path in (copy / "dist").iterdir()} == {".whl", ".gz", ".txt"}
    (tag,) = (line for line in done.stdout.splitlines() if "git tag" in line)
    git(copy, *tag.split()[1:])
    assert git(copy, "log", "-1", "--format=%s", "v9.0.0^{commit}") == "release: 9.0.0"
    assert "### Added" in git(copy, "tag", "--list", "--format=%(contents)", "v9.0.0")
    for manifest in ("kustomization.yaml", "migrate.yaml"):
        assert "9.0.0" in (copy / "deploy/kubernetes" / manifest).read_text()
    assert "## 9.0.0" in (copy / "docs/upgrading.md").read_text()
