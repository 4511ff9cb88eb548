"""A key or a token that can be guessed is a fault at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.domain.errors import ConfigurationError, Fault
from smsgate.process.configuration import load_settings

HOW = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
STRONG = "Zs4kq8Vb2mXw7Ry1Tn5cJd"


def faults_of(folder: Path, **environ: str) -> tuple[Fault, ...]:
    """What is wrong with an empty configuration in the folder and these variables."""
    (folder / "smsgate.toml").write_text("")
    try:
        load_settings({"SMSGATE_CONFIG": str(folder), **environ})
    except ConfigurationError as error:
        return error.faults
    return ()


@pytest.mark.parametrize(
    "name", ["SMSGATE_API_KEYS", "SMSGATE_SECRET_KEYS", "SMSGATE_METRICS_KEYS"]
)
@pytest.mark.parametrize("secret", ["hunter2", "7" * 200])
def test_a_weak_key_is_a_fault_that_says_how_to_make_one(
    tmp_path: Path, name: str, secret: str
) -> None:
    faults = faults_of(tmp_path, **{name: secret})
    assert [(fault.place, fault.key) for fault in faults] == [("environment", name)]
    assert faults[0].problem.startswith("can be guessed: it must have 128 random bits")
    assert HOW in faults[0].problem
    assert secret not in str(faults[0])


def test_of_several_the_weak_one_is_told_by_its_place(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, SMSGATE_API_KEYS=f"{STRONG}, hunter2, {STRONG}")
    assert faults[0].problem.startswith("number 2 of 3 can be guessed")


def test_a_weak_key_in_a_file_is_a_fault_as_well(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("hunter2\n")
    faults = faults_of(tmp_path, SMSGATE_SECRET_KEYS_FILE=str(tmp_path / "keys"))
    assert [fault.key for fault in faults] == ["SMSGATE_SECRET_KEYS"]


def test_weak_keys_and_tokens_are_told_with_all_other_faults(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        PORT="x",
        SMSGATE_METRICS_KEYS="a",
        SMSGATE_SIMULATOR_TOKEN="hunter2",
        SMSGATE_SIMULATOR_URL="http://127.0.0.1:1",
    )
    assert {fault.key for fault in faults} == {
        "PORT",
        "SMSGATE_METRICS_KEYS",
        "SMSGATE_SIMULATOR_TOKEN",
    }
    assert "hunter2" not in str(faults)


def test_strong_keys_are_no_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path, SMSGATE_API_KEYS=f"{STRONG},{STRONG}") == ()


@pytest.mark.parametrize("given", ["SMSGATE_SIMULATOR_TOKEN", "SMSGATE_SIMULATOR_URL"])
def test_the_simulator_needs_both_of_its_variables(tmp_path: Path, given: str) -> None:
    faults = faults_of(tmp_path, **{given: "hunter2"})
    assert [(one.place, one.key, one.problem) for one in faults] == [
        (
            "environment",
            "SMSGATE_SIMULATOR_URL",
            "needs SMSGATE_SIMULATOR_TOKEN as well as the URL",
        )
    ]
