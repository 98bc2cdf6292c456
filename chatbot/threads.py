"""Keep conversations in an SQLite file, each for its user alone, so that they survive a restart.

Knows users, names and answers as JSON; knows nothing of papers, of how answers are made or shown. Every call opens
the file for itself: threads and processes may share it.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatbot.answers import Answer
from chatbot.errors import InputError, ThreadMissing, ThreadsBroken
from chatbot.markup import clip_text, flatten_text
from chatbot.records import Thread
from chatbot.space import has_less

LOCAL_USER = ""
NAME_CHARS = 60
_VERSION = 1
_LITTLE_SPACE = 100_000  # bytes
_PATIENCE = 30.0  # seconds to wait for another writer
_SCHEMA = (
    """CREATE TABLE threads (
        id TEXT PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL)""",
    "CREATE INDEX threads_of_user ON threads (user, updated)",
    """CREATE TABLE answers (
        number INTEGER PRIMARY KEY AUTOINCREMENT, thread TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
        created REAL NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL)""",
    "CREATE INDEX answers_of_thread ON answers (thread, number)",
    f"PRAGMA user_version = {_VERSION}",
)
# In full synchrony a finished append survives a power cut; with secure_delete, deleted words leave the file too.
_PRAGMAS = ("PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA secure_delete = ON")
_SELECT = """SELECT id, name, threads.created, updated, count(number)
    FROM threads LEFT JOIN answers ON thread = id WHERE user = :user"""
_NEWEST = "updated DESC, threads.rowid DESC"


class ThreadStore:
    """The conversations in the file ``path``, which is made at first use and readable by its owner only.

    Every call is for one user (``LOCAL_USER`` where there is only one) and sees nothing of the others. Any method
    may raise ThreadsBroken; those that are given an id or a name raise ThreadMissing when the user has no such
    thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self, user: str, name: str = "") -> Thread:
        """Start a thread. Raises InputError for a name of more than 60 characters."""
        now = time.time()
        thread = _to_thread((secrets.token_hex(16), _clean_name(name), now, now, 0))
        with self._write() as database:
            database.execute("INSERT INTO threads VALUES (?, ?, ?, ?, ?)", (thread.id, user, thread.name, now, now))
        return thread

    def find(self, user: str, name_or_id: str) -> Thread:
        """Return the thread with this id, or else the one of this name that was used last."""
        wanted = {"user": user, "given": flatten_text(name_or_id)}
        named = "AND (id = :given OR name = :given AND name != '') GROUP BY id ORDER BY id = :given DESC,"
        with self._open() as database:
            row = database.execute(f"{_SELECT} {named} {_NEWEST}", wanted).fetchone()
        if row is None:
            raise _missing(name_or_id)
        return _to_thread(row)

    def rename(self, user: str, id: str, name: str) -> None:
        """Give a thread another name. Raises InputError for an empty name or one of more than 60 characters."""
        if not (name := _clean_name(name)):
            raise InputError("the new name is empty; give one of at most 60 characters")
        with self._write() as database:
            _check_owner(database, user, id)
            database.execute("UPDATE threads SET name = ? WHERE id = ?", (name, id))

    def delete(self, user: str, id: str) -> None:
        """Delete a thread with all that was said in it."""
        with self._write() as database:
            _check_owner(database, user, id)
            database.execute("DELETE FROM threads WHERE id = ?", (id,))

    def delete_empty(self, user: str, id: str) -> None:
        """Delete a thread if it is there and nothing is said in it; another window may have added something."""
        with self._write() as database:
            database.execute(
                """DELETE FROM threads WHERE user = ? AND id = ?
                AND NOT EXISTS (SELECT 1 FROM answers WHERE thread = threads.id)""",
                (user, id),
            )

    def append(self, user: str, id: str, answer: Answer) -> int:
        """Store ``answer`` at the end of a thread, and return its number; it is on the disk when this returns.

        A thread without a name takes the question for one, cut to 60 characters.
        """
        question, record, now = flatten_text(answer.question), json.dumps(answer.to_dict()), time.time()
        name = clip_text(question, NAME_CHARS)
        with self._write() as database:
            _check_owner(database, user, id)
            database.execute("UPDATE threads SET updated = ? WHERE id = ?", (now, id))
            database.execute("UPDATE threads SET name = ? WHERE id = ? AND name = ''", (name, id))
            added = database.execute(
                "INSERT INTO answers (thread, created, question, answer) VALUES (?, ?, ?, ?)",
                (id, now, question, record),
            )
            return int(added.lastrowid or 0)

    def take_back(self, user: str, id: str, numbers: Sequence[int]) -> None:
        """Take the answers with ``numbers`` out of a thread."""
        with self._write() as database:
            _check_owner(database, user, id)
            rows = [(id, number) for number in numbers]
            database.executemany("DELETE FROM answers WHERE thread = ? AND number = ?", rows)

    def answers(self, user: str, id: str) -> Sequence[dict[str, Any]]:
        """Return what was stored, first to last: ``Answer.to_dict()``, ``number`` and ``created`` (ISO 8601, UTC)."""
        with self._open() as database:
            _check_owner(database, user, id)
            rows = database.execute(
                "SELECT number, created, answer FROM answers WHERE thread = ? ORDER BY number", (id,)
            )
            return [
                json.loads(record) | {"number": number, "created": _to_time(created).isoformat()}
                for number, created, record in rows
            ]

    def turns(self, user: str, id: str) -> Sequence[tuple[str, tuple[str, ...], dict[str, Any] | None]]:
        """Return what is needed to go on: of each answer the standalone question, the cited ids and its grid."""
        return [
            (
                record["standalone_question"],
                tuple(dict.fromkeys(cited["paper_id"] for cited in record["citations"])),
                record.get("comparison"),
            )
            for record in self.answers(user, id)
        ]

    def list(self, user: str, text: str = "") -> Sequence[Thread]:
        """Return the user's threads, the last used first; with ``text``, those with it in the name or a question."""
        matching = "GROUP BY id HAVING instr(fold(name), :text) OR max(instr(fold(question), :text)) ORDER BY"
        with self._open() as database:
            database.create_function("fold", 1, lambda words: (words or "").casefold(), deterministic=True)
            rows = database.execute(
                f"{_SELECT} {matching} {_NEWEST}", {"user": user, "text": flatten_text(text).casefold()}
            )
            return [_to_thread(row) for row in rows]

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.touch(mode=0o600)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)) as database:
                # Refused while others use the file in its first moment; the next to open asks again.
                with suppress(sqlite3.OperationalError):
                    database.execute("PRAGMA journal_mode = WAL")
                for pragma in _PRAGMAS:
                    database.execute(pragma)
                self._prepare(database)
                yield database
        except (sqlite3.Error, OSError, json.JSONDecodeError) as error:
            raise _explain(self._path, error) from error

    def _prepare(self, database: sqlite3.Connection) -> None:
        if _read_version(database) == 0:
            database.execute("BEGIN IMMEDIATE")
            if _read_version(database) == 0:  # still, now that no other can write
                for statement in _SCHEMA:
                    database.execute(statement)
            database.execute("COMMIT")
        if (found := _read_version(database)) != _VERSION:
            raise ThreadsBroken(
                f"the conversations in {self._path} were made by another version of this program (format {found}, "
                f"this one writes {_VERSION}); use that version, or move the file away"
            )


def _read_version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _check_owner(database: sqlite3.Connection, user: str, id: str) -> None:
    if database.execute("SELECT 1 FROM threads WHERE user = ? AND id = ?", (user, flatten_text(id))).fetchone() is None:
        raise _missing(id)


def _clean_name(name: str) -> str:
    if len(name := flatten_text(name)) > NAME_CHARS:
        raise InputError(f"the name of a conversation has at most {NAME_CHARS} characters; choose a shorter one")
    return name


def _to_thread(row: Sequence[Any]) -> Thread:
    key, name, created, updated, questions = row
    return Thread(key, name, _to_time(created), _to_time(updated), questions)


def _to_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _missing(name: str) -> ThreadMissing:
    shown = flatten_text(name)[:NAME_CHARS]
    return ThreadMissing(f"there is no conversation “{shown}”; those that are there: chatbot threads list")


def _explain(path: Path, error: Exception) -> ThreadsBroken:
    text = " ".join(str(error).split())
    if "locked" in text:
        return ThreadsBroken(f"another process keeps {path} busy; try again when it has finished")
    if "full" in text or has_less(path.parent, _LITTLE_SPACE):  # then SQLite may say that it cannot open a file
        return ThreadsBroken(f"the disk is full at {path}; free some space and try again")
    if isinstance(error, OSError) or "unable to open" in text or "readonly" in text:
        return ThreadsBroken(f"the conversations in {path} cannot be read and written; give yourself the right to both")
    return ThreadsBroken(f"the conversations in {path} are damaged ({text[:120]}); move the file away to start anew")
