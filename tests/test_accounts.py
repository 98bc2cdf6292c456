"""The file of accounts: hashes that only the owner reads, and the commands that keep it."""

import asyncio
import stat
from pathlib import Path

import pytest

from chatbot.errors import AccountsBroken, InputError
from chatbot.feedback import FeedbackStore
from chatbot.serving import Accounts
from chatbot.serving.door import Door
from chatbot.serving.limits import Limits
from chatbot.settings import load_settings
from chatbot.threads import LOCAL_USER, ThreadStore
from tests.conftest import Run

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


def test_a_password_that_is_changed_while_it_is_checked_lets_nobody_in(tmp_path: Path) -> None:
    class Changing(Accounts):
        def check(self, name: str, password: str) -> bool:
            right = super().check(name, password)
            self.set(name, "another password")
            return right

    door = Door(accounts := Changing(tmp_path / "accounts.json"), Limits(8))
    accounts.set("ann", PASSWORD)
    assert not asyncio.run(door.sign_in("ann", PASSWORD))


def test_accounts_are_made_listed_and_removed_by_command(run: Run, tmp_path: Path) -> None:
    file = ("--file", str(tmp_path / "accounts.json"))
    assert "added ann" in run("user", "add", "ann", "--password-stdin", *file, stdin=f"{PASSWORD}\n").stdout
    assert run("user", "list", *file).stdout == "ann\n"
    assert "removed ann" in run("user", "remove", "ann", *file).stdout
    gone = run("user", "remove", "ann", *file)
    assert (gone.returncode, "there is no account" in gone.stderr) == (1, True)


def test_what_a_user_had_said_can_be_deleted_after_the_account(run: Run, tmp_path: Path) -> None:
    index, settings = tmp_path / "index", load_settings(index=tmp_path / "index")
    threads, feedback = ThreadStore(settings.threads), FeedbackStore(settings.feedback)
    judged = {"standalone_question": "Why?", "status": "answered", "model": "m", "citations": (), "retrieved": ()}
    for name in ("ann", "bob", LOCAL_USER):
        threads.create(name)
        feedback.add(judged, liked=False, user=name)
    Accounts(settings.accounts).set("ann", PASSWORD)
    assert "1 conversations are kept" in run("user", "remove", "ann", index=index).stdout
    told = run("user", "remove", "ann", "--conversations", index=index).stdout
    assert told == "removed ann, with 1 conversations and 1 opinions on answers\n"
    assert [len(threads.list(name)) for name in ("ann", "bob", LOCAL_USER)] == [0, 1, 1]
    assert [record["user"] for record in feedback.read()] == ["bob", LOCAL_USER]
    assert stat.S_IMODE(settings.feedback.stat().st_mode) == 0o600
    for name in ("ann", LOCAL_USER):
        assert "there is no account" in run("user", "remove", name, "--conversations", index=index).stderr
    assert len(threads.list(LOCAL_USER)) == 1
