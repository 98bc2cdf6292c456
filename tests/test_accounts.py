"""The file of accounts: hashes that only the owner reads, and the commands that keep it."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatbot.errors import AccountsBroken, InputError
from chatbot.serving import Accounts

PASSWORD = "correct horse"


def test_accounts_are_kept_as_hashes_that_only_the_owner_reads(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "new" / "accounts.json")
    assert accounts.set("ann", PASSWORD)
    assert not accounts.set("ann", "another password")
    assert not accounts.check("ann", PASSWORD)
    assert accounts.check("ann", "another password")
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    assert "$argon2id$" in accounts.path.read_text()
    assert "another password" not in accounts.path.read_text()
    accounts.remove("ann")
    assert accounts.names() == []


@pytest.mark.parametrize(
    ("name", "password"), [("", PASSWORD), ("a b", PASSWORD), ("ann", "short"), ("x" * 65, PASSWORD)]
)
def test_names_and_passwords_that_cannot_be_used_are_refused(tmp_path: Path, name: str, password: str) -> None:
    with pytest.raises(InputError):
        Accounts(tmp_path / "accounts.json").set(name, password)


def test_a_damaged_file_of_accounts_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "accounts.json").write_text('{"ann": "no hash", "cut')
    with pytest.raises(AccountsBroken, match="holds no accounts"):
        Accounts(tmp_path / "accounts.json").check("ann", "no hash")
    (tmp_path / "accounts.json").write_text('{"ann": "no hash"}')
    with pytest.raises(AccountsBroken, match="damaged"):
        Accounts(tmp_path / "accounts.json").check("ann", "no hash")


def test_accounts_are_made_listed_and_removed_by_command(run: Callable[..., Any], tmp_path: Path) -> None:
    file = ("--file", str(tmp_path / "accounts.json"))
    assert "added ann" in run("user", "add", "ann", "--password-stdin", *file, stdin=f"{PASSWORD}\n").stdout
    assert run("user", "list", *file).stdout == "ann\n"
    assert "removed ann" in run("user", "remove", "ann", *file).stdout
    gone = run("user", "remove", "ann", *file)
    assert (gone.returncode, "there is no account" in gone.stderr) == (1, True)
